"""Short questions to the engine, and some of them asked before anybody needs the answer.

Imports next to nothing: while it waits for an answer, a process can load the rest of the gate.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pulumi_mandate.errors import EngineError, Refused

from .ancestor import Engine
from .environment import NESTED_MARK, check_environment
from .packages import Packages, installed

JSON = Any
ENGINE_SECONDS = 120.0
WHO = ("whoami", "--verbose", "--json")
VERSION = ("version",)
STATE = ("stack", "export", "--show-secrets")
SAME_IN_BOTH = frozenset(
    {"MANDATE_TRUST", "MANDATE_HOME", "HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"}
)
"""Variables that the engine and the gate must read alike."""
_TOLD_TO_PROGRAMS = frozenset(
    {
        "PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS", "PULUMI_DRY_RUN", "PULUMI_PARALLEL",
        "PULUMI_MONITOR", "PULUMI_ENGINE", "PULUMI_PROJECT", "PULUMI_STACK",
        "PULUMI_ORGANIZATION", "PULUMI_ROOT_DIRECTORY",
    }
)  # fmt: skip


def identity(file: Path) -> str:
    """Which file an engine is: another one, or other content, has another.

    `ctime` is the kernel's own, and nobody sets it back; a file that runs cannot be written to.
    Raises `OSError`.
    """
    found = file.stat()
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


class Ask(Protocol):
    """Asks the engine one question: `run_engine`, or an `Ahead`."""

    def __call__(
        self,
        arguments: Sequence[str],
        workdir: Path,
        environment: Mapping[str, str] | None = None,
        /,
    ) -> str:
        """What it printed. Raises `EngineError`."""


class Ahead:
    """An `Ask` that has asked some questions already. Each answer is given once."""

    def __init__(
        self, workdir: Path, environment: Mapping[str, str], *questions: Sequence[str]
    ) -> None:
        self._of = (workdir, dict(environment))
        self._answers: dict[tuple[str, ...], Future[str]] = {}
        self.add(*questions)

    def add(self, *questions: Sequence[str]) -> None:
        """Ask these as well."""
        pool = ThreadPoolExecutor(max(1, len(questions)))
        for question in questions:
            self._answers[tuple(question)] = pool.submit(run_engine, question, *self._of)
        pool.shutdown(wait=False)

    def told(self, question: Sequence[str], answer: str) -> None:
        """What somebody has asked already."""
        known: Future[str] = Future()
        known.set_result(answer)
        self._answers[tuple(question)] = known

    def __call__(
        self,
        arguments: Sequence[str],
        workdir: Path,
        environment: Mapping[str, str] | None = None,
        /,
    ) -> str:
        """Waits for the answer; asks now what was not asked of this very place."""
        here = (workdir, dict(os.environ if environment is None else environment))
        found = self._answers.pop(tuple(arguments), None) if here == self._of else None
        return run_engine(arguments, workdir, environment) if found is None else found.result()


def engine_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """For an engine command of ours: the program's own settings removed.

    The language host gives a program `PULUMI_CONFIG` and friends, which another engine command
    would take for its own.
    """
    source = os.environ if environment is None else environment
    return {name: value for name, value in source.items() if name not in _TOLD_TO_PROGRAMS}


def run_engine(
    arguments: Sequence[str], workdir: Path, environment: Mapping[str, str] | None = None
) -> str:
    """What an engine command of ours printed. Raises `EngineError`, which never quotes that."""
    name = "pulumi " + " ".join(word for word in arguments[:2] if not word.startswith("-"))
    try:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=workdir,
            env=engine_environment(environment) | {NESTED_MARK: "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ENGINE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise EngineError(
            f"`{name}` cannot be run ({type(error).__name__})", next_step="mandate doctor"
        ) from error
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise EngineError(f"`{name}` failed: {reason[0]}", next_step=f"type `{name}` yourself")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Look:
    """How the gate looks at its machine; either may have begun already."""

    ask: Ask = run_engine
    packages: Packages = installed


NOTHING_AHEAD = Look()


def engine_json(
    arguments: Sequence[str],
    workdir: Path,
    environment: Mapping[str, str] | None = None,
    ask: Ask | None = None,
) -> JSON:
    """The same, parsed. Raises `EngineError`."""
    try:
        return json.loads((ask or run_engine)(arguments, workdir, environment))
    except ValueError:
        raise EngineError(f"`pulumi {arguments[0]}` did not answer in JSON") from None


def engine_path(executable: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which `pulumi` is the very engine that runs the update."""
    folder = str(Path(executable).parent)
    return dict(environment) | {"PATH": folder + os.pathsep + environment.get("PATH", os.defpath)}


def check_engine(engine: Engine) -> dict[str, str]:
    """(1) the engine's environment is known, and this process reads the same trust and state.

    Returns the environment for previews by the same engine. Raises `Refused`.
    """
    check_environment(engine.environment)
    for name in sorted(SAME_IN_BOTH):
        if os.environ.get(name) != engine.environment.get(name):
            raise Refused(
                1,
                f"`{name}` is not what it was when the engine was started",
                meaning="The program, or something before it, points the gate elsewhere.",
                next_step=f"do not set {name} inside the program",
            )
    if os.environ.get(NESTED_MARK):
        check_environment({NESTED_MARK: "1"})
    return engine_path(engine.executable, engine.environment)
