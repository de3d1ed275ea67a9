"""The engines below this process: those that an inline program of the Automation API runs under.

Such a program is a function of the process that started the engine. Where it must end, the engine
would lose its pipes in the middle and leave the stack locked; interrupted first, it ends in order.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pulumi_mandate.errors import MandateError

from .ancestor import engine_named, is_alive, parent_and_start

PATIENCE_SECONDS = 20.0
"""An engine that was interrupted waits for the operations that are going on."""
_POLL_SECONDS = 0.01


def end_engines_below(patience: float = PATIENCE_SECONDS, proc: Path = Path("/proc")) -> bool:
    """Interrupt every engine that this process started, and wait for its end.

    All of them: whoever asks is about to end this process, and with it the pipes of each. False
    where one goes on, or where none can be seen (without /proc).
    """
    engines = list(_engines_below(proc))
    for pid, _ in engines:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + patience
    while any(is_alive(pid, started, proc) for pid, started in engines):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return bool(engines)


def _engines_below(proc: Path) -> Iterator[tuple[int, int]]:
    """(pid, start time) of each child of this process that is an engine."""
    for entry in proc.iterdir() if proc.is_dir() else ():
        if entry.name.isdecimal() and engine_named(proc, int(entry.name)):
            with suppress(MandateError):  # it ended meanwhile
                parent, started = parent_and_start(proc, int(entry.name))
                if parent == os.getpid():
                    yield int(entry.name), started
