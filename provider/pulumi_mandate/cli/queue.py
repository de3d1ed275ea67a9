"""`mandate queue`: start the delay of a proposal that won its vote."""

from __future__ import annotations

import click

from ._command import Call, command
from ._lookup import find_proposal
from ._output import Answer
from ._step import take_step
from ._target import Target, TargetType


@command(
    "queue",
    "Start the delay of a proposal that won.",
    signs=True,
    examples=("mandate queue 1 --as ana",),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
def queue(call: Call, target: Target) -> Answer:
    """Queue a proposal that won. Anyone may; the delay gives everybody time to object."""
    from ..governance import Step

    return take_step(call.session, find_proposal(call.session, target), only=Step.QUEUE)
