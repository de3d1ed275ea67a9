"""The `pulumi` process above this program: its arguments, its environment, and when it ends.

Read from /proc, which only Linux has; elsewhere the gate refuses, because it could not know what
the outer command is. https://man7.org/linux/man-pages/man5/proc.5.html
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_mandate.errors import Refused

from .outer import STEP, OuterCommand, parse_command

ENGINE_NAMES = frozenset({"pulumi"})
_MOST_GENERATIONS = 64


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine process this program runs under."""

    pid: int
    started: int
    """Clock ticks since boot; with the pid it names a process for ever."""
    executable: str
    """The engine's own file: the nested preview is made by the same one."""
    argv: tuple[str, ...]
    environment: dict[str, str] = field(repr=False)
    """As it was when the process started. May hold secrets: never printed, never stored."""


def read_outer_command(proc: Path = Path("/proc")) -> tuple[OuterCommand, Engine]:
    """Find the engine above us and understand its command line.

    Raises `Refused` (step 1) where there is none, where it cannot be read, or where it is not
    understood.
    """
    engine = find_engine(proc)
    return parse_command(engine.argv), engine


def find_engine(proc: Path = Path("/proc"), pid: int | None = None) -> Engine:
    """The nearest ancestor whose executable is called `pulumi`."""
    if not (proc / "self").exists() and not (proc / str(os.getpid())).exists():
        raise Refused(
            STEP,
            f"the pulumi command above this program cannot be read on {sys.platform}",
            meaning="The gate must know the outer command's flags; it reads them from /proc.",
            next_step="run the update on Linux",
        )
    current = os.getpid() if pid is None else pid
    for _ in range(_MOST_GENERATIONS):
        current = parent_and_start(proc, current)[0]
        if current <= 1:
            break
        if engine_named(proc, current):
            return Engine(
                pid=current,
                started=parent_and_start(proc, current)[1],
                executable=str((proc / str(current) / "exe").readlink()),
                argv=tuple(_words(proc, current, "cmdline")),
                environment=dict(
                    word.split("=", 1) for word in _words(proc, current, "environ") if "=" in word
                ),
            )
    raise Refused(
        STEP,
        "this program does not run below a `pulumi` command",
        meaning="Without it nobody can tell what would be done, so nothing is.",
        next_step="type `pulumi up` in the program's folder",
    )


def this_process(executable: str, proc: Path = Path("/proc")) -> Engine:
    """This process as the engine that it is about to become: `exec` keeps pid and start time."""
    pid = os.getpid()
    started = parent_and_start(proc, pid)[1]
    return Engine(pid, started, executable, tuple(sys.argv), dict(os.environ))


def is_alive(pid: int, started: int, proc: Path = Path("/proc")) -> bool:
    """Whether this very process still runs (a pid alone is used again)."""
    try:
        text = (proc / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = _after_name(text)
    return int(fields[19]) == started and fields[0] not in {"Z", "X"}


def parent_and_start(proc: Path, pid: int) -> tuple[int, int]:
    """(parent's pid, start time) of a process. Raises `Refused` where it cannot be read."""
    try:
        fields = _after_name((proc / str(pid) / "stat").read_text())
        return int(fields[1]), int(fields[19])
    except (OSError, ValueError, IndexError) as error:
        raise _unreadable(pid) from error


def _after_name(stat: str) -> list[str]:
    # The second field is the name in brackets, and a name may hold brackets and spaces.
    return stat.rpartition(")")[2].split()


def engine_named(proc: Path, pid: int) -> bool:
    """Whether a process's executable is called as an engine's is."""
    try:
        executable = Path((proc / str(pid) / "exe").readlink())
    except OSError:
        return False  # another user's process: it cannot be our engine
    return executable.name.removesuffix(" (deleted)") in ENGINE_NAMES


def _words(proc: Path, pid: int, name: str) -> list[str]:
    try:
        raw = (proc / str(pid) / name).read_bytes()
    except OSError as error:
        raise _unreadable(pid) from error
    return [os.fsdecode(word) for word in raw.split(b"\0")[:-1]]


def _unreadable(pid: int) -> Refused:
    return Refused(
        STEP,
        f"process {pid} above this program cannot be read",
        meaning="The gate must know the outer command's flags and environment.",
        next_step="run the update as one user, without a container boundary in between",
    )
