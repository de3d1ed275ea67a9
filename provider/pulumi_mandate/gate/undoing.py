"""Step (12): the former program is previewed, compared with the approved inverse, and applied.

Done by whoever closes the run and holds the subject's lock: the watcher, or `mandate resume`. The
engine runs under the same mandate and run, with another document: the former program's own
`govern()` verifies all of it again and judges each operation. Nothing is remembered but that the
way back has begun: killed anywhere, the next one previews again, and nothing left to do is done.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pulumi_mandate.errors import ChainError, EmptyPlan, MandateError, Refused, SignerError
from pulumi_mandate.models import ZERO, Address
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.receipt import DONE

from .environment import check_environment
from .folder import RunFolder
from .former import former_program
from .judging import COMPLETED, FAILED, OPEN, judge_run
from .machine import Machine
from .prepare import Prepared, check_hooks, document_of, prepare
from .project import is_hooked
from .rollback import (
    STEP,
    Former,
    check_lawful,
    former_of,
    named,
    require_undo,
    require_undoable,
    verify_undo,
)
from .state import resource_digests, update_succeeded
from .verify import verify_effects
from .where import ProgramAt

_NOBODY = Address("0x" + "00" * 20)
GO_ON = "mandate resume"
_LONGEST = 500

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of the way back."""

    status: str
    """`completed`: everything is as it was. `failed`: not, or only in part, and it stays so.
    `open`: in part, and `mandate resume` goes on."""
    reason: str
    """For people: that it was rolled back, or why not."""
    urns: frozenset[str] = frozenset()
    """Of operations whose inverse was done."""
    next_step: str = "mandate propose"


def roll_back(  # noqa: PLR0913  # a run, why it is undone, and whether anybody still wants that
    folder: RunFolder,
    machine: Machine,
    document: Document,
    reasons: Sequence[str],
    *,
    give_up: bool,
    say: Say,
) -> Undone:
    """Undo a run that is not healthy, or say why not. The caller holds the subject's lock.

    `give_up`: it is over, whatever is still to be done. Before the way back has begun every doubt
    is an answer. Once it has begun one that may go away raises, and the run stays open: `Refused`,
    `EngineError`, `UsageError`. `ChainError` and `SignerError` are raised in any case.
    """
    record, begun = folder.record(), folder.undo.has_begun
    try:
        if give_up:
            raise Refused(STEP, "the run was given up, or its lease is over")
        check_lawful(machine, record)
    except Refused as refusal:
        return _end(folder, machine, refusal) if begun else _not_begun(refusal)
    try:
        check_environment(os.environ, step=STEP)
        former = require_undoable(document, former_of(machine, record.subject))
        say(f"going back to {named(former)}")
        with former_program(former.document, record, machine.store) as at:
            return _go_back(folder, machine, former, at, reasons, say)
    except (ChainError, SignerError):
        raise
    except MandateError as error:
        if folder.undo.has_begun:
            raise
        return _not_begun(error)


def leave_to_resume(*_: object, **__: object) -> Undone:
    """For who may not start an engine now, because he is a program of one. Raises `Refused`."""
    raise Refused(
        STEP,
        "the last run of this stack is not healthy, and has to be rolled back or closed first",
        meaning="An engine is at work here already.",
        next_step=GO_ON,
    )


def _not_begun(error: MandateError) -> Undone:
    return Undone(
        FAILED,
        f"not rolled back: {_line(error.happened)}",
        next_step=error.next_step or "mandate propose",
    )


def _line(text: str) -> str:
    """An engine's message may be a page; a reason is a line."""
    return " ".join(text.split())[:_LONGEST]


