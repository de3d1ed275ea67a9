"""`mandate vote`: say yes, no or abstain."""

from __future__ import annotations

import click

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
    receipt = session.governor.vote(
        proposal.number, Support[CHOICES[support]], session.account, reason
    )
    now = standing_of(session, session.governor.proposal(proposal.number))
    data = {
        "proposal": proposal.number,
        "support": support,
        "voter": session.account.address,
        "state": now.state,
        "transaction": to_hex(receipt.transaction),
    }
    return Answer(
        data, f"{session.account_name} voted {support} proposal {proposal.number}\n{now.sentence}"
    )
