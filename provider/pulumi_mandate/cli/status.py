"""`mandate status`: where proposals and mandates stand, in one sentence each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from ..models import to_hex
from ._command import Call, command
from ._emergency import path_of, told
from ._lookup import find_proposal, standing_of
from ._output import Answer, progress
from ._target import ByPlan, Target, TargetType

if TYPE_CHECKING:
    from ..governance import Proposal
    from ._session import Session

_WATCH_SECONDS = 2.0


@command(
    "status",
    "Where proposals stand, what to type next.",
    examples=("mandate status", "mandate status 1 --watch", "mandate status --json"),
)
@click.argument("target", type=TargetType(), metavar="[PROPOSAL|PLAN-HASH]", required=False)
@click.option("--last", type=click.IntRange(1), default=10, show_default=True, help="Newest first.")
@click.option("--watch", is_flag=True, help="Wait until something changes, then say what.")
def status(call: Call, target: Target | None, last: int, watch: bool) -> Answer:
    """Say where each proposal stands and what to type next; before them, what an emergency owes."""
    rows = _rows(call.session, target, last)
    if watch:
        before = [row["state"] for row in rows]
        progress("waiting for a change")
        while [row["state"] for row in rows] == before:
            time.sleep(_WATCH_SECONDS)
            rows = _rows(call.session, target, last)
    emergency, lines = told(call.session)
    lines += [_line(row) for row in rows]
    data = {"proposals": rows, "emergency": emergency}
    return Answer(data, "\n".join(lines) or "there is no proposal yet\nnext: mandate propose")


def _rows(session: Session, target: Target | None, last: int) -> list[dict[str, Any]]:
    if target is not None:
        declared = _declared(session, target)
        return [declared] if declared else [_row(session, find_proposal(session, target))]
    newest = session.governor.all()[-last:][::-1]
    return [_row(session, session.governor.proposal(one)) for one in newest]


def _row(session: Session, proposal: Proposal) -> dict[str, Any]:
    now = standing_of(session, proposal)
    text = proposal.created.description
    return {
        "proposal": proposal.number,
        "planHash": to_hex(proposal.plan_hash) if proposal.plan_hash else None,
        "title": text.title if text else "",
        "warnings": list(proposal.created.warnings),
        "state": now.state,
        "sentence": now.sentence,
        "seconds": now.seconds,
        "next": now.next_command,
    }


def _declared(session: Session, target: Target) -> dict[str, Any] | None:
    """A plan that the council approved without a vote; None where it did not."""
    from ..gate.standing import for_its_kind
    from ..governance import standing
    from ..governance.emergency import incident_name

    if not isinstance(target, ByPlan):
        return None
    found = path_of(session).declared(planHash=target.plan_hash)
    if not found:
        return None
    mandate = session.registry.mandate(target.plan_hash)
    now = standing(mandate, None, session.client.now())
    now = for_its_kind(now, session.store, target.plan_hash)
    return {
        "proposal": None,
        "planHash": to_hex(target.plan_hash),
        "title": "",
        "warnings": [],
        "state": now.state,
        "sentence": f"emergency {incident_name(found[-1].incident)}: {now.sentence}",
        "seconds": now.seconds,
        "next": now.next_command,
    }


def _line(row: dict[str, Any]) -> str:
    lines = [row["sentence"], *(f"    warning: {warning}" for warning in row["warnings"])]
    if row["title"]:
        # Whoever proposed wrote it: nothing in it may move the cursor or fake a line.
        lines.append(f"    {ascii(row['title'])[1:-1]}")
    if row["next"]:
        lines.append(f"    next: {row['next']}")
    return "\n".join(lines)
