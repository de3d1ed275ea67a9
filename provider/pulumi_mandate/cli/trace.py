"""`mandate trace`: from a resource to the votes, the signature and the receipt, link by link."""

from __future__ import annotations

import click

from ..errors import Refused
from ._command import Call, command
from ._lookup import plan_of
from ._output import Answer
from ._report import brief_option, links_as_data, render_links
from ._target import ByUrn, Target, TargetType


@command(
    "trace",
    "From a resource to votes, key and receipt.",
    examples=(
        "mandate trace 'urn:pulumi:dev::shop::mandate:S3Bucket::orders'",
        "mandate trace 1 --brief",
        "mandate trace 1 --json",
    ),
)
@click.argument("target", type=TargetType(urns=True), metavar="URN|PROPOSAL|PLAN-HASH")
@brief_option
def trace(call: Call, target: Target, brief: bool) -> Answer:
    """Why does this resource look like this?

    Follows resource, operation, Merkle proof, plan hash, proposal, votes, the executor's order and
    signature, transactions and receipt, and checks each link. A broken link exits with 3.
    """
    from ..audit.collect import collect_run, last_plan_touching
    from ..audit.links import broken
    from ..audit.trace import progress_of
    from ..audit.trace import trace as follow

    session = call.session
    if isinstance(target, ByUrn):
        evidence = collect_run(
            session.sources, last_plan_touching(session.sources, target.urn), target.urn
        )
    else:
        evidence = collect_run(session.sources, plan_of(session, target), None)
    links = follow(evidence)
    bad = broken(links)
    history = progress_of(evidence)
    verdict = (
        call.style.good(f"every link holds: {history}")
        if bad is None
        else call.style.bad(f"broken: {bad.name}")
    )
    data = {
        "urn": evidence.urn,
        "history": history,
        "holds": bad is None,
        "broken": bad.name if bad else None,
        "links": links_as_data(links),
    }
    text = f"{render_links(links, call.style, brief=brief)}\n{verdict}"
    return Answer(data, text, exit_code=0 if bad is None else Refused.exit_code)
