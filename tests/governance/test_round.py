"""The whole way of a plan through the real contracts: propose, vote, queue, execute, run."""

from __future__ import annotations

import pytest

from pulumi_mandate.errors import ContractRefused, Refused, UsageError
from pulumi_mandate.governance import (
    Governor,
    ProposalState,
    Registry,
    Step,
    Support,
    advance,
    standing,
)
from pulumi_mandate.governance.council import Council
from pulumi_mandate.models import MandateState, OutcomeKind, Tier, subject_hash
from tests.chain.genesis import DAY, Deployment
from tests.governance.cases import (
    a_plan,
    an_order,
    an_outcome,
    approve,
    begin,
    council_says,
    hash_of,
    pass_the_vote,
    propose,
    signed,
    with_salt,
)

pytestmark = pytest.mark.chain


def say(deployment: Deployment, reference: int) -> str:
    governor, registry = Governor(deployment.client), Registry(deployment.client)
    proposal = governor.proposal(reference)
    assert proposal.plan_hash is not None
    mandate = registry.mandate(proposal.plan_hash)
    return standing(mandate, proposal, deployment.client.now()).sentence


def test_a_plan_goes_all_the_way_to_approved(deployment: Deployment) -> None:
    governor, registry = Governor(deployment.client), Registry(deployment.client)
    plan = a_plan(deployment)
    stranger = deployment.people["stranger"]

    proposal = propose(deployment, plan)
    assert (proposal.number, proposal.state) == (1, ProposalState.PENDING)
    assert proposal.plan_hash == hash_of(deployment, plan) == registry.hash_plan(plan)
    assert proposal.document == plan.document
    assert proposal.created.warnings == ()
    assert say(deployment, 1).startswith("proposal 1: announced, voting opens in ")

    deployment.advance(2 * DAY + 1)
    assert say(deployment, 1).startswith("proposal 1: voting, no votes yet, ends in ")
    governor.vote(1, Support.FOR, deployment.people["ana"], "I read it")
    governor.vote(1, Support.AGAINST, deployment.people["ben"])
    assert "62 % for, quorum reached" in say(deployment, 1)

    deployment.advance(3 * DAY + 1)
    assert "passed" in say(deployment, 1)
    assert advance(governor, 1, stranger, deployment.client.now())[0] is Step.QUEUE
    assert "its delay ends in " in say(deployment, 1)
    assert advance(governor, 1, stranger, deployment.client.now()) == (Step.WAIT, None)
    deployment.advance(DAY + 1)
    assert advance(governor, 1, stranger, deployment.client.now())[0] is Step.EXECUTE

    final = deployment.client.final_block()
    mandate = registry.mandate(hash_of(deployment, plan), final)
    assert (mandate.state, mandate.tier) == (MandateState.APPROVED, Tier.MEDIUM)
    assert mandate.expires_at - mandate.approved_at == deployment.terms.validity
    assert say(deployment, 1).startswith("proposal 1: approved, may be used for ")


