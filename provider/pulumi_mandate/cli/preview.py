"""`mandate preview`: the change as voters will read it, without a chain transaction."""

from __future__ import annotations

from pathlib import Path

import click

from ..models import plan_hash, to_hex
from ._command import Call, command
from ._output import Answer, progress
from ._program import ProgramChoice, build_plan, program_options, window_options


@command(
    "preview",
    "The change as voters will read it.",
    signs=True,
    examples=(
        "mandate preview --as erin",
        "mandate preview --as erin --output plan.json",
        "mandate preview --as erin --markdown",
    ),
)
@program_options
@window_options
@click.option("--markdown", is_flag=True, help="For a pull request's comment.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the canonical document; `mandate propose --plan FILE` proposes exactly it.",
)
def preview(  # noqa: PLR0913, PLR0917  # one argument per option
    call: Call,
    folder: Path,
    stack: str | None,
    window: int,
    salt: str | None,
    markdown: bool,
    output: Path | None,
) -> Answer:
    """Show what would change, canonically: the same change has the same effect root everywhere.

    Runs `pulumi preview` and needs no mandate. The document holds commitments, never secrets.
    """
    from ..plan.render import render_markdown, render_text

    progress("previewing the program")
    document = build_plan(call.session, ProgramChoice(folder, stack), window=window, salt=salt)
    if output is not None:
        output.write_bytes(document.data)
    hash_ = plan_hash(call.session.domain, document.fields())
    readable = (
        render_markdown(document) if markdown else render_text(document, colour=call.style.colour)
    )
    data = {
        "planHash": to_hex(hash_),
        "effectRoot": to_hex(document.effect_root),
        "document": to_hex(document.digest),
        "tier": document.tier.name.lower(),
        "operations": len(document.operations),
        "output": str(output) if output else None,
    }
    return Answer(data, readable.rstrip("\n"))
