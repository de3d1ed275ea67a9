"""Expired, revoked, withdrawn, judged by other rules, or the executor's key is gone.

Each is named, with the step, before the first change.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.models import MandateState, keccak, to_hex
from pulumi_mandate.plan.document import Document
from tests.chain.genesis import DAY
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def again(plan: Document, salt: bytes) -> Document:
    """The same change under another salt: another hash, another vote."""
    return Document.of({**plan.content, "salt": to_hex(keccak(salt))})


def test_each_way_to_lose_a_mandate(governed: Governed) -> None:
    document = governed.plan()
    people, client = governed.people, governed.deployment.client

    expired = governed.approve(document)
    governed.deployment.advance(8 * DAY)
    assert "the mandate is expired now" in governed.up(ok=False)
    assert governed.mandate(expired).state is MandateState.EXPIRED

    revoked = governed.approve(again(document, b"revoked"))
    governed.registry.revoke(revoked, people["guardian"])
    assert "the mandate is revoked now" in governed.up(ok=False)

    withdrawn = again(document, b"withdrawn")
    governed.approve(withdrawn)
    governed.registry.withdraw(withdrawn.fields(), people["proposer"])
    assert "the mandate is withdrawn now" in governed.up(ok=False)

    governed.approve(again(document, b"key"))
    executor = people["executor"].address
    client.transact(people["guardian"], "executor_registry", "revoke", executor)
    output = governed.up(ok=False)
    assert f"refused at step 2: the executor's key {executor} is not enrolled" in output

    assert governed.calls() == []
    assert governed.runs() == []
