"""What the round does not touch: texts that lie, calls that are not ours, runs that hang."""

from __future__ import annotations

import pytest

from pulumi_mandate.errors import ContractRefused, Refused, UsageError
from pulumi_mandate.governance import Governor, ProposalState, Registry, Support
from pulumi_mandate.governance.description import build_description
from pulumi_mandate.models import (
    MandateState,
    OutcomeKind,
    Renewal,
    Tier,
    keccak,
    signing_digest,
)
from tests.chain.genesis import DAY, Deployment
from tests.governance.cases import (
    a_plan,
    an_outcome,
    approve,
    begin,
    hash_of,
    propose,
    signed,
    with_salt,
)

pytestmark = pytest.mark.chain


def test_a_lease_is_renewed_and_a_hanging_run_is_abandoned(deployment: Deployment) -> None:
    registry, runner = Registry(deployment.client), deployment.people["runner"]
    stranger = deployment.people["stranger"]
    plan = a_plan(deployment)
    approve(deployment, plan)
    order = begin(deployment, plan)
    now = deployment.client.now()
    renewal = Renewal(order.run_id, now + 2 * 3600, 1, now + 600)
    proof = deployment.people["executor"].sign_digest(signing_digest(deployment.domain, renewal))

    registry.renew(order.plan_hash, renewal, proof, runner)

    assert registry.mandate(order.plan_hash).lease_until == renewal.lease_until
    assert registry.mandate(order.plan_hash).renewals == 1
    with pytest.raises(ContractRefused) as caught:
        registry.abandon(order.plan_hash, stranger)
    assert str(renewal.lease_until + deployment.terms.grace) in caught.value.meaning
    deployment.advance(2 * 3600 + deployment.terms.grace + 1)
    registry.abandon(order.plan_hash, stranger)
    assert registry.denial(order.plan_hash) is MandateState.ABANDONED


def test_complete_and_fail_take_only_their_own_outcome(deployment: Deployment) -> None:
    registry, runner = Registry(deployment.client), deployment.people["runner"]
    plan = a_plan(deployment)
    approve(deployment, plan)
    order = begin(deployment, plan)
    failed = an_outcome(order, OutcomeKind.FAILED)
    done = an_outcome(order, OutcomeKind.COMPLETED)

    with pytest.raises(ContractRefused, match="PlanRegistryWrongOutcome"):
        registry.complete(order.plan_hash, failed, signed(deployment, failed), runner)
    with pytest.raises(ContractRefused, match="PlanRegistryWrongOutcome"):
        registry.fail(order.plan_hash, done, signed(deployment, done), runner)
    registry.complete(order.plan_hash, done, signed(deployment, done), runner)


def test_a_proposer_withdraws_his_plan_and_only_he(deployment: Deployment) -> None:
    registry, plan = Registry(deployment.client), a_plan(deployment)
    propose(deployment, plan)

    with pytest.raises(ContractRefused, match="PlanRegistryNotProposer"):
        registry.withdraw(plan, deployment.people["stranger"])
    registry.withdraw(plan, deployment.people["proposer"])

    assert registry.denial(hash_of(deployment, plan)) is MandateState.WITHDRAWN


def test_a_proposal_is_cancelled_by_the_guardian(deployment: Deployment) -> None:
    governor = Governor(deployment.client)
    propose(deployment, a_plan(deployment))

    governor.cancel(1, deployment.people["guardian"])

    assert governor.proposal(1).state is ProposalState.CANCELED


def test_the_tiers_have_their_terms(shared_deployment: Deployment) -> None:
    registry, terms = Registry(shared_deployment.client), shared_deployment.terms

    assert registry.terms(Tier.HIGH).max_lease == terms.max_lease
    assert registry.terms(Tier.MEDIUM).kinds == 0xCF
    low = registry.terms(Tier.LOW)
    assert (low.attestations, low.cosign, low.budget_operations) == (1, False, 50)
    assert registry.terms(Tier.EMERGENCY).validity == 6 * 3600
    assert registry.terms(Tier.NONE).validity == 0


