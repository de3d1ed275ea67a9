"""A low plan on the real engine: nobody votes, an attestor has reproduced it, and it runs."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.checks import Rules
from pulumi_mandate.errors import ContractRefused
from pulumi_mandate.governance import Consent, Governor, Support
from pulumi_mandate.models import Attestation, Digest, MandateState, Tier, signing_digest
from pulumi_mandate.plan.document import Document
from tests.chain.genesis import DAY
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

LOW: dict[str, Any] = {
    "version": 1,
    "rule": [{"id": "any", "reason": "a test", "tier": "low", "types": ["*"]}],
    "unknowns": {"sensitive": ["inputs.password"]},
    "validator": [
        {"id": "cost", "settings": {"prices": [{"types": ["*"], "usd_per_month": 10}]}},
    ],
}


def propose(governed: Governed) -> tuple[Document, Digest, int]:
    document = governed.plan()
    assert document.tier is Tier.LOW
    found = governed.propose(document)
    proposal = Governor(governed.deployment.client).find(found)
    assert proposal is not None
    return document, found, proposal.number


def attest(governed: Governed, document: Document, found: Digest) -> None:
    deployment, plan = governed.deployment, document.fields()
    said = Attestation(found, plan.effect_root, True, plan.program, deployment.client.now())
    signature = governed.people["attestor"].sign_digest(signing_digest(deployment.domain, said))
    Consent(deployment.client).attest(plan, said, signature, governed.people["stranger"])


def wait(governed: Governed, number: int) -> Governor:
    """Silence, the queue and the delay."""
    governor = Governor(governed.deployment.client)
    governed.deployment.advance(DAY + 3602)
    governor.queue(number, governed.people["stranger"])
    governed.deployment.advance(governed.deployment.terms.low_delay + 1)
    return governor


@pytest.mark.parametrize("rules", [Rules.of(LOW)], indirect=True)
def test_silence_passes_what_an_attestor_has_reproduced(governed: Governed) -> None:
    document, found, number = propose(governed)
    governor = wait(governed, number)

    with pytest.raises(ContractRefused, match="PlanRegistryNotAttested"):
        governor.execute(number, governed.people["stranger"])
    assert "refused at step 3" in governed.up(ok=False)
    attest(governed, document, found)
    governor.execute(number, governed.people["stranger"])
    governed.up()

    assert governed.files() == {"first": "hello", "second": "5 letters"}
    assert governed.result()["status"] == "completed"
    assert governed.mandate(found).state is MandateState.UNCONFIRMED


@pytest.mark.parametrize(
    "rules",
    [Rules.of({key: value for key, value in LOW.items() if key != "validator"})],
    indirect=True,
)
def test_a_low_plan_whose_cost_nobody_measured_is_over_the_budget(governed: Governed) -> None:
    document, found, number = propose(governed)
    attest(governed, document, found)
    wait(governed, number).execute(number, governed.people["stranger"])

    assert "PlanRegistryOverBudget" in governed.up(ok=False)
    assert governed.mandate(found).state is MandateState.APPROVED, "the budget comes back"
    assert governed.files() == {}


@pytest.mark.parametrize("rules", [Rules.of(LOW)], indirect=True)
def test_a_veto_stops_it(governed: Governed) -> None:
    document, found, number = propose(governed)
    attest(governed, document, found)
    governor = Governor(governed.deployment.client)
    governed.deployment.advance(3601)
    governor.vote(number, Support.AGAINST, governed.people["ana"])

    with pytest.raises(ContractRefused):
        wait(governed, number)
    assert "refused at step 3" in governed.up(ok=False)
    assert governed.files() == {}