def test_votes_are_read_back_as_they_were_cast(deployment: Deployment) -> None:
    governor = Governor(deployment.client)
    propose(deployment, a_plan(deployment))
    deployment.advance(2 * DAY + 1)
    governor.vote(1, Support.FOR, deployment.people["ana"], "I read it")
    governor.vote(1, Support.ABSTAIN, deployment.people["cleo"])

    votes = governor.votes(1)

    assert [(v.voter, v.support, v.weight // 10**18, v.reason) for v in votes] == [
        (deployment.people["ana"].address, Support.FOR, 500, "I read it"),
        (deployment.people["cleo"].address, Support.ABSTAIN, 200, ""),
    ]
    assert governor.weight(deployment.people["ben"].address, 1) == 300 * 10**18


def test_a_second_vote_is_refused_in_words(deployment: Deployment) -> None:
    governor, ana = Governor(deployment.client), deployment.people["ana"]
    propose(deployment, a_plan(deployment))
    deployment.advance(2 * DAY + 1)
    governor.vote(1, Support.FOR, ana)

    with pytest.raises(ContractRefused) as caught:
        governor.vote(1, Support.AGAINST, ana)

    assert caught.value.error == "GovernorAlreadyCastVote"
    assert caught.value.meaning == f"{ana.address} has voted on it already"
    assert caught.value.exit_code == 3


def test_voting_before_it_opens_names_the_state(deployment: Deployment) -> None:
    propose(deployment, a_plan(deployment))

    with pytest.raises(ContractRefused) as caught:
        Governor(deployment.client).vote(1, Support.FOR, deployment.people["ana"])

    assert caught.value.meaning == "the proposal is pending; this needs active"


def test_a_defeated_proposal_approves_nothing(deployment: Deployment) -> None:
    governor, registry = Governor(deployment.client), Registry(deployment.client)
    plan = a_plan(deployment)
    propose(deployment, plan)
    deployment.advance(2 * DAY + 1)
    governor.vote(1, Support.AGAINST, deployment.people["ana"])
    deployment.advance(3 * DAY + 1)

    assert say(deployment, 1) == "proposal 1: defeated, 0 % for, quorum missed by 4 %"
    with pytest.raises(ContractRefused, match="GovernorUnexpectedProposalState"):
        governor.queue(1, deployment.people["stranger"])
    assert registry.mandate(hash_of(deployment, plan)).state is MandateState.NONE


def test_numbers_follow_the_order_of_proposing(deployment: Deployment) -> None:
    governor = Governor(deployment.client)
    first = propose(deployment, a_plan(deployment))
    second = propose(deployment, with_salt(a_plan(deployment), "another"))

    assert [one.number for one in governor.all()] == [1, 2]
    assert governor.proposal(second.id).number == 2
    assert governor.proposal(1).id == first.id
    with pytest.raises(UsageError, match="no proposal 3"):
        governor.proposal(3)


def test_find_prefers_the_proposal_that_got_furthest(deployment: Deployment) -> None:
    governor = Governor(deployment.client)
    plan = a_plan(deployment)
    wanted = hash_of(deployment, plan)
    assert governor.find(wanted) is None
    approve(deployment, plan)
    governor.propose(plan, wanted, "The same plan again", deployment.people["proposer"])

    found = governor.find(wanted)

    assert found is not None
    assert (found.number, found.state) == (1, ProposalState.EXECUTED)


def test_proposing_another_hash_than_shown_is_refused(deployment: Deployment) -> None:
    plan = a_plan(deployment)
    shown = hash_of(deployment, with_salt(plan, "another"))

    with pytest.raises(Refused) as caught:
        Governor(deployment.client).propose(plan, shown, "A title", deployment.people["proposer"])

    assert caught.value.field == "plan hash"
    assert Governor(deployment.client).all() == []


def test_a_text_about_another_plan_is_seen(deployment: Deployment) -> None:
    """Somebody proposes plan A under the words of plan B."""
    client, ana = deployment.client, deployment.people["ana"]
    honest = a_plan(deployment)
    text = propose(deployment, honest).description.replace(
        deployment.people["proposer"].address, ana.address
    )
    registry = client.contract("registry")
    evil = hash_of(deployment, with_salt(honest, "evil"))
    call = registry.abi.encode_call("approveMedium", [evil])
    client.transact(ana, "standard_governor", "propose", [registry.address], [0], [call], text)

    found = Governor(client).created(2)

    assert found.plan_hash == evil
    assert found.warnings == ("the text names another plan than the one it would approve",)


def test_a_copied_proposal_cannot_be_front_run(deployment: Deployment) -> None:
    client = deployment.client
    text = propose(deployment, a_plan(deployment)).description.replace("second", "third")
    registry = client.contract("registry")
    call = registry.abi.encode_call("approveMedium", [bytes(32)])

    with pytest.raises(ContractRefused, match="GovernorRestrictedProposer"):
        client.transact(
            deployment.people["stranger"],
            "standard_governor",
            "propose",
            [registry.address],
            [0],
            [call],
            text,
        )


def test_a_run_begins_once_and_completes(deployment: Deployment) -> None:
    registry, runner = Registry(deployment.client), deployment.people["runner"]
    plan = a_plan(deployment)
    approve(deployment, plan)
    order = begin(deployment, plan)
    subject = subject_hash(deployment.terms.subject)

    assert registry.running(subject) == order.plan_hash
    assert "running for " in say(deployment, 1)
    with pytest.raises(ContractRefused) as caught:
        registry.begin(plan, order, signed(deployment, order), runner)
    assert caught.value.meaning == "the mandate is running; this needs approved"

    outcome = an_outcome(order, OutcomeKind.COMPLETED)
    registry.close(order.plan_hash, outcome, signed(deployment, outcome), runner)

    assert registry.mandate(order.plan_hash).state is MandateState.UNCONFIRMED
    assert registry.running(subject) is None
    names = [event.name for event in registry.history(order.plan_hash)]
    assert names == ["Approved", "Begun", "Completed"]


def test_a_failed_run_is_stated_and_spent(deployment: Deployment) -> None:
    registry, runner = Registry(deployment.client), deployment.people["runner"]
    plan = a_plan(deployment)
    approve(deployment, plan)
    order = begin(deployment, plan)
    outcome = an_outcome(order, OutcomeKind.FAILED)
    registry.close(order.plan_hash, outcome, signed(deployment, outcome), runner)

    assert registry.mandate(order.plan_hash).state is MandateState.FAILED
    assert registry.denial(order.plan_hash) is MandateState.FAILED
    assert say(deployment, 1) == "proposal 1: failed; its mandate is spent"


def test_an_order_of_a_foreign_key_is_refused(deployment: Deployment) -> None:
    plan = a_plan(deployment)
    approve(deployment, plan)
    order = an_order(deployment, plan)
    from pulumi_mandate.models import signing_digest

    forged = deployment.people["stranger"].sign_digest(signing_digest(deployment.domain, order))

    with pytest.raises(ContractRefused) as caught:
        Registry(deployment.client).begin(plan, order, forged, deployment.people["runner"])

    assert caught.value.error == "PlanRegistryExecutorNotActive"
    assert deployment.people["stranger"].address in caught.value.meaning


def test_the_guardian_revokes_and_every_later_word_is_no(deployment: Deployment) -> None:
    registry = Registry(deployment.client)
    plan = a_plan(deployment)
    approve(deployment, plan)
    wanted = hash_of(deployment, plan)
    assert registry.denial(wanted) is None
    registry.revoke(wanted, deployment.people["guardian"])

    assert registry.denial(wanted) is MandateState.REVOKED
    with pytest.raises(ContractRefused, match="PlanRegistryUnexpectedState"):
        begin(deployment, plan)


def test_an_approval_expires(deployment: Deployment) -> None:
    registry = Registry(deployment.client)
    plan = a_plan(deployment)
    approve(deployment, plan)
    deployment.advance(deployment.terms.validity)

    assert registry.denial(hash_of(deployment, plan)) is MandateState.EXPIRED
    assert say(deployment, 1) == "proposal 1: approved, and expired unused"


def test_a_queued_proposal_that_waits_too_long_is_told_as_dropped(
    deployment: Deployment,
) -> None:
    """The Governor says Queued for ever; the AccessManager forgets after a week."""
    governor, stranger = Governor(deployment.client), deployment.people["stranger"]
    proposal = propose(deployment, a_plan(deployment))
    pass_the_vote(deployment, proposal)
    governor.queue(1, stranger)
    deployment.advance(9 * DAY)

    late = governor.proposal(1)

    assert (late.state, late.scheduled) == (ProposalState.QUEUED, False)
    assert "dropped from the queue" in say(deployment, 1)
    with pytest.raises(ContractRefused, match="AccessManagerExpired"):
        governor.execute(1, stranger)


def test_configuration_is_proposed_and_takes_effect(deployment: Deployment) -> None:
    governor, registry = Governor(deployment.client), Registry(deployment.client)
    newcomer = deployment.people["ben"].address
    governor.propose_call(
        "enrolExecutor", newcomer, description="Enrol ben", account=deployment.people["ana"]
    )
    pass_the_vote(deployment, governor.proposal(1))
    governor.queue(1, deployment.people["stranger"])
    deployment.advance(deployment.terms.high_delay + 1)
    governor.execute(1, deployment.people["stranger"])

    assert registry.executor(newcomer) == (False, 0)
    council_says(deployment, Council(deployment.client).admitting(newcomer))
    assert registry.executor(newcomer) == (True, 1)
    assert governor.created(1).tier is Tier.CRITICAL


def test_the_subject_config_is_read_whole(deployment: Deployment) -> None:
    config = Registry(deployment.client).subject_config(subject_hash(deployment.terms.subject))

    assert (config.version, config.rules) == (1, deployment.terms.rules)
    assert config.mode.name == "ENFORCE"
    assert config.proposers == (deployment.people["proposer"].address,)
    assert config.runners == (deployment.people["runner"].address,)
