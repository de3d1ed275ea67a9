"""`mandate preview`: the change as voters will read it, without a chain transaction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import EmptyPlan, Refused, UsageError
from ..models import plan_hash, to_hex
from ._command import Call, command
from ._lookup import load_document, plan_of
from ._output import Answer, Style, progress
from ._page import html_option, write_page
from ._program import (
    ProgramChoice,
    Terms,
    build_plan,
    emergency_of,
    emergency_options,
    flag_options,
    kind_of,
    kind_options,
    override_option,
    own_terms,
    program_options,
    window_options,
)
from ._target import Target, TargetType

if TYPE_CHECKING:
    from ..plan.compare import Difference
    from ..plan.document import Document
    from ._session import Session

NOTHING = Answer({"operations": 0}, "nothing would change")


@command(
    "preview",
    "The change as voters will read it.",
    signs=True,
    examples=(
        "mandate preview --as ana",
        "mandate preview --as ana --output plan.json",
        "mandate preview --as ana --destroy",
        "mandate preview --against 1",
        "mandate preview --undoes 1",
    ),
)
@program_options
@kind_options
@flag_options
@window_options
@override_option
@emergency_options
@click.option("--markdown", is_flag=True, help="For a pull request's comment.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the canonical document; `mandate propose --plan FILE` proposes exactly it.",
)
@html_option
@click.option(
    "--against",
    type=TargetType(),
    metavar="PROPOSAL",
    help="Say what differs from a proposed plan; exits with 3 if anything does.",
)
@click.option(
    "--undoes",
    type=TargetType(),
    metavar="PROPOSAL",
    help="Say what differs from undoing a plan that was done; exits with 3 if anything does.",
)
def preview(  # noqa: PLR0913, PLR0917  # one argument per option
    call: Call,
    folder: Path,
    stack: str | None,
    kind: str,
    imports: Path | None,
    edit: tuple[str, ...],
    flags: tuple[str, ...],
    window: int,
    salt: str | None,
    overrides: tuple[str, ...],
    incident: str | None,
    reason: str | None,
    markdown: bool,
    output: Path | None,
    html: Path | None,
    against: Target | None,
    undoes: Target | None,
) -> Answer:
    """Show what would change, canonically: the same change has the same effect root everywhere.

    Runs Pulumi's own preview and needs no mandate. The document holds commitments, never secrets.
    """
    from ..gate.flags import flags_of

    session, program = call.session, ProgramChoice(folder, stack, imports, flags + edit)
    if against and undoes:
        raise UsageError("--against and --undoes are two questions, not one")
    proposed = load_document(session, plan_of(session, against)) if against else None
    done = load_document(session, plan_of(session, undoes)) if undoes else None
    progress("previewing the program")
    if proposed is not None:
        terms, kind = _terms_of(proposed), proposed.content["kind"]
        program = replace(program, flags=flags_of(proposed.content))
    else:
        urgent = emergency_of(incident, reason)
        terms = own_terms(session, window=window, salt=salt, overrides=overrides, emergency=urgent)
        kind = kind_of(kind, imports, edit)
    try:
        document = build_plan(session, program, terms, kind=kind)
    except EmptyPlan:
        # Nothing is neither the proposed change nor the way back from one.
        return replace(NOTHING, exit_code=Refused.exit_code) if proposed or done else NOTHING
    if output is not None:
        output.write_bytes(document.data)
    write_page(session, document, html)
    if proposed is not None:
        return _compared(proposed, document, call.style)
    if done is not None:
        return _undoing(done, document, call.style)
    return _shown(session, document, call.style, markdown=markdown)


def _shown(session: Session, document: Document, style: Style, *, markdown: bool) -> Answer:
    from ..plan.render import render_markdown, render_text

    text = render_markdown(document) if markdown else render_text(document, colour=style.colour)
    return Answer(facts_of(session, document), text.rstrip("\n"))


def facts_of(session: Session, document: Document) -> dict[str, Any]:
    """What `--json` says about a document that is not proposed yet."""
    return {
        "planHash": to_hex(plan_hash(session.domain, document.fields())),
        "effectRoot": to_hex(document.effect_root),
        "document": to_hex(document.digest),
        "tier": document.tier.name.lower(),
        "operations": len(document.operations),
    }


def _terms_of(document: Document) -> Terms:
    """So that only what the program wants can differ."""
    fields = document.fields()
    return Terms(fields.proposer, (fields.not_before, fields.expires_at), fields.salt, again=True)


def _compared(proposed: Document, found: Document, style: Style) -> Answer:
    from ..plan.compare import differences

    return _difference(differences(proposed, found), "same", "proposed", "the same plan", style)


def _undoing(done: Document, found: Document, style: Style) -> Answer:
    from ..plan.undo import undo_differences

    lost = len(done.content["rollback"]["irreversible"])
    good = "it undoes the plan" + (f", but for {lost} that nothing undoes" if lost else "")
    return _difference(undo_differences(done, found), "undoes", "to undo ", good, style)


def _difference(
    different: list[Difference], name: str, wanted: str, good: str, style: Style
) -> Answer:
    data = {
        name: not different,
        "differences": [
            {"field": d.field, "expected": d.expected, "found": d.found} for d in different
        ],
    }
    lines = (f"{d.field}\n    {wanted} {d.expected}\n    here     {d.found}" for d in different)
    text = "\n".join(lines) or style.good(good)
    return Answer(data, text, exit_code=Refused.exit_code if different else 0)
