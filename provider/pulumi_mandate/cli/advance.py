"""`mandate advance`: whatever step the chain allows next."""

from __future__ import annotations

import click

from ._command import Call, command
from ._lookup import find_proposal
from ._output import Answer
from ._step import take_step
from ._target import Target, TargetType


@command(
    "advance",
    "Take the next on-chain step, if any.",
    signs=True,
    examples=("mandate advance 1 --as ana",),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
def advance(call: Call, target: Target) -> Answer:
    """Take the next on-chain step: queue what won, execute what waited long enough.

    Anyone may do this; it decides nothing. Where the next step is a vote or a wait, it says so and
    exits with 3.
    """
    return take_step(call.session, find_proposal(call.session, target))
