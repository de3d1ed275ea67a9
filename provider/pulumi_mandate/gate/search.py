"""Which mandate may this update spend, and is there a run that was cut off?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import ZERO, Digest, MandateState, Subject, subject_hash, to_hex
from pulumi_mandate.plan.document import Document, order

from .closing import finish_run
from .evidence import Candidate, approvals, examine, unreadable
from .folder import RunFolder, run_folder, run_folders
from .machine import Machine
from .prepare import Here
from .standing import newest_of
from .undoing import leave_to_resume

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Every plan that could be meant."""

    found: list[Candidate]
    """Newest first."""
    none: Callable[[], Refused]
    """What to say where there is no candidate at all: the chain is asked once more for that."""

    def standing(self, wanted: Document) -> list[Candidate]:
        """Those that hold up to step (6). Raises the newest one's refusal where none does."""
        standing = [candidate for candidate in self.found if candidate.stands]
        if standing:
            return standing
        if self.found and self.found[0].refusal is not None:
            raise self.found[0].refusal
        operations, none = len(wanted.operations), self.none()
        raise Refused(
            none.step,
            f"{none.happened}; the program wants {operations} "
            + ("operation" if operations == 1 else "operations"),
            meaning=none.meaning,
            next_step=none.next_step,
        )


def positions(approved: Document, rest: Document) -> list[int]:
    """For each operation of a verified rest: the approved operation it belongs to.

    After a crash in the middle of a change, a create may come back as an update of the same URN.
    """
    exact = {order(operation): index for index, operation in enumerate(approved.operations)}
    by_urn = {operation["urn"]: index for index, operation in enumerate(approved.operations)}
    return [
        exact.get(order(operation), by_urn.get(operation["urn"], -1))
        for operation in rest.operations
    ]


def look_for_run(machine: Machine, subject: Subject, say: Say) -> RunFolder | None:
    """A run of this subject that was cut off: finished here if it can be, else given back to
    resume.

    The caller holds the subject's lock. Raises `Refused` where it is another machine's (step 3), or
    is to be rolled back (step 12).
    """
    running = machine.registry.running(subject_hash(subject))
    if running is None:
        return None
    folder = _mine(machine, running)
    say("the last run of this stack was cut off; looking at what it did")
    result = finish_run(folder, machine, progress=say, undo=leave_to_resume)
    return folder if result["status"] == "open" else None


def _mine(machine: Machine, running: Digest) -> RunFolder:
    run_id = machine.registry.mandate(running).run_id
    folder = run_folder(run_id)
    if not (folder.path / "run.json").is_file():
        raise Refused(
            3,
            "another plan runs on this stack",
            field="running",
            expected="none",
            found=to_hex(running),
            meaning="It was begun on another machine, or its record here is lost.",
            next_step="mandate status; after its lease anybody may: mandate abandon",
        )
    return folder


def choose(machine: Machine, here: Here, unfinished: RunFolder | None) -> Candidates:
    """Steps (2) to (6) for every plan that may be meant. Raises `ChainError`."""
    final = machine.client.final_block()
    if unfinished is not None:
        record = unfinished.record()
        only = examine(machine, here, record.plan_hash, final, record.run_id)
        return Candidates([only], partial(_none, machine, here.subject))
    hashes = approvals(machine, here.subject, final)
    live = [h for h in hashes if machine.registry.mandate(h).state is MandateState.APPROVED]
    # The newest spent one is examined too, where nothing else is: it knows best why it cannot run.
    found = [examine(machine, here, h, final) for h in live or hashes[:1]]
    if not found:
        lost = unreadable(machine, final)
        found = [examine(machine, here, h, final) for h in lost[-1:]]
    return Candidates(found, partial(_none, machine, here.subject))


def _none(machine: Machine, subject: Subject) -> Refused:
    """What to say where no approved plan is this stack's: where its newest proposal stands."""
    meaning, next_step = "Nobody has proposed a plan for this stack.", "mandate propose"
    try:
        newest = newest_of(machine, subject)
    except MandateError as error:
        meaning = error.happened
    else:
        if newest is not None:
            meaning, next_step = newest.sentence, newest.next_command
    return Refused(3, f"there is no mandate for {subject}", meaning=meaning, next_step=next_step)


def open_runs(machine: Machine) -> list[RunFolder]:
    """Runs that began on this machine and are not closed on chain, oldest first."""
    found = []
    for folder in run_folders():
        record = folder.record()
        mandate = machine.registry.mandate(record.plan_hash)
        if mandate.run_id == record.run_id != ZERO and mandate.state in (
            MandateState.RUNNING,
            MandateState.STOPPING,
        ):
            found.append(folder)
    return found
