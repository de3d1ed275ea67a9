"""`mandate refresh`: what the cloud says now becomes the state, under a mandate."""

from __future__ import annotations

from pathlib import Path

import click

from ._command import Call, command
from ._output import Answer
from ._program import ProgramChoice, program_options


@command(
    "refresh",
    "`pulumi refresh`, if its mandate stands.",
    signs=True,
    examples=(
        "mandate propose --as ana --refresh",
        "mandate refresh",
        "mandate refresh --stack dev --cwd examples/01-shop",
    ),
)
@program_options
@click.option("--message", "-m", metavar="TEXT", help="Passed to `pulumi refresh`.")
def refresh(call: Call, folder: Path, stack: str | None, message: str | None) -> Answer:
    """Take over what changed behind Pulumi's back, if and only if people agreed to exactly that.

    The mandate is one that was proposed with `mandate propose --refresh`: each resource whose state
    would change, with what the state said and what the provider answers, and each that is gone. A
    refresh runs no program, so a plain `pulumi refresh` meets no gate; it changes the state alone.
    """
    from ._engine import run_governed

    program = ProgramChoice(folder, stack)
    outcome = run_governed(call.session, program, message=message, kind="refresh")
    return Answer(outcome.as_data(), outcome.sentence, exit_code=outcome.exit_code)
