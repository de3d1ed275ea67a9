"""`mandate verify`: recompute everything from the chain and the document; believe nothing."""

from __future__ import annotations

import click

from ..errors import Refused
from ..models import to_hex
from ._command import Call, command
from ._lookup import number_of, plan_of
from ._output import Answer
from ._report import brief_option, links_as_data, render_links
from ._target import Target, TargetType


@command(
    "verify",
    "Recompute everything, believe nothing.",
    examples=("mandate verify 1", "mandate verify 0x5a…c3", "mandate verify 1 --json"),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@brief_option
def verify(call: Call, target: Target, brief: bool) -> Answer:
    """Check on this machine that the proposal approves the document you read, and nothing else.

    From the stored bytes: canonical form, digest, Merkle tree, tier, plan hash; from the chain: the
    proposal's only call, its id, and what the registry says. Exits with 3 at the first thing wrong.
    """
    from ..audit.collect import collect_proposal
    from ..audit.links import broken
    from ..audit.proposal import verify_proposal

    plan = plan_of(call.session, target)
    evidence = collect_proposal(call.session.sources, plan, number_of(target))
    links = verify_proposal(evidence)
    number = evidence.proposal.number
    bad = broken(links)
    data = {
        "proposal": number,
        "planHash": to_hex(evidence.plan_hash),
        "verified": bad is None,
        "links": links_as_data(links),
    }
    verdict = (
        call.style.good(f"verified: proposal {number} approves exactly this document")
        if bad is None
        else call.style.bad(f"do not approve: {bad.name} is broken")
    )
    text = f"{render_links(links, call.style, brief=brief)}\n{verdict}"
    return Answer(data, text, exit_code=0 if bad is None else Refused.exit_code)
