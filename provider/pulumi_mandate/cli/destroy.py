"""`mandate destroy`: `pulumi destroy` under a mandate of its own kind."""

from __future__ import annotations

from pathlib import Path

import click

from ._command import Call, command
from ._output import Answer
from ._program import (
    ProgramChoice,
    destroy_flag_options,
    no_refresh_option,
    program_options,
)


@command(
    "destroy",
    "`pulumi destroy`, if its mandate stands.",
    signs=True,
    examples=(
        "mandate propose --as ana --destroy",
        "mandate destroy",
        "mandate destroy --stack dev --cwd examples/01-shop",
        "mandate destroy --target '**::web'",
    ),
)
@program_options
@destroy_flag_options
@no_refresh_option
@click.option("--message", "-m", metavar="TEXT", help="Passed to `pulumi destroy`.")
def destroy(
    call: Call, folder: Path, stack: str | None, message: str | None, flags: tuple[str, ...]
) -> Answer:
    """Delete every resource of the stack, if and only if people agreed to exactly that.

    Runs `pulumi destroy --run-program`, whose gate is the program's own `govern()`, or this command
    for a program in YAML or a compiled one. It needs what `mandate propose --destroy` proposed; a
    mandate to change the stack is none to destroy it. A protected resource refuses before anybody
    votes. A part of the stack that was proposed with `--target` or its like goes with exactly these
    flags, and the rest stays as it is.
    """
    from ._engine import run_governed

    program = ProgramChoice(folder, stack, flags=flags)
    outcome = run_governed(call.session, program, message=message, kind="destroy")
    return Answer(outcome.as_data(), outcome.sentence, exit_code=outcome.exit_code)
