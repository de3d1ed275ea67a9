"""`mandate up`: `pulumi up` with the standing said first and the outcome waited for."""

from __future__ import annotations

from pathlib import Path

import click

from ._command import Call, command
from ._output import Answer
from ._program import ProgramChoice, flag_options, no_refresh_option, program_options


@command(
    "up",
    "`pulumi up`, if the mandate stands.",
    signs=True,
    examples=(
        "mandate up",
        "mandate up --stack dev --cwd examples/01-shop",
        "mandate up --advance --as rae",
        "mandate up --target '**::web'",
    ),
)
@program_options
@flag_options
@no_refresh_option
@click.option("--message", "-m", metavar="TEXT", help="Passed to `pulumi up`.")
@click.option(
    "--advance",
    "forward",
    is_flag=True,
    help="First queue or execute the newest proposal, if that is due; `--as` pays.",
)
def up(  # noqa: PLR0913, PLR0917  # one argument per option
    call: Call,
    folder: Path,
    stack: str | None,
    message: str | None,
    forward: bool,
    flags: tuple[str, ...],
) -> Answer:
    """Run `pulumi up`, if and only if the mandate stands, until the run is closed on chain.

    This command previews once, spends the mandate and then starts the engine. The own `govern()`
    of a program in Python joins that run and judges every operation; a program without it is
    refused. For a program in YAML, or a compiled one, this command is the only gate. A plan that
    was proposed with `--target` or its like runs with exactly these flags.
    """
    from ._engine import bring_forward, run_governed

    program = ProgramChoice(folder, stack, flags=flags)
    if forward:
        bring_forward(call.session, program)
    outcome = run_governed(call.session, program, message=message)
    return Answer(outcome.as_data(), outcome.sentence, exit_code=outcome.exit_code)
