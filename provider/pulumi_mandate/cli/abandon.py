"""`mandate abandon`: free a stack whose run nobody finished."""

from __future__ import annotations

import click

from ..models import to_hex
from ._command import Call, command
from ._lookup import plan_of
from ._output import Answer
from ._target import Target, TargetType


@command(
    "abandon",
    "Free a stack whose run nobody finished.",
    signs=True,
    examples=("mandate abandon 1 --as ana",),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
def abandon(call: Call, target: Target) -> Answer:
    """Free a stack whose run was never closed, after its lease and its grace. Anyone may.

    Try `mandate resume` first, on the machine that began the run: it states what really happened.
    An abandoned mandate is spent.
    """
    session = call.session
    plan = plan_of(session, target)
    receipt = session.registry.abandon(plan, session.account)
    data = {"planHash": to_hex(plan), "transaction": to_hex(receipt.transaction)}
    return Answer(data, "abandoned; the stack is free\nnext: mandate propose")
