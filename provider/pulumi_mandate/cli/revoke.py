"""`mandate revoke`: the guardian's brake."""

from __future__ import annotations

import click

from ..models import to_hex
from ._command import Call, command
from ._lookup import plan_of
from ._output import Answer
from ._target import Target, TargetType


@command(
    "revoke",
    "Burn a mandate, or stop its run: the guardian's.",
    signs=True,
    examples=("mandate revoke 1 --as gus", "mandate revoke 1 --hard --as gus"),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@click.option("--hard", is_flag=True, help="Of a run: not even the approved inverse may go on.")
def revoke(call: Call, target: Target, hard: bool) -> Answer:
    """Burn a plan hash for ever, whatever its vote says; of a run, stop what has not begun.

    Only the guardian may. Operations that are done stay done; `mandate resume` on the machine of
    the run states what they were.
    """
    session = call.session
    plan = plan_of(session, target)
    receipt = session.registry.revoke(plan, session.account, hard=hard)
    state = session.registry.mandate(plan).state.name.lower()
    data = {
        "planHash": to_hex(plan),
        "state": state,
        "transaction": to_hex(receipt.transaction),
    }
    return Answer(data, f"the mandate is {state}")
