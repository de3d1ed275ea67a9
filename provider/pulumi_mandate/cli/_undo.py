"""Whether a plan undoes one that was done: said to whoever proposes it, and to whoever votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import MandateError
from ..models import digest
from ._lookup import load_document

if TYPE_CHECKING:
    from ..plan.document import Document
    from ._session import Session


@dataclass(frozen=True, slots=True)
class Undone:
    """A plan that another one undoes."""

    proposal: int
    lost: int
    """How many of its operations nothing undoes."""

    @property
    def sentence(self) -> str:
        but = f", but for {self.lost} operations that nothing undoes" if self.lost else ""
        return f"undoes proposal {self.proposal}{but}"


def undone_by(session: Session, document: Document) -> Undone | None:
    """The plan that completed last on the document's stack, where this one undoes it.

    From the stored bytes of both, and from no word of the proposer. None also where the former
    document cannot be had: nothing is claimed that cannot be computed.
    """
    from ..plan.undo import undo_differences

    source = document.content["source"]
    if source is None or source["since"] is None:
        return None
    try:
        former = digest(source["since"])
        done = load_document(session, former)
        proposal = session.governor.find(former)
    except MandateError:
        return None
    if proposal is None or undo_differences(done, document):
        return None
    return Undone(proposal.number, len(done.content["rollback"]["irreversible"]))
