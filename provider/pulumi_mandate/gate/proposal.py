"""Opening a vote: the document is stored first, so that nobody is asked to vote on a bare hash."""

from __future__ import annotations

from pulumi_mandate.chain import Account
from pulumi_mandate.governance import Governor, Proposal
from pulumi_mandate.models import plan_hash
from pulumi_mandate.plan.document import Document

from .machine import Machine


def open_proposal(
    document: Document, machine: Machine, account: Account, *, title: str, summary: str
) -> Proposal:
    """Store the document, link it to its plan hash, and propose the plan on chain.

    `summary` is what voters read beside the hash. Raises `Refused`, `ContractRefused`,
    `ChainError`.
    """
    fields = document.fields()
    found = plan_hash(machine.domain, fields)
    machine.store.link(found, machine.store.put(document.data))
    description = f"{title}\n\n{summary}" if summary else title
    return Governor(machine.client).propose(fields, found, description, account)
