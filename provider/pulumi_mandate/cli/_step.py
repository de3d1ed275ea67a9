"""The steps between a won vote and a mandate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import Refused
from ..models import to_hex
from ._lookup import standing_of
from ._output import Answer

if TYPE_CHECKING:
    from ..chain import Receipt
    from ..governance import Proposal, Step
    from ._session import Session

_DONE = {"queue": "queued", "execute": "executed"}


def take_step(session: Session, proposal: Proposal, *, only: Step | None = None) -> Answer:
    """Queue or execute, whichever is next.

    Raises `Refused` where the next step is a vote, a wait or nothing, or is not `only`.
    """
    from ..governance import Step

    before = standing_of(session, proposal)
    if before.step not in (Step.QUEUE, Step.EXECUTE) or (only and before.step is not only):
        raise Refused(0, before.sentence, next_step=before.next_command)
    act = session.governor.queue if before.step is Step.QUEUE else session.governor.execute
    return _done(session, proposal, _DONE[before.step.value], act(proposal.number, session.account))


def _done(session: Session, before: Proposal, verb: str, receipt: Receipt) -> Answer:
    after = session.governor.proposal(before.number)
    now = standing_of(session, after)
    data = {
        "proposal": after.number,
        "did": verb,
        "state": now.state,
        "next": now.next_command,
        "transaction": to_hex(receipt.transaction),
    }
    lines = [f"{verb} proposal {after.number}", now.sentence]
    if now.next_command:
        lines.append(f"next: {now.next_command}")
    return Answer(data, "\n".join(lines))
