"""Where the mandate of a stack stands: one sentence and the next command."""

from __future__ import annotations

from pathlib import Path

from pulumi_mandate.errors import MandateError
from pulumi_mandate.governance.lifecycle import Standing, standing
from pulumi_mandate.governance.proposals import Governor
from pulumi_mandate.governance.values import Proposal
from pulumi_mandate.models import Subject, subject_hash
from pulumi_mandate.plan.document import Document

from .machine import Machine, open_machine
from .prepare import ProgramAt, subject_of

_LOOK_BACK = 50
"""Proposals looked at, newest first: a preview must not read the whole history."""


def newest_of(machine: Machine, subject: Subject) -> Standing | None:
    """Where the newest proposal about this subject stands."""
    proposal = newest_proposal(machine, subject)
    if proposal is None or proposal.plan_hash is None:
        return None
    mandate = machine.registry.mandate(proposal.plan_hash)
    return standing(mandate, proposal, machine.client.now())


def newest_proposal(machine: Machine, subject: Subject) -> Proposal | None:
    """The newest proposal about this subject, as far as the store knows its document."""
    governor = Governor(machine.client)
    wanted = subject_hash(subject)
    for created in list(reversed(governor.all()))[:_LOOK_BACK]:
        if created.plan_hash is None:
            continue
        digest = machine.store.document_of(created.plan_hash)
        if digest is None:
            continue
        try:
            document = Document.load(machine.store.get(digest))
        except MandateError:
            continue
        if document.fields().subject == wanted:
            return governor.proposal(created)
    return None


def sentence_for(workdir: Path, stack: str) -> str:
    """One line for a preview. Raises `MandateError` where it cannot be told."""
    machine = open_machine()
    found = newest_of(machine, subject_of(ProgramAt(workdir, stack), machine.trust))
    if found is None:
        return "no proposal for this stack yet; next: mandate propose"
    return found.sentence + (f"; next: {found.next_command}" if found.next_command else "")
