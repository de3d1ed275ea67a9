"""`mandate obligations`: what is owed, until when, and how it is cured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..models import to_hex
from ._command import Call, command
from ._emergency import told
from ._lookup import load_document, plan_of
from ._output import Answer
from ._target import Target, TargetType, describe_duration

if TYPE_CHECKING:
    from ..governance import Obligation


@command(
    "obligations",
    "What is owed, and until when.",
    signs=True,
    examples=(
        "mandate obligations",
        "mandate obligations --all",
        "mandate obligations --unconfirmed 1 --as bo",
    ),
)
@click.option("--all", "every", is_flag=True, help="Also what was cleared.")
@click.option(
    "--unconfirmed",
    type=TargetType(),
    metavar="PROPOSAL|PLAN-HASH",
    help="Open one for a result that nobody confirmed in time. Anybody may.",
)
def obligations(call: Call, every: bool, unconfirmed: Target | None) -> Answer:
    """List what is owed: abandoned runs, unconfirmed results, emergencies, an auditor's findings.

    Once something is overdue, nothing begins on its stack but an emergency and the plan that names
    it: `mandate propose --clears ID`. It is cleared when that plan's result has been confirmed.
    """
    session = call.session
    if unconfirmed is not None:
        fields = load_document(session, plan_of(session, unconfirmed)).fields()
        session.consent.report_unconfirmed(fields, session.account)
    now = session.client.now()
    found = [one for one in session.consent.obligations() if every or one.cleared_by is None]
    emergency, lines = told(session)
    lines = [*(_line(one, now) for one in found), *lines]
    data = {"obligations": [_data(one, now) for one in found], "emergency": emergency}
    return Answer(data, "\n".join(lines) or "nothing is owed")


def _data(one: Obligation, now: int) -> dict[str, Any]:
    return {
        "id": to_hex(one.id),
        "subject": to_hex(one.subject),
        "cause": to_hex(one.cause),
        "duty": one.duty.name.lower(),
        "tier": one.tier.name.lower(),
        "dueAt": one.due_at,
        "overdue": one.cleared_by is None and now >= one.due_at,
        "clearedBy": to_hex(one.cleared_by) if one.cleared_by else None,
    }


def _line(one: Obligation, now: int) -> str:
    if one.cleared_by is not None:
        when = "cleared"
    elif now >= one.due_at:
        when = "overdue"
    else:
        when = f"due in {describe_duration(one.due_at - now)}"
    return f"{one.duty.name.lower():<12} {when}, tier {one.tier.name.lower()}: {to_hex(one.id)}"
