"""Attack: a document that two readers read differently is proposed by hand and voted through.

Twice the same key, a number that no double holds, NaN, and nesting that breaks a parser: the bytes
are hashed first and must come back from their own parse. The defender sees step 4 and why.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pulumi_mandate.errors import MandateError
from pulumi_mandate.governance import Governor, Support
from pulumi_mandate.models import Digest, Plan, keccak, plan_hash
from pulumi_mandate.plan.document import Document
from tests.chain.genesis import Deployment
from tests.governance.cases import hash_of, propose
from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

NOT_CANONICAL = "the document is JSON, but not in its canonical form"
FORGERIES = {
    "a key twice": (lambda data: data.replace(b'{"', b'{"base":null,"', 1), NOT_CANONICAL),
    "2^64": (lambda data: data[:-1] + b',"zz":18446744073709551616}', NOT_CANONICAL),
    "NaN": (lambda data: data[:-1] + b',"zz":NaN}', "the document is not JSON"),
    "nesting": (
        lambda data: data[:-1] + b',"zz":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "the document is not JSON: depth limit exceeded",
    ),
    "padding": (lambda data: data + b" ", NOT_CANONICAL),
}
"""What is done to an honest document, and what the defender is told of it."""


def forged(approved: Attacked, fields: Plan, data: bytes) -> Plan:
    """A plan whose document is these bytes, in the store and linked to it."""
    plan = dataclasses.replace(fields, document=keccak(data), salt=keccak(data))
    store = approved.machine.store
    store.link(plan_hash(approved.deployment.domain, plan), store.put(data))
    return plan


def approve_together(deployment: Deployment, plans: list[Plan]) -> list[Digest]:
    """The whole way of several plans at once, in which nobody reads what he votes for."""
    governor, anybody = Governor(deployment.client), deployment.people["stranger"]
    numbers = [propose(deployment, plan).number for plan in plans]
    deployment.advance(deployment.terms.voting_delay + 1)
    for number in numbers:
        for name in ("ana", "ben"):
            governor.vote(number, Support.FOR, deployment.people[name])
    deployment.advance(deployment.terms.voting_period_of(plans[0].tier) + 1)
    for number in numbers:
        governor.queue(number, anybody)
    deployment.advance(deployment.terms.high_delay + 1)
    for number in numbers:
        governor.execute(number, anybody)
    return [hash_of(deployment, plan) for plan in plans]


def test_it_is_refused_however_many_voted_for_it(approved: Attacked) -> None:
    honest, fields = approved.document().data, approved.fields()
    documents = [forge(honest) for forge, _ in FORGERIES.values()]
    assert len({honest, *documents}) == len(FORGERIES) + 1
    for data in documents:
        with pytest.raises(MandateError):
            Document.load(data)
    plans = [forged(approved, fields, data) for data in documents]
    links = Path(approved.machine.trust.store_uri.removeprefix("file://"), "plans")
    (links / approved.plan_hash.hex()).unlink()  # so that no other plan is nearer
    hashes = approve_together(approved.deployment, plans)
    for found, (_, told) in reversed(list(zip(hashes, FORGERIES.values(), strict=True))):
        approved.plan_hash = found

        approved.refused(4, told)
        approved.registry.revoke(found, approved.people["guardian"])
