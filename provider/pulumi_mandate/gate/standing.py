"""Where the mandate of a stack stands: one sentence and the next command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pulumi_mandate.errors import MandateError
from pulumi_mandate.governance.lifecycle import Standing, Step, standing
from pulumi_mandate.governance.proposals import Governor
from pulumi_mandate.governance.values import Proposal
from pulumi_mandate.models import Digest, Subject, subject_hash
from pulumi_mandate.plan.document import Document
from pulumi_mandate.store import PlanStore

from .engine_hooks import carries
from .flags import flags_of, typed
from .machine import Machine, open_machine
from .prepare import subject_of
from .where import ProgramAt
from .wire import MOMENTS

RUN_BY = {
    "up": "pulumi up",
    "destroy": "pulumi destroy --run-program",
    "refresh": "mandate refresh",
    "import": "mandate import",
    "state": "mandate state",
}
"""By the kind of a plan."""
WITHOUT_PROGRAM = frozenset({"refresh", "import", "state"})
"""Kinds of runs in which no program of the stack is executed, and so no hook is asked."""
_WITHOUT_HOOKS = RUN_BY | {"up": "mandate up", "destroy": "mandate destroy"}
"""The same where the program asks nobody: `pulumi up` would meet no gate."""
_LOOK_BACK = 50
"""Proposals looked at, newest first: a preview must not read the whole history."""


def run_by(kind: str, flags: Sequence[str] = (), *, hooked: bool = True) -> str:
    """What a person types to run, or to go on with, an approved plan."""
    return typed((RUN_BY if hooked else _WITHOUT_HOOKS)[kind], flags)


def newest_of(machine: Machine, subject: Subject) -> Standing | None:
    """Where the newest proposal about this subject stands."""
    proposal = newest_proposal(machine, subject)
    if proposal is None or proposal.plan_hash is None:
        return None
    mandate = machine.registry.mandate(proposal.plan_hash)
    told = standing(mandate, proposal, machine.client.now())
    return for_its_kind(told, machine.store, proposal.plan_hash)


def for_its_kind(told: Standing, store: PlanStore, plan_hash: Digest) -> Standing:
    """With the command that runs this kind of plan, where running it comes next.

    The chain knows hashes and no kinds; where the store has no document, the words stay.
    """
    if told.step is not Step.RUN:
        return told
    try:
        digest = store.document_of(plan_hash)
        document = Document.load(store.get(digest)) if digest else None
    except MandateError:
        return told
    if document is None:
        return told
    kind, flags = document.content["kind"], flags_of(document.content)
    return replace(told, next_command=run_by(kind, flags, hooked=is_hooked_plan(document)))


def is_hooked_plan(document: Document) -> bool:
    """Whether the program of this plan asks by hooks: any operation carries one of ours."""
    sides = [side for operation in document.operations for side in operation["options"].values()]
    return any(carries(moment, side) for side in sides for moment in MOMENTS)


def newest_proposal(machine: Machine, subject: Subject) -> Proposal | None:
    """The newest proposal about this subject, as far as the store knows its document."""
    governor = Governor(machine.client)
    wanted = subject_hash(subject)
    for created in list(reversed(governor.all()))[:_LOOK_BACK]:
        if created.plan_hash is None:
            continue
        digest = machine.store.document_of(created.plan_hash)
        if digest is None:
            continue
        try:
            document = Document.load(machine.store.get(digest))
        except MandateError:
            continue
        if document.fields().subject == wanted:
            return governor.proposal(created)
    return None


def sentence_for(workdir: Path, stack: str) -> str:
    """One line for a preview. Raises `MandateError` where it cannot be told."""
    machine = open_machine()
    found = newest_of(machine, subject_of(ProgramAt(workdir, stack), machine.trust))
    if found is None:
        return "no proposal for this stack yet; next: mandate propose"
    return found.sentence + (f"; next: {found.next_command}" if found.next_command else "")
