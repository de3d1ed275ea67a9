"""`mandate withdraw`: take back one's own plan."""

from __future__ import annotations

import click

from ..models import to_hex
from ._command import Call, command
from ._lookup import load_document, plan_of
from ._output import Answer
from ._target import Target, TargetType


@command(
    "withdraw",
    "Take back one's own plan.",
    signs=True,
    examples=("mandate withdraw 1 --as ana",),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
def withdraw(call: Call, target: Target) -> Answer:
    """Burn a plan of one's own before it runs, so that a better one can be proposed.

    Only its proposer may. The hash never comes back; the same change is proposed anew.
    """
    session = call.session
    plan = plan_of(session, target)
    fields = load_document(session, plan).fields()
    receipt = session.registry.withdraw(fields, session.account)
    data = {"planHash": to_hex(plan), "transaction": to_hex(receipt.transaction)}
    return Answer(data, "withdrawn\nnext: mandate propose")
