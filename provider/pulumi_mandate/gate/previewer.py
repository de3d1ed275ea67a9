"""A preview's cell, from outside: what this machine can give, one command run in it, its end.

The program runs in a preview before anybody has approved it. In the cell it finds its own files and
the engine's, readable; one folder that it may write; a network with nothing in it but what the
trust file's `[previewer]` lists; no process but its own; and limits. `confined` makes it.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from pulumi_mandate.chain.previewing import Previewer
from pulumi_mandate.chain.trust import Trust
from pulumi_mandate.errors import EngineError, Refused

from .egress import Egress, ports_of
from .reach import cell_environment, hidden_paths, needed_paths

_STEP = 7
_CONFINED = Path(__file__).with_name("confined.py")
_LINE = 1 << 16
_MOST_SOCKETS = 64
_LIMITS = ("memory_mib", "disk_mib", "processes", "seconds")


@dataclass(frozen=True, slots=True)
class Isolation:
    """What this machine gives a preview."""

    closed: bool
    """Own network, processes and files, as the kernel's namespaces give them."""
    user: str = ""
    """The OS user, where it is not the gate's own."""
    missing: str = ""
    """Why it is not closed."""

    def sentence(self) -> str:
        """For a person."""
        if not self.closed:
            return f"previews are not isolated here ({self.missing}): they reach what you reach"
        who = f" as {self.user}" if self.user else ""
        return f"previews run{who} in a cell: own network, processes and files, limits"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command in the cell ended."""

    code: int
    stdout: bytes
    stderr: bytes


class Cell:
    """Runs an engine's commands, each in a cell of its own with the same reach.

    `folder` is private to the caller and the only place that the cell may write.
    """

    def __init__(self, trust: Trust, workdir: Path, folder: Path) -> None:
        assert trust.previewer is not None  # noqa: S101  # the caller asked
        self._trust = trust
        self._previewer = trust.previewer
        self._workdir = workdir
        self._folder = folder
        self._user = _user(self._previewer.user)
        self.isolation = Isolation(True, self._previewer.user)
        """What was had, known after the first command."""
        if self._user is not None:
            os.chown(folder, *self._user)

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> Answer:
        """Run one command to its end, whatever it leaves behind included.

        Raises `Refused` where isolation is required and cannot be had, `EngineError` where the
        command cannot be started or had to be stopped.
        """
        if self.isolation.closed:
            try:
                return self._run(command, environment, closed=True)
            except _NoCell as missing:
                self.isolation = Isolation(False, self._previewer.user, str(missing))
                if self._previewer.required:
                    raise _cannot_isolate(str(missing)) from None
                print(f"mandate: {self.isolation.sentence()}", file=sys.stderr, flush=True)
        return self._run(command, environment, closed=False)

    def _run(
        self, command: Sequence[str], environment: Mapping[str, str], *, closed: bool
    ) -> Answer:
        cell = self._description(command, environment, closed=closed)
        inside = cell_environment(environment, self._previewer, self._folder)
        with (
            tempfile.TemporaryFile(dir=self._folder) as stdout,
            tempfile.TemporaryFile(dir=self._folder) as stderr,
        ):
            code = _run_confined(cell, inside, self._previewer, (stdout, stderr))
            stdout.seek(0)
            stderr.seek(0)
            return Answer(code, stdout.read(), stderr.read())

    def _description(
        self, command: Sequence[str], environment: Mapping[str, str], *, closed: bool
    ) -> dict[str, Any]:
        needed = (self._folder, *needed_paths(self._workdir, environment))
        hidden = hidden_paths(self._trust, environment, needed) if closed else ()
        limits = asdict(self._previewer)
        return {
            "command": list(command),
            "folder": str(self._workdir),
            "closed": closed,
            "writable": [str(self._folder.resolve())],
            "hidden": [str(path) for path in hidden],
            "ports": ports_of(self._previewer),
            "user": self._user,
            "limits": {name: limits[name] for name in _LIMITS},
        }


def probe(trust: Trust) -> Isolation:
    """What this machine gives, seen by trying; nothing of a program runs. Raises `EngineError`."""
    if trust.previewer is None:
        return Isolation(False, missing="the trust file has no [previewer]")
    with tempfile.TemporaryDirectory(prefix="mandate-probe-") as name:
        cell = Cell(trust, Path("/"), Path(name))
        with suppress(Refused):  # the isolation says why
            cell.run(("true",), {"PATH": os.defpath})
        return cell.isolation


class _NoCell(Exception):
    """This machine does not give one."""


def _run_confined(
    cell: Mapping[str, Any],
    environment: Mapping[str, str],
    previewer: Previewer,
    output: tuple[IO[bytes], IO[bytes]],
) -> int:
    """The command's exit code. Raises `_NoCell`, `EngineError`."""
    ours, theirs = socket.socketpair()
    with ExitStack() as stack:
        with theirs:
            process = subprocess.Popen(
                (sys.executable, "-I", "-S", str(_CONFINED), str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=output[0],
                stderr=output[1],
                env=dict(environment),
                cwd="/",
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # a signal to the terminal is ours to pass on
            )
        stack.callback(process.wait)
        stack.enter_context(ours)  # closed first: then nobody waits, and the cell ends
        with suppress(ConnectionError):  # then it says nothing either
            ours.sendall(json.dumps(cell).encode() + b"\n")
        told, descriptors = _listen(ours)
        listeners = [socket.socket(fileno=found) for found in descriptors]
        for listener in listeners:
            stack.enter_context(listener)
        if "made" not in told:
            raise _NoCell(told.get("failed", "the cell's first process ended"))
        with Egress(previewer, listeners):
            with suppress(ConnectionError):
                ours.sendall(b"go\n")
            told, _ = _listen(ours)
    if "failed" in told:
        raise EngineError(
            f"the Pulumi CLI could not be started: {told['failed']}", next_step="mandate doctor"
        )
    if told.get("stopped") or "code" not in told:
        raise EngineError(
            f"the preview was stopped: {told.get('stopped') or 'its cell ended'}",
            meaning="Nothing was changed: a preview only looks.",
            next_step="raise the limit under [previewer] of the trust file, if the program is to "
            "use that much",
        )
    return int(told["code"])


def _listen(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next line from inside, and the sockets that came with it; empty where it ended."""
    descriptors: list[int] = []
    try:
        data, descriptors, _, _ = socket.recv_fds(control, _LINE, _MOST_SOCKETS)
        while data and not data.endswith(b"\n"):
            more = control.recv(_LINE)
            data = data + more if more else b""
    except ConnectionError:
        data = b""
    return json.loads(data) if data else {}, list(descriptors)


def _user(name: str) -> tuple[int, int] | None:
    """Raises `Refused` where this machine has no such user, or the gate cannot become it."""
    if not name:
        return None
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise _cannot_isolate(f"there is no user {name}") from None
    if found.pw_uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise _cannot_isolate(f"only root may run a preview as {name}")
    return found.pw_uid, found.pw_gid


def _cannot_isolate(why: str) -> Refused:
    return Refused(
        _STEP,
        f"this machine cannot isolate a preview: {why}",
        field="previewer",
        expected="a cell of its own",
        found=why,
        meaning="A preview runs code that nobody has approved. Nothing was run.",
        next_step="preview on a machine that can (Linux 5.12 with namespaces), or write "
        "`required = false` under [previewer] of the trust file and accept that it reaches "
        "everything that you reach",
    )
