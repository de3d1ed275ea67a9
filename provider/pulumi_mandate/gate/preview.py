"""Ask the engine what a program wants, in full: plan file, steps, state before and after, config.

The answers hold secrets in the clear. They exist in this process's memory and, while the engine
runs, in one private folder on a memory file system where there is one; they are never logged. What
a killed process left there is removed by the next preview and by the watcher.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from pulumi_mandate.chain.trust import Trust
from pulumi_mandate.errors import EngineError
from pulumi_mandate.plan.destroy import refuse_protected, state_in
from pulumi_mandate.plan.raw import RawPreview

from .ancestor import is_alive
from .engine import STATE
from .flags import edit_of
from .previewer import Answer, Cell
from .project import DIY_ORGANISATION, read_project

_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of our own, 0700, is made inside it
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_OWNER = re.compile(r"([0-9]+)-([0-9]+)-")
_COMPLETE = ("--show-sames", "--show-replacement-steps", "--show-reads")
_ON_A_COPY = frozenset({"refresh", "import", "state"})
_DESTROY = ("destroy", "--preview-only", "--run-program", "--json", *_COMPLETE[:2])
_KEPT = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
_LONGEST_MESSAGE = 4000
_RUN_CODE = frozenset({"preview", "destroy", "refresh", "import"})
"""Commands that run the program or a provider; the others read the state and its configuration."""


def take_preview(  # noqa: PLR0913  # an engine's command, by name
    workdir: Path,
    stack: str,
    *,
    kind: str = "up",
    flags: Sequence[str] = (),
    env: Mapping[str, str],
    trust: Trust | None = None,
    before: Callable[[], str] | None = None,
) -> RawPreview:
    """Preview one command on `stack` of the program in `workdir`: every source of a plan.

    `kind` is one of `PLAN_KINDS`; `flags` are those of the outer command that change what the
    preview means; `env` is the whole environment of the engine, from which the outer run's
    `PULUMI_CONFIG` is removed. With a `trust` that has a `previewer`, the
    commands that run code run in a cell. `before` answers `STATE`, where that was asked already.

    Raises `EngineError` with the engine's own message, `IncompletePlan` for a destroy that would
    meet a protected resource, `Refused` where isolation is required and cannot be had.
    """
    with _private_folder() as folder:
        confined = trust is not None and trust.previewer is not None
        cell = Cell(trust, workdir, folder) if trust is not None and confined else None
        engine = _Engine(workdir, stack, _clean(env), cell)
        plan = folder / "plan.json"
        state = engine.state_before(before)
        if kind in _ON_A_COPY:
            words = edit_of(flags) if kind == "state" else ("--skip-preview", *flags)
            made = _on_a_copy(engine, folder, workdir, stack, (kind, *words))
            after, config = engine.state_and_config()
            return RawPreview({}, {}, state, after, config, kind, made)
        part = tuple(flag for flag in flags if flag.startswith(("--target=", "--exclude=")))
        if kind == "destroy" and not part:
            refuse_protected(state_in(state))
        arguments = ("preview", "--save-plan", str(plan), "--json", "--show-secrets", *_COMPLETE)
        about = flags if kind == "up" else ()
        steps = engine.json(*arguments, "--non-interactive", *about)
        if kind == "destroy":
            # The update's steps only made the plan file, which shows what a destroy hides: of the
            # whole program, whichever part of the stack goes.
            steps = engine.json(*_DESTROY, "--non-interactive", *flags)
        after, config = engine.state_and_config()
        return RawPreview(_read(plan), steps, state, after, config, kind, part=part)


def _on_a_copy(
    engine: _Engine, folder: Path, workdir: Path, stack: str, command: Sequence[str]
) -> dict[str, Any]:
    """The export of a copy of the state, beside the backend, after a command on it.

    Only for commands that write nothing but the state, which is in this private folder.
    The copy's secrets stay as the stack's own secrets provider encrypted them.
    """
    project, name = read_project(workdir)["name"], stack.rpartition("/")[2]
    full = f"{DIY_ORGANISATION}/{project}/{name}"
    held = engine.json("stack", "export")["deployment"]
    file = folder / ".pulumi" / "stacks" / project / f"{name}.json"
    file.parent.mkdir(parents=True)
    content = {"version": 3, "checkpoint": {"stack": full, "latest": held}}
    file.write_bytes(orjson.dumps(content))
    (folder / ".pulumi" / "meta.yaml").write_text("version: 1\n")
    copy = engine.beside(folder, full)
    copy.run(*command, "--yes", "--non-interactive")
    return copy.json("stack", "export", "--show-secrets")


class _Engine:
    def __init__(
        self, workdir: Path, stack: str, env: Mapping[str, str], cell: Cell | None
    ) -> None:
        self._workdir = workdir
        self._stack = stack
        self._env = dict(env)
        self._cell = cell

    def beside(self, backend: Path, stack: str) -> _Engine:
        """The same program on a backend of its own."""
        env = self._env | {"PULUMI_BACKEND_URL": backend.as_uri()}
        return _Engine(self._workdir, stack, env, self._cell)

    def json(self, *arguments: str) -> dict[str, Any]:
        """What a command answered. Raises `EngineError`."""
        try:
            return _object(self.run(*arguments))
        except orjson.JSONDecodeError:
            raise EngineError(f"`pulumi {arguments[0]}` did not answer in JSON") from None

    def state_before(self, told: Callable[[], str] | None) -> dict[str, Any]:
        """The state now, or as it was told a moment ago. Raises `EngineError`."""
        if told is not None:
            with suppress(EngineError, orjson.JSONDecodeError):  # asked here, it is said why
                return _object(told().encode())
        return self.json(*STATE)

    def state_and_config(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Both at once: most of either is the engine's own start. Raises `EngineError`."""
        with ThreadPoolExecutor(1) as beside:
            config = beside.submit(self.json, "config", "--show-secrets", "--json")
            return self.json(*STATE), config.result()

    def run(self, *arguments: str) -> bytes:
        """What a command printed. Raises `EngineError`, with the engine's own message."""
        command = ["pulumi", *arguments, f"--stack={self._stack}"]
        done = self._answer(command)
        if done.code != 0:
            raise EngineError(
                f"`pulumi {arguments[0]}` failed: {_message(done.stdout, done.stderr)}",
                meaning="Nothing was changed: a preview only looks.",
                next_step=f"pulumi preview --stack {self._stack}",
            )
        return done.stdout

    def _answer(self, command: Sequence[str]) -> Answer:
        if self._cell is not None and command[1] in _RUN_CODE:
            return self._cell.run(command, self._env)
        try:
            done = subprocess.run(
                command, cwd=self._workdir, env=self._env, capture_output=True, check=False
            )
        except OSError as error:
            raise EngineError(
                f"the Pulumi CLI could not be started: {error.strerror}",
                next_step="mandate doctor",
            ) from None
        return Answer(done.returncode, done.stdout, done.stderr)


