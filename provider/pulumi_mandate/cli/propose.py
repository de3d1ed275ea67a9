"""`mandate propose`: preview, store the document, open the proposal that approves its hash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import EmptyPlan, UsageError
from ..models import Digest, Tier, digest, plan_hash, to_hex
from ._command import Call, command
from ._output import Answer, progress
from ._program import (
    ProgramChoice,
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
from ._undo import undone_by
from .preview import NOTHING, facts_of

if TYPE_CHECKING:
    from ..gate.pending import Pending
    from ..plan.document import Document
    from ._session import Session

MOST_SUMMARY = 6_000
"""Characters of the diff in the proposal's text: each is paid for, and stays on chain for ever."""


@command(
    "propose",
    "Open a proposal for exactly this change.",
    signs=True,
    examples=(
        'mandate propose --as ana --title "A bucket for the shop"',
        "mandate propose --as ana --destroy",
        "mandate propose --as ana --target '**::web'",
        "mandate propose --as ana --state-delete 'urn:pulumi:…::old'",
        "mandate propose --as ana --plan plan.json",
        "mandate propose --plan plan.json --resend",
        "mandate propose --as ana --clears 0x5a…c3",
        'mandate propose --as ana --emergency INC-2041 --reason "the disk is full"',
    ),
)
@program_options
@kind_options
@flag_options
@window_options
@override_option
@emergency_options
@click.option("--title", metavar="TEXT", help="First line of the proposal.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Propose this document instead of previewing again.",
)
@click.option("--clears", metavar="ID", help="The obligation that this plan cures.")
@click.option(
    "--again",
    is_flag=True,
    help="Open one more, even where a pending proposal wants exactly this.",
)
@click.option("--resend", is_flag=True, help="With --plan: only put it back into the plan store.")
def propose(  # noqa: PLR0913, PLR0917  # one argument per option
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
    title: str | None,
    plan_file: Path | None,
    clears: str | None,
    again: bool,
    resend: bool,
) -> Answer:
    """Open a proposal that approves exactly this change, and nothing else.

    The proposal holds one call: the registry's approval of the plan hash. The document goes into
    the plan store; whoever votes recomputes the hash from it with `mandate verify`.

    Where a pending proposal wants exactly this already, nothing is sent and that one is named, so
    a pipeline may propose at every push.

    An emergency is no proposal: its document goes into the plan store, and the council declares it.
    """
    from ..gate.pending import pending_like
    from ..gate.proposal import open_proposal
    from ..plan.document import Document

    session = call.session
    if resend:
        return _put_back(session, plan_file)
    if plan_file is not None:
        document = Document.load(plan_file.read_bytes())
        _require_own(document, session.account.address)
    else:
        progress("previewing the program")
        urgent = emergency_of(incident, reason)
        terms = own_terms(session, window=window, salt=salt, overrides=overrides, emergency=urgent)
        if clears is not None and urgent is not None:
            raise UsageError(
                "an emergency clears nothing: it is what is owed for",
                next_step="leave out --clears, or --emergency",
            )
        if clears is not None:
            terms = replace(terms, clears=_obligation(clears))
        try:
            program = ProgramChoice(folder, stack, imports, flags + edit)
            document = build_plan(session, program, terms, kind=kind_of(kind, imports, edit))
        except EmptyPlan:
            return NOTHING
        # Who gives the salt, or the document, means this very plan hash.
        found = None if again or salt or urgent else pending_like(session.machine, document)
        if found is not None:
            return _already(session, found)
    if document.tier is Tier.EMERGENCY:
        return _for_the_council(session, document, folder)
    undone = undone_by(session, document)
    name = title_of(document, title)
    if title is None and undone is not None:
        name = f"Undo proposal {undone.proposal}: {name}"
    progress("sending the proposal")
    proposal = open_proposal(
        document,
        session.machine,
        session.account,
        folder=folder.resolve(),
        title=name,
        summary=summary_of(document),
    )
    facts = facts_of(session, document)
    number = undone.proposal if undone else None
    data = {"proposal": proposal.number, "opened": True, "undoes": number, **facts}
    lines = [
        f"proposal {proposal.number}: {name}",
        f"  plan hash    {facts['planHash']}",
        f"  effect root  {facts['effectRoot']}",
        f"  tier         {facts['tier']}, {facts['operations']} operations",
        f"next: mandate verify {proposal.number}",
    ]
    return Answer(data, "\n".join(lines))


def _for_the_council(session: Session, document: Document, folder: Path) -> Answer:
    """Keep an emergency's document for the seats; nothing is sent."""
    from ..gate.proposal import keep_document
    from ..plan.assessment import incident_of

    plan = to_hex(keep_document(document, session.machine, folder=folder.resolve()))
    incident, reason = incident_of(document.content["tier"])
    facts = facts_of(session, document)
    data = {"proposal": None, "opened": False, "incident": incident, "reason": reason, **facts}
    lines = [
        f"an emergency for incident {incident}; nothing is approved before the council declares it",
        f"  plan hash    {plan}",
        f"  effect root  {facts['effectRoot']}",
        f"  operations   {facts['operations']}",
        f"next: mandate emergency declare {plan} --file {incident}.json --as SEAT",
    ]
    return Answer(data, "\n".join(lines))


def title_of(document: Document, title: str | None) -> str:
    """The given title, or one that says how much changes where. One line, always."""
    if title is not None:
        return " ".join(title.split())
    subject, kind = document.content["subject"], document.content["kind"]
    where = f"{len(document.operations)} operations on {subject['project']}/{subject['stack']}"
    return where if kind == "up" else f"{kind.capitalize()}: {where}"


def summary_of(document: Document) -> str:
    """The readable diff, as far as a transaction can carry it; the hash binds all of it."""
    from ..plan.render import render_markdown

    return render_markdown(document, most=MOST_SUMMARY)


def _already(session: Session, found: Pending) -> Answer:
    number = found.proposal.number
    data = {"proposal": number, "opened": False, **facts_of(session, found.document)}
    return Answer(
        data,
        f"proposal {number} wants exactly this already, so nothing was sent\n"
        f"next: mandate status {number}   (or, for one more: mandate propose --again)",
    )


def _put_back(session: Session, plan_file: Path | None) -> Answer:
    """For a store that lost a document. Its bytes are what counts, so anybody may."""
    from ..plan.document import Document

    if plan_file is None:
        raise UsageError("--resend needs --plan FILE: the document to put back")
    document = Document.load(plan_file.read_bytes())
    facts = facts_of(session, document)
    stored = session.store.put(document.data)
    session.store.link(plan_hash(session.domain, document.fields()), stored)
    return Answer(facts, f"the store has the document of plan {facts['planHash']}")


def _require_own(document: Document, account: str) -> None:
    if document.fields().proposer.lower() != account.lower():
        raise UsageError(
            f"the document is proposed by {document.fields().proposer}, this account is {account}",
            meaning="The proposer is part of the plan hash.",
            next_step="preview it with the account that will propose it",
        )


def _obligation(text: str) -> Digest:
    try:
        return digest(text)
    except ValueError as error:
        raise UsageError(f"--clears: {error}", next_step="mandate obligations") from None
