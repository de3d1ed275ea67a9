"""Engines that this process started are ended in order; nobody else's are touched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_mandate.gate.descendant import end_engines_below

LONG = "600"


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Tests that were started in the background may ignore Ctrl-C, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child whose executable has an engine's name (a stand-in: `sleep` under that name)."""
    program = tmp_path / "pulumi"
    shutil.copy(str(shutil.which("sleep")), program)
    child = subprocess.Popen([str(program), LONG])
    yield child
    child.kill()
    child.wait()


def test_an_engine_below_is_interrupted_and_waited_for(engine: subprocess.Popen[bytes]) -> None:
    with subprocess.Popen(["sleep", LONG]) as other:
        try:
            assert end_engines_below()

            assert engine.wait() == -signal.SIGINT
            assert other.poll() is None
        finally:
            other.kill()
    assert not end_engines_below()  # there is none any more


def test_an_engine_that_goes_on_is_told(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    shutil.copy(str(shutil.which("sleep")), program)
    ignoring = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    ignoring += "print(flush=True); os.execv(sys.argv[1], sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", ignoring, str(program), LONG], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        while Path(f"/proc/{child.pid}/exe").readlink().name != "pulumi":
            os.sched_yield()

        assert not end_engines_below(patience=0.05)

        assert child.poll() is None
        child.kill()


def test_without_proc_nobody_is_seen(tmp_path: Path) -> None:
    assert not end_engines_below(proc=tmp_path / "none")
