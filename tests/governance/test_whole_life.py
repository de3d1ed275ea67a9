"""A plan of the high tier from its vote to its confirmation, with production's terms, on anvil."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pulumi_mandate.errors import ContractRefused
from pulumi_mandate.governance import Consent, Duty, Registry
from pulumi_mandate.governance.council import Council
from pulumi_mandate.models import (
    Attestation,
    MandateState,
    Observed,
    OutcomeKind,
    Plan,
    Tier,
    keccak,
    signing_digest,
)
from tests.chain.genesis import DAY, Deployment, Terms, deploy
from tests.governance.cases import (
    a_plan,
    an_order,
    an_outcome,
    approve,
    begin,
    council_says,
    hash_of,
    signed,
    with_salt,
)

pytestmark = pytest.mark.chain


@pytest.fixture
def strict(chain_service: Any) -> Deployment:
    """The high tier as in production: one attestor and the council."""
    return deploy(chain_service, Terms(high_attestations=1, high_cosign=True, cost_cap=500_00))


def attest(deployment: Deployment, plan: Plan, name: str = "attestor") -> None:
    said = Attestation(
        hash_of(deployment, plan), plan.effect_root, True, plan.program, deployment.client.now()
    )
    signature = deployment.people[name].sign_digest(signing_digest(deployment.domain, said))
    Consent(deployment.client).attest(plan, said, signature, deployment.people["stranger"])


def observe(deployment: Deployment, plan: Plan, state: bytes, name: str = "observer") -> None:
    seen = Observed(hash_of(deployment, plan), keccak(state), deployment.client.now())
    signature = deployment.people[name].sign_digest(signing_digest(deployment.domain, seen))
    Consent(deployment.client).observe(plan, seen, signature, deployment.people["stranger"])


def refused(deployment: Deployment, plan: Plan, error: str) -> None:
    order = an_order(deployment, plan)
    with pytest.raises(ContractRefused, match=error):
        Registry(deployment.client).begin(
            plan, order, signed(deployment, order), deployment.people["runner"]
        )


def test_high_from_its_vote_to_its_confirmation_and_no_step_is_skipped(strict: Deployment) -> None:
    registry, consent = Registry(strict.client), Consent(strict.client)
    plan = replace(a_plan(strict, tier=Tier.HIGH), cost=500_01)
    digest = hash_of(strict, plan)
    refused(strict, plan, "PlanRegistryUnexpectedState")
    approve(strict, plan)

    refused(strict, plan, "PlanRegistryNotAttested")
    attest(strict, plan)
    refused(strict, plan, "PlanRegistryNotCosigned")
    council_says(strict, Council(strict.client).cosigning(digest))
    refused(strict, plan, "PlanRegistryNotFinanced")
    consent.cosign_finance(plan, strict.people["finance"])
    order = begin(strict, plan)
    with pytest.raises(ContractRefused, match="PlanRegistryUnexpectedState"):
        observe(strict, plan, b"post state")
    outcome = an_outcome(order, OutcomeKind.COMPLETED)
    registry.complete(digest, outcome, signed(strict, outcome), strict.people["runner"])
    with pytest.raises(ContractRefused, match="PlanRegistryOtherState"):
        observe(strict, plan, b"what is really there")
    with pytest.raises(ContractRefused, match="AttestationLogNotAttestor"):
        observe(strict, plan, b"post state", "proposer")
    observe(strict, plan, b"post state")

    found = registry.mandate(digest)
    assert found.state is MandateState.CONFIRMED
    assert (found.attestations, found.financed) == (1, True)
    assert [event.name for event in registry.history(digest)] == [
        "Approved", "AttestationRecorded", "Cosigned", "Financed",
        "Begun", "Completed", "Confirmed",
    ]  # fmt: skip


def test_an_unconfirmed_result_stops_the_stack_until_somebody_looks(strict: Deployment) -> None:
    registry, consent = Registry(strict.client), Consent(strict.client)
    plan = a_plan(strict)
    approve(strict, plan)
    outcome = an_outcome(begin(strict, plan), OutcomeKind.COMPLETED)
    runner, stranger = strict.people["runner"], strict.people["stranger"]
    registry.complete(hash_of(strict, plan), outcome, signed(strict, outcome), runner)
    with pytest.raises(ContractRefused, match="PlanRegistryStillObservable"):
        consent.report_unconfirmed(plan, stranger)
    strict.advance(3 * DAY + 1)
    consent.report_unconfirmed(plan, stranger)
    strict.advance(7 * DAY)
    other = with_salt(a_plan(strict), "other")
    approve(strict, other)

    refused(strict, other, "PlanRegistryOverdue")
    observe(strict, plan, b"post state")
    begin(strict, other)

    [owed] = consent.obligations(plan.subject)
    assert (owed.duty, owed.cause) == (Duty.UNCONFIRMED, hash_of(strict, plan))
    assert owed.cleared_by == hash_of(strict, plan)
