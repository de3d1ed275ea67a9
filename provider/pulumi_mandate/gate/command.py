"""One governed command of Pulumi, run as a person would type it, and what became of it.

`mandate up` and `pulumi_mandate.automation` come through here. The gate is the process that becomes
the engine (`wrapped`); a program with `govern()` joins its run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import (
    ChainError,
    EngineError,
    MandateError,
    PartlyApplied,
    Refused,
    SignerError,
    UsageError,
)

from .folder import RunFolder, run_folders
from .journal import ALLOWED, REFUSED
from .project import is_hooked
from .refusals import refusal_of
from .where import ProgramAt

CLOSING_SECONDS = 1800.0
"""How long to wait for the watcher, which may have to ask about health for ten minutes, and to roll
back; it goes on when we stop waiting."""
_POLL_SECONDS = 0.01
_FAILING = {"failed", "open"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one command."""

    sentence: str
    exit_code: int
    facts: dict[str, Any] = field(default_factory=dict)
    """The run's result; empty where nothing was to be done."""

    def as_data(self) -> dict[str, Any]:
        return {"exitCode": self.exit_code, "sentence": self.sentence, **self.facts}


def run_command(  # noqa: PLR0913  # what a person typed, each by name
    place: ProgramAt,
    *,
    kind: str = "up",
    message: str | None = None,
    trust_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    say: Callable[[str], None],
) -> Outcome:
    """Run a command under the gate, wait for its run to be closed.

    `trust_file` is one other than the machine's own; `environment` is the engine's, by default this
    process's. Raises `Refused` for a program without the gate's hooks and for what the gate
    refused, `EngineError` where there is no engine.
    """
    source = dict(os.environ if environment is None else environment)
    started = time.time()
    say(f"looking for the mandate to {kind} {place.stack}")
    # The gate in the program must believe the file that this command was told to believe.
    told = {"MANDATE_TRUST": str(trust_file.resolve())} if trust_file else {}
    pid, code = _run_pulumi(_gate(kind, place, message), place, source | told)
    folder = _run_of(pid)
    typed = partial(_typed, kind, place)
    if folder is None:
        return _without_run(typed, pid, code, started)
    say("waiting until the run is closed on chain")
    result = _result(folder, since=started)
    if result is not None and result["status"] == "open":
        _raise_refusal(pid, started)  # the gate itself stopped it, before any operation
    return _with_run(typed, folder, result, code)


def _typed(kind: str, place: ProgramAt) -> str:
    from .standing import run_by  # the chain's libraries: 0.2 s, which a good run needs not

    return run_by(kind, place.flags, hooked=is_hooked(place.workdir))


def _gate(kind: str, place: ProgramAt, message: str | None) -> list[str]:
    """The gate is a process that becomes the engine."""
    # -P: a module in the program's folder must not take the place of one of ours.
    command = [sys.executable, "-P", "-m", "pulumi_mandate.gate.ahead"]
    command += [kind, str(place.workdir), place.stack, message or ""]
    return [*command, *([str(place.imports)] if place.imports else place.flags)]


def _run_pulumi(
    command: list[str], place: ProgramAt, environment: Mapping[str, str]
) -> tuple[int, int]:
    """The engine's pid and exit code. What it prints is progress, so it goes to standard error."""
    try:
        with subprocess.Popen(
            command,
            cwd=place.workdir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
        ) as engine:
            return engine.pid, engine.wait()
    except OSError as error:
        raise EngineError("`pulumi` cannot be started", next_step="mandate doctor") from error


def _run_of(pid: int) -> RunFolder | None:
    """The run that this engine began or went on with."""
    found = [folder for folder in run_folders() if folder.record().engine_pid == pid]
    return found[-1] if found else None


def _result(folder: RunFolder, *, since: float) -> dict[str, Any] | None:
    """The watcher's word, written after the engine ended; a resumed run has older ones."""
    path = folder.path / "result.json"
    deadline = time.monotonic() + CLOSING_SECONDS
    while time.monotonic() < deadline:
        if path.exists() and path.stat().st_mtime >= since:
            return folder.result()
        time.sleep(_POLL_SECONDS)
    return None


def _raise_refusal(pid: int, started: float) -> None:
    said = refusal_of(pid, since=started)
    if said is not None:
        raise _same_error(said)


def _without_run(typed: Callable[[], str], pid: int, code: int, started: float) -> Outcome:
    _raise_refusal(pid, started)
    if code == 0:
        return Outcome("nothing to change, so no mandate was spent", 0)
    raise EngineError(
        f"`{typed()}` failed with exit code {code} before anything was changed",
        meaning="What it printed above says why. No mandate was spent.",
    )


def _same_error(said: dict[str, Any]) -> MandateError:
    """What the gate raised inside the program, raised again here."""
    texts = {"meaning": str(said["meaning"]), "next_step": str(said["next"])}
    if "step" in said:
        parts = {name: str(said[name]) for name in ("field", "expected", "found")}
        return Refused(int(said["step"]), str(said["happened"]), **parts, **texts)
    kinds = (UsageError, ChainError, SignerError, EngineError, PartlyApplied)
    kind = next((k for k in kinds if k.exit_code == said["exitCode"]), MandateError)
    return kind(str(said["happened"]), **texts)


def _with_run(
    typed: Callable[[], str], folder: RunFolder, result: dict[str, Any] | None, code: int
) -> Outcome:
    if result is None:
        raise PartlyApplied(
            "the run is not closed on chain yet",
            meaning=f"Its watcher still tries; {folder.log} says why.",
            next_step="mandate resume",
        )
    status, reasons = result["status"], result.get("reasons") or []
    if status not in _FAILING:
        text = f"run {result['runId'][:10]}… {status}"
        if code == 0:
            return Outcome(text, 0, {"run": result})
        return Outcome(
            f"{text}, but `{typed()}` ended with exit code {code}",
            EngineError.exit_code,
            {"run": result},
        )
    lines = [f"run {result['runId'][:10]}… is {status}", *(f"  {reason}" for reason in reasons)]
    usual = typed() if status == "open" else "mandate propose"
    lines.append("next: " + str(result.get("next") or usual))
    return Outcome("\n".join(lines), _failure_code(folder), {"run": result})


def _failure_code(folder: RunFolder) -> int:
    """7 as soon as one operation was let through: the provider may have done it."""
    verdicts = {entry.verdict for entry in folder.journal.entries()}
    if ALLOWED in verdicts:
        return PartlyApplied.exit_code
    return Refused.exit_code if REFUSED in verdicts else EngineError.exit_code
