"""`mandate veto`: say no to what would pass in silence."""

from __future__ import annotations

import click

from ..errors import EndpointsDisagree, UsageError
from ..models import to_hex
from ._command import Call, command
from ._lookup import find_proposal, standing_of
from ._output import Answer
from ._target import Target, TargetType


@command(
    "veto",
    "Say no to what would pass in silence.",
    signs=True,
    examples=(
        "mandate veto 1 --as bo",
        'mandate veto 1 --as chi --reason "this is no tag, it is a rename"',
    ),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@click.option("--reason", default="", metavar="TEXT", help="Kept on chain for ever.")
def veto(call: Call, target: Target, reason: str) -> Answer:
    """Count against a plan of the low tier, which passes unless enough are against it.

    A vetoed plan may come back as a medium one, and is then voted on.
    """
    from ..governance import Support

    session = call.session
    proposal = find_proposal(session, target)
    if not proposal.rule.veto:
        raise UsageError(
            f"proposal {proposal.number} does not pass in silence: it must win its vote",
            next_step=f"mandate vote {proposal.number} against",
        )
    made = session.governor.agreed(proposal.number)
    if made.id != proposal.id:
        raise EndpointsDisagree(f"the endpoints disagree about proposal {proposal.number}")
    receipt = session.governor.vote(made.id, Support.AGAINST, session.account, reason)
    after = session.governor.proposal(proposal.number)
    now = standing_of(session, after)
    data = {
        "proposal": proposal.number,
        "planHash": to_hex(made.plan_hash) if made.plan_hash else None,
        "stopped": not after.passes,
        "voter": session.account.address,
        "state": now.state,
        "transaction": to_hex(receipt.transaction),
    }
    verdict = "it is stopped" if not after.passes else "it takes more to stop it"
    said = f"{session.account_name} is against proposal {proposal.number}: {verdict}"
    return Answer(data, f"{said}\n{now.sentence}")
