"""`mandate cosign`: the council's yes, and the finance cosigner's."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError
from ..models import to_hex
from ._command import Call, command
from ._lookup import load_document, plan_of
from ._output import Answer
from ._seat import council_of, file_option, say
from ._target import Target, TargetType


@command(
    "cosign",
    "Say yes beside the vote: council, finance.",
    signs=True,
    examples=(
        "mandate cosign 1 --as bo --file cosign.json",
        "mandate cosign 1 --as chi --file cosign.json",
        "mandate cosign 1 --finance --as fin",
    ),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@file_option
@click.option("--finance", is_flag=True, help="Lift the stack's cost cap for this plan.")
def cosign(call: Call, target: Target, file: Path | None, finance: bool) -> Answer:
    """Say one seat's yes for the council: high and critical plans do not begin without it.

    Each seat signs the file in turn; the one whose signature is enough sends it. With `--finance`
    it is the finance cosigner's yes to what the plan adds to the bill, sent at once. Verify the
    plan before: neither can be taken back, only the guardian may revoke it then.
    """
    session = call.session
    plan = plan_of(session, target)
    if not finance:
        council = council_of(session)
        return say(
            session, council, council.cosigning(plan), file, "cosigned\nnext: mandate status"
        )
    if file is not None:
        raise UsageError("--finance is one person's yes and takes no --file")
    fields = load_document(session, plan).fields()
    receipt = session.consent.cosign_finance(fields, session.account)
    data = {"planHash": to_hex(plan), "transaction": to_hex(receipt.transaction)}
    return Answer(data, "its cost is accepted\nnext: mandate status")
