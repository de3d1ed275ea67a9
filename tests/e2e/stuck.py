"""A run whose engine and watcher were both killed, by kill -9, after `begin` was mined."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import Home

WAITS = """import pathlib
import time

import pulumi
import pulumi_mandate

pulumi_mandate.govern()

while not pulumi.runtime.is_dry_run() and pathlib.Path({flag!r}).exists():
    time.sleep(0.1)

pulumi_mandate.S3Bucket("{name}", bucket="{name}")
"""


def stuck_run(home: Home, project: str, name: str) -> tuple[Path, int]:
    """A program's folder and its proposal, whose run began, changed nothing and was killed.

    The same program runs through from now on.
    """
    folder, flag = home.program(project, name), home.folder / f"{project}-waits"
    (folder / "__main__.py").write_text(WAITS.format(flag=str(flag), name=name))
    number = home.approve(folder)
    flag.touch()
    kill_after_begin(home, number, folder)
    flag.unlink()
    return folder, number


def kill_after_begin(home: Home, number: int, folder: Path) -> None:
    """Start `pulumi up`, and kill all of it as soon as the mandate is spent."""
    engine = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=folder,
        env=home.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _as_soon_as_begun(home, engine, lambda run: _kill_all(engine, run))
    finally:
        if engine.poll() is None:
            os.killpg(engine.pid, signal.SIGKILL)
            pytest.fail(f"the run of proposal {number} never began")
        engine.wait()


def _as_soon_as_begun(
    home: Home, engine: subprocess.Popen[bytes], act: Callable[[Path], None]
) -> None:
    runs = Path(home.environment["MANDATE_HOME"], "runs")
    known = set(runs.glob("*"))
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and engine.poll() is None:
        begun = [path for path in set(runs.glob("*")) - known if _has_begun(path)]
        if begun:
            act(begun[0])
            engine.wait()
            return
        time.sleep(0.02)


def _has_begun(run: Path) -> bool:
    """Its record names the transaction of `begin`, once that was mined."""
    record = run / "run.json"
    return record.exists() and bool(json.loads(record.read_bytes())["transaction"])


def _kill_all(engine: subprocess.Popen[bytes], run: Path) -> None:
    os.killpg(engine.pid, signal.SIGKILL)
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if b"pulumi_mandate.gate.watcher" in words and os.fsencode(run) in words:
                os.kill(int(process.name), signal.SIGKILL)
