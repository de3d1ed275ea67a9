"""The proposals of a stack that may still become a run: in a vote, waiting, or approved."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_mandate.errors import MandateError
from pulumi_mandate.governance.proposals import Governor
from pulumi_mandate.governance.refusals import ProposalState
from pulumi_mandate.governance.values import Proposal
from pulumi_mandate.models import MandateState, Subject, subject_hash
from pulumi_mandate.plan.compare import differences
from pulumi_mandate.plan.document import Document

from .machine import Machine

_OPEN = frozenset(
    {ProposalState.PENDING, ProposalState.ACTIVE, ProposalState.SUCCEEDED, ProposalState.QUEUED}
)


@dataclass(frozen=True, slots=True)
class Pending:
    """A proposal, and the plan that it would approve or has approved."""

    proposal: Proposal
    document: Document


def pending_plans(machine: Machine, subject: Subject) -> list[Pending]:
    """Oldest first. A proposal whose document the store lacks cannot be told to be this stack's.

    Raises `ChainError`.
    """
    governor, wanted = Governor(machine.client), subject_hash(subject)
    found = []
    for created in governor.all():
        digest = machine.store.document_of(created.plan_hash) if created.plan_hash else None
        if digest is None:
            continue
        try:
            document = Document.load(machine.store.get(digest))
        except MandateError:
            continue
        if document.fields().subject != wanted:
            continue
        proposal = governor.proposal(created)
        if _may_run(machine, proposal):
            found.append(Pending(proposal, document))
    return found


def pending_like(machine: Machine, document: Document) -> Pending | None:
    """The newest pending proposal that wants exactly what `document` wants, whoever opened it.

    Raises `ChainError`.
    """
    for one in reversed(pending_plans(machine, document.subject)):
        same = one.document.effect_root == document.effect_root
        if same and not differences(one.document, document):
            return one
    return None


def _may_run(machine: Machine, proposal: Proposal) -> bool:
    assert proposal.plan_hash is not None  # noqa: S101  # its document was found by it
    state = machine.registry.mandate(proposal.plan_hash).state
    if state is MandateState.NONE:
        return proposal.state in _OPEN
    return state is MandateState.APPROVED
