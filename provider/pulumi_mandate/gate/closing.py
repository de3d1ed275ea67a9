"""Steps (11) to (13): what became of a run, and saying so on chain. Safe to repeat at any time.

A run is complete when it did what was approved and nothing else (`judging`), and what the subject's
rules ask afterwards says that all is well. One that merely stopped half-way stays open while its
lease lasts: `pulumi up` resumes it. One that is not healthy is undone where the approved inverse
may be (`undoing`), and failed in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_mandate.checks.health import unhealthy
from pulumi_mandate.checks.library import require_rules
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.errors import ChainError, ContractRefused, PartlyApplied, Refused, UsageError
from pulumi_mandate.models import (
    ZERO,
    MandateState,
    Outcome,
    OutcomeKind,
    to_hex,
)
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import program_digest

from .ancestor import is_alive
from .flags import flags_of
from .folder import RunFolder, RunRecord, SubjectLock
from .judging import COMPLETED, FAILED, OPEN, Ending, judge_run, judge_undone
from .standing import is_hooked_plan, run_by
from .state import update_succeeded
from .undoing import Undone, roll_back

if TYPE_CHECKING:
    from .machine import Machine

JSON = Any

NOT_BEGUN = "not-begun"

_ENDED = {
    MandateState.UNCONFIRMED: COMPLETED,
    MandateState.CONFIRMED: COMPLETED,
    MandateState.FAILED: FAILED,
    MandateState.ABANDONED: FAILED,
}


def finish_run(  # noqa: PLR0913  # the watcher says what it saw, a person's command says less
    folder: RunFolder,
    machine: Machine,
    *,
    give_up: bool = False,
    begin_may_come: Callable[[RunRecord], bool] = lambda _: False,
    program_seen: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
    undo: Callable[..., Undone] = roll_back,
) -> dict[str, Any]:
    """Look at a run that the engine has left, and state its outcome on chain if it has one.

    Idempotent: a run that is closed on chain already is reported as it is there. Returns what
    `result.json` then holds: `status` (`completed`, `failed`, `open`, `not-begun`), `runId`,
    `planHash`, `reasons`, the plan's `kind` and `flags`, `hooked` (as
    `is_hooked_plan`), and `receiptRoot`, `postState`, `transaction` where it was stated. Of a run
    that was not healthy also `undo` (what became of the way back) and `next`.

    `begin_may_come` tells whether a `begin` that the registry does not know may still be mined; the
    watcher asks, a person's command settles at once (`mandate resume` asks the chain each time, so
    it finds the run if it begins after all). `program_seen` is the program's digest (0x…) when the
    engine ended, as the watcher saw it: another one than was approved fails the run. Whoever
    finishes a run later knows only the folder of today, which people may have edited since: there a
    difference is reported among the reasons, and the state and the journal decide.

    A run that did everything is asked about its health by the checks of the rules that it was
    approved under, which may take minutes; it is FAILED where it is not healthy, and `undo` leads
    back first where it may. So whoever calls this holds the subject's lock, or `finish_alone`.

    Raises `Refused` while the engine still works and where those rules are nowhere, `ChainError`
    (also where `begin` may still come), `SignerError`, `EngineError`.
    """
    record = folder.record()
    if any(is_alive(one.engine_pid, one.engine_started) for one in _records(folder)):
        raise Refused(13, "the engine of this run still works", next_step="wait until it ends")
    state = _state_of(record, machine)
    if state is None and begin_may_come(record):
        raise ChainError(
            "begin may still be mined",
            meaning="It was sent, and neither its block nor its deadline has come.",
            next_step="mandate resume",
        )
    ended = NOT_BEGUN if state is None else _ENDED.get(state)
    if ended is not None:
        return _write(folder, record, {**(folder.result() or {}), "status": ended})
    document = Document.load(machine.store.get(record.document))
    give_up = give_up or machine.lease_over(record)
    ending, wrong = None, []
    if folder.undo.has_begun:  # whatever it looks like now, it is no complete run any more
        wrong = folder.undo.reasons()
    else:
        progress("reading the final state")
        # While it is stopping nothing may go forward, so there is nothing to wait for.
        stops = give_up or state is MandateState.STOPPING
        ending = _judge(folder, record, document, machine, give_up=stops)
        ending = _with_program(ending, record, document, program_seen)
        wrong = _not_healthy(ending, document, machine, progress)
    found: dict[str, Any] = {}
    if wrong or ending is None:
        undone = undo(folder, machine, document, wrong, give_up=give_up, say=progress)
        ending = _after_undo(folder, record, document, machine, wrong=wrong, undone=undone)
        found |= {"undo": undone.status, "next": undone.next_step}
    found |= {"status": ending.status, "reasons": list(ending.reasons)}
    found["kind"], found["flags"] = document.content["kind"], list(flags_of(document.content))
    found["hooked"] = is_hooked_plan(document)
    if ending.status != OPEN:
        progress(f"stating on chain that the run {ending.status}")
        found |= _state_outcome(record, ending, machine)
    return _write(folder, record, found)


def program_of(record: RunRecord) -> str:
    """The digest (0x…) of the program's folder now; empty where it cannot be digested."""
    try:
        return to_hex(program_digest(Path(record.workdir), record.stack).digest)
    except (UsageError, OSError):
        return ""


def _with_program(
    ending: Ending, record: RunRecord, document: Document, seen: str | None
) -> Ending:
    approved = document.content["program"]["digest"]
    if ending.status != COMPLETED:
        return ending
    if seen is not None and seen != approved:
        return replace(ending, status=FAILED, reasons=("the program changed while it ran",))
    if seen is None and program_of(record) != approved:
        note = "the program is another one by now; whether it changed while it ran is not known"
        return replace(ending, reasons=(note,))
    return ending