def _go_back(  # noqa: PLR0913, PLR0917  # a run, the program that leads back, and where it is
    folder: RunFolder,
    machine: Machine,
    former: Former,
    at: ProgramAt,
    reasons: Sequence[str],
    say: Say,
) -> Undone:
    if not is_hooked(at.workdir):
        raise Refused(
            STEP,
            "the former program asks no gate about its operations, so a person has to run it",
            next_step="check out the former program, then: mandate propose",
        )
    say("previewing the former program")
    prepared = prepare(at, machine.trust, rules=machine.rules_of)
    approved = verify_undo(machine, prepared.here, folder.record())
    check_hooks(prepared.raw)
    wanted = _wanted(prepared)
    undo = folder.undo
    if undo.has_begun:
        _go_on(undo, wanted, at)
    else:
        _begin(folder, prepared, approved, wanted, at, reasons)
    ended = ""
    if wanted is not None:
        say("rolling back")
        code = _run_engine(undo, at)
        ended = f"the engine ended with exit code {code}" if code else ""
    return _look(folder, machine, former, ended)


def _wanted(prepared: Prepared) -> Document | None:
    """What the former program wants to change; None where that is nothing."""
    try:
        return document_of(prepared, proposer=_NOBODY, window=(0, 1), salt=ZERO, again=True)
    except EmptyPlan:
        return None


def _begin(  # noqa: PLR0913, PLR0917  # everything that the record of a way back says
    folder: RunFolder,
    prepared: Prepared,
    approved: Document,
    wanted: Document | None,
    at: ProgramAt,
    reasons: Sequence[str],
) -> None:
    """Compare, and write down that the way back begins; nothing is done yet. Raises `Refused`."""
    if wanted is None:
        raise Refused(STEP, "the former program wants nothing changed", next_step="mandate propose")
    require_undo(approved, wanted)
    record = replace(
        folder.record(),
        document=wanted.digest,
        workdir=str(at.workdir),
        engine_pid=0,
        engine_started=0,
        before=resource_digests(prepared.raw.before["deployment"], prepared.values_of),
        modules=dict(prepared.here.toolchain.modules),
    )
    folder.undo.write_undo(wanted, reasons, record)


def _go_on(undo: RunFolder, wanted: Document | None, at: ProgramAt) -> None:
    """What is still wanted is a part of what was compared when it began. Raises `Refused`."""
    if wanted is not None:
        verify_effects(undo.undo_document(), wanted, resuming=True)
    undo.write_rest(wanted)
    undo.write_record(replace(undo.record(), workdir=str(at.workdir)))


def _run_engine(undo: RunFolder, at: ProgramAt) -> int:
    """Exit code of the engine. What it prints goes where this process's errors go."""
    # -P: a module in the program's folder must not take the place of one of ours.
    command = [sys.executable, "-P", "-m", "pulumi_mandate.gate.undo_engine", str(undo.path)]
    done = subprocess.run(
        command, cwd=at.workdir, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    )
    return done.returncode


def _look(folder: RunFolder, machine: Machine, former: Former, ended: str) -> Undone:
    """What the state says of the way back."""
    status, urns, said = _judged(folder, machine)
    if status == COMPLETED:
        return Undone(COMPLETED, f"rolled back to {named(former)}", urns)
    what = "; ".join([*([ended] if ended else []), *said])
    if status == OPEN:
        return Undone(OPEN, f"not rolled back yet: {what}", urns, GO_ON)
    return Undone(FAILED, f"not rolled back, or in part: {what}", urns)


def _end(folder: RunFolder, machine: Machine, refusal: Refused) -> Undone:
    """The way back has begun and may not go on: what was done of it stays."""
    status, urns, said = _judged(folder, machine)
    if status == COMPLETED:
        return Undone(COMPLETED, "rolled back", urns)
    what = "; ".join([refusal.happened, *said])
    return Undone(FAILED, f"rolled back in part: {what}", urns)


def _judged(folder: RunFolder, machine: Machine) -> tuple[str, frozenset[str], Sequence[str]]:
    undo = folder.undo
    document = undo.undo_document()
    # The former program's folder may be gone; the state is the stack's, wherever one asks.
    record = replace(undo.record(), workdir=folder.record().workdir)
    deployment, values_of = machine.final_state(record)
    since = (undo.path / "run.json").stat().st_mtime
    ending = judge_run(
        record,
        document,
        undo.journal.entries(),
        deployment,
        values_of,
        give_up=False,
        succeeded=lambda: update_succeeded(Path(record.workdir), record.stack, since=since),
    )
    done = frozenset(one.urn for one in ending.receipt.results if one.outcome == DONE)
    return ending.status, done, ending.reasons
