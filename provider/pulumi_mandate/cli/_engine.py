"""The standing of a stack before a governed command, and the command itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lookup import standing_of
from ._output import progress
from ._program import ProgramChoice
from ._step import take_step

if TYPE_CHECKING:
    from ..gate.command import Outcome
    from ._session import Session


def bring_forward(session: Session, program: ProgramChoice) -> None:
    """Say where the stack's newest proposal stands, and take the steps that are due.

    Raises `Refused`, `ContractRefused`, and what opening the account raises.
    """
    from ..gate.prepare import subject_of
    from ..gate.standing import newest_proposal
    from ..governance import Step

    place = program.place()
    subject = subject_of(place, session.trust)
    while (proposal := newest_proposal(session.machine, subject)) is not None:
        now = standing_of(session, proposal)
        progress(now.sentence)
        if now.step not in (Step.QUEUE, Step.EXECUTE):
            return
        take_step(session, proposal)
    progress("nobody has proposed a plan for this stack")


def run_governed(
    session: Session, program: ProgramChoice, *, message: str | None, kind: str = "up"
) -> Outcome:
    """`gate.command.run_command`, its progress on standard error. Raises what that raises."""
    from ..gate.command import run_command

    return run_command(
        program.place(),
        kind=kind,
        message=message,
        trust_file=session.trust_file,
        say=progress,
    )
