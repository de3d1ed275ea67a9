"""`mandate cosign`: the council's yes, and the finance cosigner's."""

from __future__ import annotations

import click

from ..models import to_hex
from ._command import Call, command
from ._lookup import load_document, plan_of
from ._output import Answer
from ._target import Target, TargetType


@command(
    "cosign",
    "Say yes beside the vote: council, finance.",
    signs=True,
    examples=("mandate cosign 1 --as gus", "mandate cosign 1 --finance --as fin"),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@click.option("--finance", is_flag=True, help="Lift the stack's cost cap for this plan.")
def cosign(call: Call, target: Target, finance: bool) -> Answer:
    """Say the council's yes to a plan: high and critical plans do not begin without it.

    With `--finance` it is the finance cosigner's yes to what the plan adds to the bill. Verify the
    plan before: neither can be taken back, only the guardian may revoke it then.
    """
    session = call.session
    plan = plan_of(session, target)
    if finance:
        fields = load_document(session, plan).fields()
        receipt = session.consent.cosign_finance(fields, session.account)
    else:
        receipt = session.consent.cosign(plan, session.account)
    said = "its cost is accepted" if finance else "cosigned"
    data = {"planHash": to_hex(plan), "transaction": to_hex(receipt.transaction)}
    return Answer(data, f"{said}\nnext: mandate status")
