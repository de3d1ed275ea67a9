"""From what a person typed to a proposal, a document, and where both stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UsageError
from ..models import Digest, to_hex
from ._target import ByNumber, ByPlan, Target

if TYPE_CHECKING:
    from ..governance import Proposal, Standing
    from ..plan.document import Document
    from ._session import Session


def find_proposal(session: Session, target: Target) -> Proposal:
    """The proposal of a number or a plan hash. Raises `UsageError` where there is none."""
    found: Proposal | None = None
    if isinstance(target, ByNumber):
        found = session.governor.proposal(target.number)
    elif isinstance(target, ByPlan):
        found = session.governor.find(target.plan_hash)
    if found is None:
        raise UsageError("there is no such proposal on this chain", next_step="mandate status")
    return found


def plan_of(session: Session, target: Target) -> Digest:
    """The plan hash that a target is about. Raises `UsageError` where it is about none."""
    if isinstance(target, ByPlan):
        return target.plan_hash
    proposal = find_proposal(session, target)
    if proposal.plan_hash is None:
        raise UsageError(
            f"proposal {proposal.number} approves no plan: it calls "
            f"{proposal.created.function or 'something unknown'}",
            next_step=f"mandate status {proposal.number}",
        )
    return proposal.plan_hash


def number_of(target: Target) -> int | None:
    """The number or id that was typed; None for a plan hash, where any proposal of it will do."""
    return target.number if isinstance(target, ByNumber) else None


def standing_of(session: Session, proposal: Proposal) -> Standing:
    """Where a proposal, or the mandate that came of it, stands now."""
    from ..gate.standing import for_its_kind
    from ..governance import standing
    from ..models import ZERO

    # A proposal without a plan has no mandate: the registry knows nothing of the zero hash.
    mandate = session.registry.mandate(proposal.plan_hash or ZERO)
    told = standing(mandate, proposal, session.client.now())
    if proposal.plan_hash is None:
        return told
    return for_its_kind(told, session.store, proposal.plan_hash)


def load_document(session: Session, plan: Digest) -> Document:
    """The stored document of a plan hash.

    Raises `Refused` where the store has none or gives other bytes, or bytes of another plan.
    """
    from ..audit.collect import fetch_document
    from ..plan.document import Document

    document = Document.load(fetch_document(session.sources, plan))
    _require_same(session, plan, document)
    return document


def _require_same(session: Session, plan: Digest, document: Document) -> None:
    from ..errors import Refused
    from ..models import plan_hash

    found = plan_hash(session.domain, document.fields())
    if found != plan:
        raise Refused(
            4,
            "the stored document is not the one that this plan hash approves",
            field="plan hash",
            expected=to_hex(plan),
            found=to_hex(found),
            next_step="ask the proposer for the document; vote against what you cannot read",
        )
