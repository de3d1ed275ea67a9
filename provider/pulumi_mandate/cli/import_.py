"""`mandate import`: resources that exist already enter the state, under a mandate."""

from __future__ import annotations

from pathlib import Path

import click

from ._command import Call, command
from ._output import Answer
from ._program import ProgramChoice, program_options


@command(
    "import",
    "`pulumi import`, if its mandate stands.",
    signs=True,
    examples=(
        "mandate propose --as ana --import old-buckets.json",
        "mandate import old-buckets.json",
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@program_options
@click.option("--message", "-m", metavar="TEXT", help="Passed to `pulumi import`.")
def import_(call: Call, file: Path, folder: Path, stack: str | None, message: str | None) -> Answer:
    """Take resources that exist already into the state, if and only if people agreed to them.

    FILE is what `pulumi import --file` reads: type, name and id of each. The mandate, proposed with
    `mandate propose --import FILE`, names each with the inputs that the provider answers. No code
    is generated: put the resources into the program next, or the next plan deletes them. A program
    can also import by itself, with the option `import_`, under a plan for `pulumi up`.
    """
    from ._engine import run_governed

    program = ProgramChoice(folder, stack, file)
    outcome = run_governed(call.session, program, message=message, kind="import")
    return Answer(outcome.as_data(), outcome.sentence, exit_code=outcome.exit_code)
