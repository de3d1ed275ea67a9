"""Named steps: run in order, timed, each with one line that says what came of it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLCHAIN = ROOT / ".toolchain"
BIN = TOOLCHAIN / "bin"
STAMPS = TOOLCHAIN / "stamps"


class StepFailed(Exception):
    """A step could not do its work; the message says what to do about it."""


@dataclass(frozen=True)
class Step:
    """One piece of the set-up: `ready` looks and changes nothing, `make` does the work."""

    name: str
    ready: Callable[[], str | None]
    """What is there, in a few words, or None where the work is still to do."""
    make: Callable[[], None]


@dataclass(frozen=True)
class Result:
    """What came of one step; `state` is ready, made, missing or failed."""

    name: str
    state: str
    detail: str
    seconds: float


def say(text: str) -> None:
    """One line of progress. Standard error, so that `--json` keeps standard output clean."""
    print(text, file=sys.stderr, flush=True)


def run_step(step: Step, *, check_only: bool) -> Result:
    """Bring one step to its end, or only look at it."""
    begun = time.monotonic()
    state, detail = "ready", step.ready()
    if detail is None and check_only:
        state, detail = "missing", "run `make toolchain`"
    elif detail is None:
        say(f"{step.name}: setting up")
        try:
            step.make()
            detail = step.ready()
            state = "made" if detail else "failed"
            detail = detail or "the work was done, but what it makes is not there"
        except StepFailed as failure:
            state, detail = "failed", str(failure)
    seconds = round(time.monotonic() - begun, 2)
    say(f"{step.name}: {state}, {detail} ({seconds:.1f} s)")
    return Result(step.name, state, detail, seconds)


def digest_of(files: Iterable[Path], *words: str) -> str:
    """A digest of the files' contents and of whatever else the result depends on."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes() if file.is_file() else b""
        digest.update(len(content).to_bytes(8, "big") + content)
    for word in words:
        digest.update(b"\0" + word.encode())
    return digest.hexdigest()


def is_stamped(name: str, digest: str) -> bool:
    """Whether `name` was last made from exactly these contents."""
    stamp = STAMPS / name
    return stamp.is_file() and stamp.read_text() == digest


def stamp(name: str, digest: str) -> None:
    """Remember what `name` was made from."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(digest)


def run(command: Sequence[str | Path], *, cwd: Path = ROOT, hint: str = "") -> None:
    """Run a command quietly; its output is shown only where it fails.

    Raises:
        StepFailed: it could not be started, or ended with an error.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise StepFailed(f"`{words[0]}` cannot be started: {error}. {hint}".rstrip()) from error
    if done.returncode:
        say((done.stdout + done.stderr).strip())
        raise StepFailed(
            f"`{' '.join(words[:4])}` ended with {done.returncode}; see above. {hint}".rstrip()
        )


def write_launcher(path: Path, body: str) -> None:
    """Write a small shell script, at once and executable; `$root` in it is the checkout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Found from its own place: the checkout has no path of any machine in it.
    script = f'#!/bin/sh\nroot=$(CDPATH= cd -- "${{0%/*}}/../.." && pwd)\n{body}\n'
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(script)
    draft.chmod(0o755)
    draft.replace(path)


def link(path: Path, target: Path) -> None:
    """Point `path` at `target`, replacing what was there at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    inside = target.is_relative_to(ROOT)
    draft.symlink_to(os.path.relpath(target, path.parent) if inside else target)
    draft.replace(path)


def on_path(name: str) -> Path | None:
    """The machine's own `name`: first on PATH outside this checkout's folders."""
    ours = {BIN, VENV / "bin"}
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if not folder or Path(folder).absolute() in ours:
            continue
        candidate = Path(folder, name)
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    return None
