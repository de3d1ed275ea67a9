"""Attack: a document that two readers read differently is proposed by hand and voted through.

Twice the same key, a number that no double holds, NaN, and nesting that breaks a parser: the bytes
are hashed first and must come back from their own parse. The defender sees step 4 and why.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pulumi_mandate.errors import MandateError
from pulumi_mandate.models import Digest, Plan, keccak, plan_hash
from pulumi_mandate.plan.document import Document
from tests.governance.cases import approve
from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

FORGERIES = {
    "a key twice": lambda data: data.replace(b'{"', b'{"base":null,"', 1),
    "2^64": lambda data: data[:-1] + b',"zz":18446744073709551616}',
    "NaN": lambda data: data[:-1] + b',"zz":NaN}',
    "nesting": lambda data: data[:-1] + b',"zz":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "padding": lambda data: data + b" ",
}


def forged(approved: Attacked, data: bytes) -> Plan:
    """A plan whose document is these bytes, in the store and linked to it."""
    plan = dataclasses.replace(approved.fields(), document=keccak(data), salt=keccak(data[-64:]))
    store = approved.machine.store
    store.link(plan_hash(approved.deployment.domain, plan), store.put(data))
    return plan


def test_it_is_refused_however_many_voted_for_it(approved: Attacked) -> None:
    honest = approved.document().data
    for name, forge in FORGERIES.items():
        with pytest.raises(MandateError):
            Document.load(forge(honest))
        assert forge(honest) != honest, name
    plan = forged(approved, FORGERIES["a key twice"](honest))
    links = Path(approved.machine.trust.store_uri.removeprefix("file://"), "plans")
    (links / approved.plan_hash.hex()).unlink()  # so that no other plan is nearer
    approve(approved.deployment, plan)
    approved.plan_hash = Digest(plan_hash(approved.deployment.domain, plan))

    approved.refused(4, "document")
