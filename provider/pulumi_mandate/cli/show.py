"""`mandate show`: the document that people vote on, rendered from the bytes that were hashed."""

from __future__ import annotations

from pathlib import Path

import click

from ..models import plan_hash, to_hex
from ._command import Call, command
from ._lookup import load_document, plan_of
from ._output import Answer
from ._page import html_option, write_page
from ._target import Target, TargetType


@command(
    "show",
    "The document that people vote on.",
    examples=("mandate show 1", "mandate show 1 --html plan.html", "mandate show 1 --markdown"),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@click.option("--markdown", is_flag=True, help="For a forum post or a comment.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the exact bytes that are hashed.",
)
@html_option
def show(
    call: Call, target: Target, markdown: bool, output: Path | None, html: Path | None
) -> Answer:
    """Print the proposal's document. `--json` prints the document itself.

    Showing proves nothing about the chain: `mandate verify` does.
    """
    from ..plan.render import render_markdown, render_text

    session = call.session
    document = load_document(session, plan_of(session, target))
    if output is not None:
        output.write_bytes(document.data)
    write_page(session, document, html)
    data = {
        "planHash": to_hex(plan_hash(session.domain, document.fields())),
        "document": to_hex(document.digest),
        "effectRoot": to_hex(document.effect_root),
        "content": document.content,
    }
    text = (
        render_markdown(document) if markdown else render_text(document, colour=call.style.colour)
    )
    return Answer(data, text.rstrip("\n"))
