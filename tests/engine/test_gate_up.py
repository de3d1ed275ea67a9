"""Plain `pulumi up` on a governed program, from refused to done."""

from __future__ import annotations

import pytest

from pulumi_mandate.models import MandateState, digest, to_hex
from pulumi_mandate.plan.receipt import Receipt
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_the_whole_way(governed: Governed) -> None:
    # Nobody proposed anything: refused before the first resource.
    output = governed.up(ok=False)
    print(output)
    assert "refused at step 3" in output
    assert "Nobody has proposed a plan for this stack" in output
    assert "mandate propose" in output
    assert governed.calls() == []

    plan = governed.approve()

    output = governed.up()
    assert governed.files() == {"first": "hello", "second": "5 letters"}
    result = governed.result()
    assert result["status"] == "completed"
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    receipt = Receipt.load(
        governed.machine.store.get(
            governed.machine.store.document_of(digest(result["receiptRoot"]))
        )
    )
    assert receipt.complete
    assert receipt.plan_hash == plan
    assert any(path for r in receipt.results for path, _ in r.resolved)
    assert to_hex(receipt.root) == result["receiptRoot"]