@pytest.mark.parametrize(
    ("tier", "proposer", "field", "words"),
    [
        (Tier.EMERGENCY, "proposer", "", "no electorate here approves plans of tier emergency"),
        (Tier.MEDIUM, "ana", "proposer", "another proposer"),
    ],
)
def test_what_cannot_be_proposed_is_refused_before_anything_is_sent(
    shared_deployment: Deployment, tier: Tier, proposer: str, field: str, words: str
) -> None:
    plan = a_plan(shared_deployment, tier=tier)
    governor = Governor(shared_deployment.client)

    with pytest.raises(Refused, match=words) as caught:
        governor.propose(
            plan,
            hash_of(shared_deployment, plan),
            "A title",
            shared_deployment.people[proposer],
        )

    assert caught.value.field == field
    assert governor.all() == []


def test_a_whole_text_must_be_about_this_plan(shared_deployment: Deployment) -> None:
    proposer = shared_deployment.people["proposer"]
    plan = a_plan(shared_deployment)
    wanted = hash_of(shared_deployment, plan)
    other = hash_of(shared_deployment, with_salt(plan, "other"))
    text = build_description(
        "A title", "", proposer.address, plan_hash=other, document=plan.document
    )

    with pytest.raises(UsageError, match="about another plan"):
        Governor(shared_deployment.client).propose(plan, wanted, text, proposer)
    with pytest.raises(UsageError, match="has no title"):
        Governor(shared_deployment.client).propose(plan, wanted, "", proposer)
    with pytest.raises(UsageError, match="which checks its hash"):
        Governor(shared_deployment.client).propose_call(
            "approveMedium", wanted, description="A title", account=proposer
        )


def test_a_whole_text_that_is_right_is_taken_as_it_is(deployment: Deployment) -> None:
    proposer, plan = deployment.people["proposer"], a_plan(deployment, tier=Tier.HIGH)
    wanted = hash_of(deployment, plan)
    text = build_description(
        "A title", "why", proposer.address, plan_hash=wanted, document=plan.document
    )

    found = Governor(deployment.client).propose(plan, wanted, text, proposer)

    assert found.description == text
    assert (found.created.tier, found.created.function) == (Tier.HIGH, "approveHigh")
    assert found.proposer == proposer.address
    weight = Governor(deployment.client).weight(deployment.people["cleo"].address, found)
    assert weight == 200 * 10**18


def test_a_text_or_a_call_of_another_form_is_shown_with_a_warning(deployment: Deployment) -> None:
    """Made with another tool: the proposal counts, its text is not believed."""
    client, ana = deployment.client, deployment.people["ana"]
    registry = client.contract("registry")
    selector = registry.abi.encode_call("approveMedium", [keccak(b"x")])[:4]
    for number, call in enumerate((selector, selector + keccak(b"x") + b"rest"), start=1):
        text = f"by hand {number}"
        client.transact(ana, "standard_governor", "propose", [registry.address], [0], [call], text)

    short, long = Governor(client).all()

    assert (short.function, short.plan_hash, short.tier) == ("", None, Tier.CRITICAL)
    assert long.plan_hash == keccak(b"x")
    assert short.warnings == long.warnings
    assert "not of the usual form" in short.warnings[0]
    assert Governor(client).proposal(1).document is None


def test_the_vote_of_one_proposal_is_not_the_vote_of_another(deployment: Deployment) -> None:
    governor = Governor(deployment.client)
    propose(deployment, a_plan(deployment))
    propose(deployment, with_salt(a_plan(deployment), "other"))
    deployment.advance(2 * DAY + 1)
    governor.vote(2, Support.AGAINST, deployment.people["ana"])

    assert governor.votes(1) == []
    assert governor.proposal(1).votes == (0, 0, 0)
    assert governor.proposal(2).votes.against == 500 * 10**18
