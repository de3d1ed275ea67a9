"""`mandate verify`: recompute everything from the chain and the document; believe nothing."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import Refused, UsageError
from ..models import to_hex
from ._attest import attested, rebuilt
from ._command import Call, command
from ._lookup import number_of, plan_of
from ._output import Answer
from ._program import ProgramChoice, program_options
from ._report import brief_option, links_as_data, render_links
from ._target import Target, TargetType
from ._undo import undone_by


@command(
    "verify",
    "Recompute everything, believe nothing.",
    signs=True,
    examples=(
        "mandate verify 1",
        "mandate verify 0x5a…c3",
        "mandate verify 1 --json",
        "mandate verify 1 --rebuild --as dee --attest dee.json",
        "mandate verify 1 --rebuild --without-secrets",
        "mandate verify 1 --attestation dee.json",
    ),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@brief_option
@click.option(
    "--rebuild",
    is_flag=True,
    help="Also preview the program again, from your own checkout, and compare.",
)
@click.option(
    "--without-secrets",
    is_flag=True,
    help="With --rebuild: for whoever may not decrypt the stack's secrets.",
)
@click.option(
    "--attest",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --rebuild: sign what you found, for others.",
)
@click.option(
    "--attestation",
    "attestations",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="Also check what somebody else has signed. May be given more than once.",
)
@program_options
def verify(  # noqa: PLR0913, PLR0917  # one argument per option
    call: Call,
    target: Target,
    brief: bool,
    rebuild: bool,
    without_secrets: bool,
    attest: Path | None,
    attestations: tuple[Path, ...],
    folder: Path,
    stack: str | None,
) -> Answer:
    """Check on this machine that the proposal approves the document you read, and nothing else.

    From the stored bytes: canonical form, digest, Merkle tree, tier, plan hash; from the chain: the
    proposal's only call, its id, and what the registry says. Exits with 3 at the first thing wrong.

    `--rebuild` runs the proposed program: do it where no credentials lie but read-only ones. With
    `--without-secrets` every secret is `[withheld]`, and all that is no secret is compared.
    """
    from ..audit.collect import collect_proposal
    from ..audit.links import broken
    from ..audit.proposal import verify_proposal
    from ..plan.document import Document

    if attest is not None and not rebuild:
        raise UsageError("--attest signs what --rebuild finds", next_step="add --rebuild")
    if without_secrets and not rebuild:
        raise UsageError("--without-secrets is about --rebuild", next_step="add --rebuild")
    plan = plan_of(call.session, target)
    evidence = collect_proposal(call.session.sources, plan, number_of(target))
    links = verify_proposal(evidence)
    number = evidence.voted.number if evidence.voted else None
    what = f"proposal {number}" if number else "the emergency"
    bad = broken(links)
    data = {
        "proposal": number,
        "planHash": to_hex(evidence.plan_hash),
        "verified": bad is None,
        "links": links_as_data(links),
    }
    verdict = (
        call.style.good(f"verified: {what} approves exactly this document")
        if bad is None
        else call.style.bad(f"do not approve: {bad.name} is broken")
    )
    text = f"{render_links(links, call.style, brief=brief)}\n{verdict}"
    if bad is not None:
        return Answer(data, text, exit_code=Refused.exit_code)
    undone = undone_by(call.session, Document.load(evidence.document))
    if undone is not None:
        data["undoes"] = undone.proposal
        text += f"\n{undone.sentence}"
    lines = [text, *attested(call, evidence, attestations, data)]
    if rebuild:
        choice = ProgramChoice(folder, stack)
        lines += rebuilt(call, evidence, choice, attest, data, withhold=without_secrets)
    return Answer(data, "\n".join(lines))
