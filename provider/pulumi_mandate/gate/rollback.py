"""Step (12): may a run that is not healthy be undone by itself? What decides, and nothing is done.

The way back was approved together with the plan: it is the inverse of its operations, which every
reader computes alike (`plan.inverse`). So it needs no vote of its own, and it may be nothing else:

- the plan is an update of a whole stack, and none of its operations is lost for good
- the program of the plan that completed before is here, and wants exactly that inverse
- the chain knows this very run, its lease, its executor's key, and nobody forbade the way back:
  a run that was revoked may still be undone, one that was revoked hard may not

Each doubt refuses with step 12, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi_mandate.errors import Refused
from pulumi_mandate.governance.registry import Mandate
from pulumi_mandate.models import Digest, MandateState, Subject, to_hex
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.undo import undo_differences

from .evidence import fetch_evidence
from .flags import flags_of
from .folder import RunRecord
from .machine import Machine
from .prepare import Here
from .run import Denials, renew_if_due, require_key
from .source import completed_plan
from .verify import UNDO_CHECKS, verify

STEP = 12
_LAWFUL = (MandateState.RUNNING, MandateState.STOPPING)


@dataclass(frozen=True, slots=True)
class Former:
    """The plan that completed before, whose program leads back."""

    plan: Digest
    document: Document


def former_of(machine: Machine, subject: Subject) -> Former | None:
    """None where no plan ever completed. Raises `ChainError`, `Refused`."""
    found = completed_plan(machine.registry, machine.store, subject)
    return None if found is None else Former(*found)


def require_undoable(document: Document, former: Former | None) -> Former:
    """The plan has a whole inverse, and there is a program that leads back. Raises `Refused`."""
    kind, flags = document.content["kind"], flags_of(document.content)
    if kind != "up" or flags:
        what = f"a plan of kind {kind}" if kind != "up" else "a plan of a part of the stack"
        raise Refused(STEP, f"{what} is undone by a plan of its own", next_step="mandate propose")
    lost = document.content["rollback"]["irreversible"]
    if lost:
        first, more = lost[0], len(lost) - 1
        raise Refused(
            STEP,
            f"nothing undoes {first['op']} of {first['urn']}: {first['reason']}"
            + (f" (and {more} more)" if more else ""),
            meaning="Voters were told so before they agreed.",
            next_step="mandate propose",
        )
    if former is None or former.document.content["kind"] == "destroy":
        raise Refused(
            STEP,
            "no program completed on this stack before, so there is none to go back to",
            next_step="mandate propose --destroy",
        )
    return former


def require_lawful(mandates: Sequence[Mandate], run_id: Digest, now: int) -> None:
    """By every endpoint, this run may be undone now. `now` is chain time. Raises `Refused`."""
    for mandate in mandates:
        state = mandate.state
        if state not in _LAWFUL or mandate.run_id != run_id:
            raise _unlawful(f"the mandate is {state.name.lower()} now, or in another run")
        if mandate.hard:
            raise _unlawful("the guardian forbade even the approved inverse")
        if now >= mandate.lease_until:
            raise _unlawful("the lease of the run is over")
    if not mandates:  # silence is refusal
        raise _unlawful("no endpoint says that the run may be undone")


def require_undo(approved: Document, found: Document) -> None:
    """What the former program wants leads back from the whole plan, and does nothing else.

    Raises `Refused` with the first difference.
    """
    unlike = undo_differences(approved, found)
    if unlike:
        first, more = unlike[0], len(unlike) - 1
        raise Refused(
            STEP,
            "the former program wants something else than the approved inverse: " + first.field
            + (f" (and {more} more differences)" if more else ""),
            field=first.field,
            expected=str(first.expected),
            found=str(first.found),
            next_step="mandate propose",
        )  # fmt: skip


def check_lawful(machine: Machine, record: RunRecord) -> None:
    """The same, asked of the chain now; a lease that ends soon is renewed where that is allowed.

    Raises `Refused`, `ChainError`.
    """
    mandates = machine.registry.each_mandate(record.plan_hash)
    now = machine.client.now()
    require_lawful(mandates, record.run_id, now)
    if all(mandate.state is MandateState.RUNNING for mandate in mandates):
        renew_if_due(machine, record, min(one.lease_until for one in mandates), now)
    require_key(machine, record)


def verify_undo(machine: Machine, here: Here, record: RunRecord) -> Document:
    """(2) to (6) as far as they hold of a way back: the plan that is undone, from the store.

    Raises `Refused`, `ChainError`.
    """
    if here.subject != record.subject:
        raise Refused(
            STEP,
            "the former program is another stack's",
            field="subject",
            expected=str(record.subject),
            found=str(here.subject),
        )
    final = machine.client.final_block()
    evidence = fetch_evidence(machine, here, record.plan_hash, final, record.run_id)
    document = verify(evidence, UNDO_CHECKS)
    check_lawful(machine, record)
    return document


class UndoDenials(Denials):
    """(12) whether the way back may go on; asked as seldom as `Denials`, which ask about the way
    forward."""

    def _read(self) -> None:
        check_lawful(self._machine, self._record)


def _unlawful(happened: str) -> Refused:
    return Refused(STEP, happened, next_step="mandate status")


def named(former: Former) -> str:
    """For people."""
    return f"the program of plan {to_hex(former.plan)[:10]}…"