def _clean(env: Mapping[str, str]) -> dict[str, str]:
    """Without what belongs to the outer run: its configuration would hide the stack's own."""
    return {
        name: value
        for name, value in env.items()
        if (not name.startswith("PULUMI_CONFIG") or name in _KEPT)
        and name != "PULUMI_ENABLE_STREAMING_JSON_PREVIEW"
    }


@contextmanager
def _private_folder() -> Iterator[Path]:
    remove_left_behind()
    # mkdtemp makes it with mode 0700; its name tells whose it is.
    folder = Path(tempfile.mkdtemp(prefix=_named() + _owner(), dir=_parent()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_left_behind() -> None:
    """Remove the folders of owners that were killed, with the secrets in them.

    Only this user's, and only those of this pid namespace: another one's pids mean nothing here.
    """
    if not _owner():
        return
    named = _named()
    for folder in _parent().glob(f"{named}*"):
        owner = _OWNER.match(folder.name.removeprefix(named))
        with suppress(OSError):
            if owner is None or folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            if not is_alive(int(owner[1]), int(owner[2])):
                shutil.rmtree(folder, ignore_errors=True)


def _parent() -> Path:
    return _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def _named() -> str:
    """The namespace is in it: machines and containers may share one folder."""
    try:
        return f"mandate-{_PID_NAMESPACE.stat().st_ino}-"
    except OSError:  # no /proc: nobody can tell there who lives, and nothing is removed
        return "mandate-"


def _owner() -> str:
    """`<pid>-<clock ticks since boot>-` of this process; empty where /proc is not."""
    try:
        text = Path("/proc/self/stat").read_text()
    except OSError:
        return ""
    # The second field is the name in brackets, which may hold brackets and spaces.
    return f"{os.getpid()}-{text.rpartition(')')[2].split()[19]}-"


def _read(plan: Path) -> dict[str, Any]:
    try:
        return _object(plan.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise EngineError("the engine saved no readable plan file") from None


def _object(data: bytes) -> dict[str, Any]:
    value = orjson.loads(data)
    if not isinstance(value, dict):
        raise EngineError("the engine answered with something other than a JSON object")
    return value


def _message(stdout: bytes, stderr: bytes) -> str:
    """The engine's error diagnostics, which mask secrets, or the end of what it printed."""
    try:
        diagnostics = orjson.loads(stdout).get("diagnostics") or []
        errors = [entry["message"] for entry in diagnostics if entry.get("severity") == "error"]
    except (orjson.JSONDecodeError, AttributeError, KeyError):
        errors = []
    text = "\n".join(errors) or stderr.decode(errors="replace") or stdout.decode(errors="replace")
    return text.strip()[-_LONGEST_MESSAGE:] or "it gave no reason"
