"""Bringing a plan before those who decide it: the document first, so that they can read it."""

from __future__ import annotations

from pathlib import Path

from pulumi_mandate.checks.judgement import misjudged, require_passed
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.errors import Refused
from pulumi_mandate.governance.proposals import Governor
from pulumi_mandate.governance.values import Proposal
from pulumi_mandate.models import Digest, Kind, Tier, plan_hash, subject_hash, to_hex
from pulumi_mandate.plan.document import Document
from pulumi_mandate.signing import AccountKey

from .machine import Machine
from .source import keep_source


def open_proposal(  # noqa: PLR0913  # what a proposer brings, each by name
    document: Document,
    machine: Machine,
    account: AccountKey,
    *,
    folder: Path,
    title: str,
    summary: str,
) -> Proposal:
    """Store the document and its texts, link it to its plan hash, and propose the plan on chain.

    `folder` is the program's, for the texts; `summary` is what voters read beside the hash. Raises
    `Refused`, `ContractRefused`, `ChainError`.
    """
    found = keep_document(document, machine, folder=folder)
    description = f"{title}\n\n{summary}" if summary else title
    return Governor(machine.client).propose(document.fields(), found, description, account)


def keep_document(document: Document, machine: Machine, *, folder: Path) -> Digest:
    """Put a plan's document and its texts where those who decide it read them, under its hash.

    Nothing else happens to an emergency until the council declares it. Raises as `open_proposal`.
    """
    require_proposable(document, machine)
    keep_source(document, machine.store, folder)
    machine.store.put(_rules_of(document, machine).data)
    found = plan_hash(machine.domain, document.fields())
    machine.store.link(found, machine.store.put(document.data))
    return found


def require_kinds(document: Document, machine: Machine) -> None:
    """An emergency holds only such operations as its tier may. Raises `Refused`, `ChainError`.

    The registry refuses the others when the plan begins; this says it before anybody signs.
    """
    if document.tier is not Tier.EMERGENCY:
        return
    terms = machine.registry.terms(document.tier)
    allowed = terms.kinds if terms is not None else 0
    wrong = [one["op"] for one in document.operations if not allowed >> one["kind"] & 1]
    if wrong:
        raise Refused(
            5,
            f"an emergency may not {wrong[0]}",
            field="kinds",
            expected=", ".join(kind.name.lower() for kind in Kind if allowed >> kind & 1),
            found=", ".join(sorted(set(wrong))),
            meaning="Only what can be taken back is done without a vote.",
            next_step="leave it out, or propose it to the voters: without --emergency",
        )


def require_proposable(document: Document, machine: Machine) -> None:
    """Nobody is asked to vote on what every verifier would refuse. Raises `Refused`, `ChainError`.

    Asked alone before something else is withdrawn for it.
    """
    require_kinds(document, machine)
    check_source_is_new(document, machine)
    rules = _rules_of(document, machine)
    planned = document.fields().rules
    if planned != rules.digest:
        raise Refused(
            5,
            "the plan was judged under other rules than the subject's",
            field="rules",
            expected=to_hex(rules.digest),
            found=to_hex(planned),
            meaning="The subject's config on chain names the rules; nobody else chooses them.",
            next_step="mandate propose, without --plan",
        )
    require_passed(document.content["checks"])
    wrong = misjudged(rules, document.content)
    if wrong:
        raise Refused(5, f"the plan does not follow from the subject's rules: {wrong}")


def _rules_of(document: Document, machine: Machine) -> Rules:
    return machine.rules_of(document.subject).about(document.subject)


def check_source_is_new(document: Document, machine: Machine) -> None:
    """The change of the source is told since the plan that completed last. Raises `Refused`."""
    source, registry = document.content["source"], machine.registry
    last = registry.last_completed(subject_hash(document.subject), registry.newest_block())
    expected = to_hex(last) if last is not None else None
    if source is None or source["since"] != expected:
        raise Refused(
            7,
            "the document does not show how the source changed since the last completed plan",
            field="source.since",
            expected=expected or "none, as no plan was completed yet",
            found="no source change at all" if source is None else str(source["since"]),
            meaning="Another plan was completed after it was previewed, or it was made by hand.",
            next_step="preview again: mandate propose",
        )