def _records(folder: RunFolder) -> list[RunRecord]:
    """Of the run, and of its way back where that has begun."""
    return [one.record() for one in (folder, folder.undo) if one is folder or one.has_begun]


def _judge(
    folder: RunFolder, record: RunRecord, document: Document, machine: Machine, *, give_up: bool
) -> Ending:
    deployment, values_of = machine.final_state(record)
    return judge_run(
        record,
        document,
        folder.journal.entries(),
        deployment,
        values_of,
        give_up=give_up,
        succeeded=lambda: update_succeeded(
            Path(record.workdir), record.stack, since=(folder.path / "run.json").stat().st_mtime
        ),
    )


def _not_healthy(
    ending: Ending, document: Document, machine: Machine, progress: Callable[[str], None]
) -> list[str]:
    """(11) why it is not healthy. Asked of nothing that failed or is not done yet."""
    if ending.status != COMPLETED:
        return []
    rules = _rules_of(document, machine)
    if rules.health:
        names = ", ".join(choice.id for choice in rules.health)
        progress(f"asking whether it is healthy: {names}")
    return unhealthy(rules, document.content)


def _rules_of(document: Document, machine: Machine) -> Rules:
    """Those that voters saw: the plan hash binds them, whatever the subject's config says by now.

    Raises `Refused` where they are nowhere.
    """
    return require_rules(document.fields().rules, machine.store).about(document.subject)


def _after_undo(  # noqa: PLR0913  # a run, what was wrong with it, and what became of the way back
    folder: RunFolder,
    record: RunRecord,
    document: Document,
    machine: Machine,
    *,
    wrong: list[str],
    undone: Undone,
) -> Ending:
    """(12) failed, or open where the way back is still to be gone on with."""
    deployment, values_of = machine.final_state(record)
    entries = folder.journal.entries()
    receipt = judge_undone(record, document, entries, deployment, values_of, undone.urns)
    status = OPEN if undone.status == OPEN else FAILED
    return Ending(status, receipt, (*wrong, undone.reason))


def finish_alone(folder: RunFolder, machine: Machine, **told: Any) -> dict[str, Any]:
    """As `finish_run`, for who does not hold the subject's lock: waits for it where the rules ask.

    Raises `Refused` as well where somebody else finishes the run, and is not done within a while.
    """
    record = folder.record()
    lock = SubjectLock(record.subject)
    asks = False
    with suppress(Refused):  # a run that is closed needs no document; for the others it is said
        asks = bool(_rules_of(Document.load(machine.store.get(record.document)), machine).health)
    if asks:
        lock.take(progress=told.get("progress"))
    try:
        return finish_run(folder, machine, **told)
    finally:
        lock.release()


def again_by(result: dict[str, Any]) -> str:
    """What a person types to go on with an open run."""
    if "next" in result:  # of a way back
        return str(result["next"])
    hooked = result.get("hooked", True)
    return run_by(result.get("kind", "up"), result.get("flags", ()), hooked=hooked)


def raise_unless_complete(result: dict[str, Any]) -> None:
    """For commands: turn a result into the exit code a person expects. Raises `PartlyApplied`."""
    if result["status"] in (COMPLETED, NOT_BEGUN):
        return
    open_run = result["status"] == OPEN
    raise PartlyApplied(
        "the run is not complete: "
        + "; ".join(result.get("reasons") or ["it was closed as failed"]),
        meaning="It can be resumed while its lease lasts." if open_run else "Its mandate is spent.",
        next_step=again_by(result) if open_run else result.get("next", "mandate propose"),
    )


def _state_of(record: RunRecord, machine: Machine) -> MandateState | None:
    """What the chain says about the run; None where it never began."""
    mandate = machine.registry.mandate(record.plan_hash)
    if mandate.run_id == ZERO:
        return None
    if mandate.run_id != record.run_id:
        if not record.transaction:
            return None  # a plan runs once: what was sent for this run can never be mined any more
        raise Refused(
            13,
            "the chain has another run for this plan",
            field="run",
            expected=to_hex(mandate.run_id),
            found=to_hex(record.run_id),
            next_step="mandate trace " + to_hex(record.plan_hash),
        )
    return mandate.state


def _state_outcome(record: RunRecord, ending: Ending, machine: Machine) -> dict[str, Any]:
    receipt = ending.receipt
    # Stored first: a root on chain whose receipt nobody has would be worth nothing.
    stored = machine.store.put(receipt.data)
    machine.store.link(receipt.root, stored)
    completed = ending.status == COMPLETED
    outcome = Outcome(
        run_id=record.run_id,
        kind=OutcomeKind.COMPLETED if completed else OutcomeKind.FAILED,
        receipt_root=receipt.root,
        post_state=receipt.post_state,
        key_epoch=machine.key_epoch(),
    )
    signature = machine.executor().sign_outcome(machine.domain, outcome)
    stated = {"receiptRoot": to_hex(receipt.root), "postState": to_hex(receipt.post_state)}
    try:
        sent = machine.registry.close(record.plan_hash, outcome, signature, machine.runner())
    except ContractRefused:
        # The watcher and a person may both finish one run: whoever is second has nothing to say.
        state = _state_of(record, machine)
        if state is None or state not in _ENDED:
            raise
        return {"status": _ENDED[state]}
    return stated | {"transaction": to_hex(sent.transaction)}


def _write(folder: RunFolder, record: RunRecord, found: dict[str, Any]) -> dict[str, Any]:
    result = {
        "planHash": to_hex(record.plan_hash),
        "runId": to_hex(record.run_id),
        "reasons": [],
    } | found
    folder.write_result(result)
    return result
