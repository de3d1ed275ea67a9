"""`mandate vote`: say yes, no or abstain."""

from __future__ import annotations

import click

from ..errors import EndpointsDisagree
from ..models import to_hex
from ._command import Call, command
from ._lookup import find_proposal, standing_of
from ._output import Answer
from ._target import Target, TargetType

CHOICES = {"for": "FOR", "against": "AGAINST", "abstain": "ABSTAIN"}


@command(
    "vote",
    "Say for, against or abstain.",
    signs=True,
    examples=(
        "mandate vote 1 for --as bo",
        'mandate vote 1 against --as chi --reason "the bucket is public"',
    ),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@click.argument("support", type=click.Choice(list(CHOICES)))
@click.option("--reason", default="", metavar="TEXT", help="Kept on chain for ever.")
def vote(call: Call, target: Target, support: str, reason: str) -> Answer:
    """Vote with the tokens that the account held or was given when voting began.

    Verify first: `mandate verify PROPOSAL` recomputes the hash from the bytes you read.
    """
    from ..governance import Support

    session = call.session
    proposal = find_proposal(session, target)
    # The number was resolved by one endpoint; what is signed is what all of them show.
    made = session.governor.agreed(proposal.number)
    if made.id != proposal.id or made.plan_hash != proposal.plan_hash:
        raise EndpointsDisagree(f"the endpoints disagree about proposal {proposal.number}")
    plan = to_hex(made.plan_hash) if made.plan_hash else None
    receipt = session.governor.vote(made.id, Support[CHOICES[support]], session.account, reason)
    now = standing_of(session, session.governor.proposal(proposal.number))
    data = {
        "proposal": proposal.number,
        "planHash": plan,
        "support": support,
        "voter": session.account.address,
        "state": now.state,
        "transaction": to_hex(receipt.transaction),
    }
    said = f"{session.account_name} voted {support} proposal {proposal.number}"
    about = f", plan {plan}" if plan else ""
    return Answer(data, f"{said}{about}\n{now.sentence}")
