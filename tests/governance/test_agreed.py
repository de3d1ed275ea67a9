"""A ballot is for the proposal that every endpoint shows, and whose id is its own."""

from __future__ import annotations

import dataclasses

import pytest

from pulumi_mandate.chain.client import ChainClient
from pulumi_mandate.errors import EndpointsDisagree, Refused
from pulumi_mandate.governance import Governor, Support, proposal_id
from tests.chain.genesis import Deployment
from tests.chain.lying import LyingEndpoint, about
from tests.governance.cases import a_plan, hash_of, propose

pytestmark = pytest.mark.chain

SAID, FORGED = b"A second bucket".hex(), b"A harmless page".hex()
OTHER_TEXT = about(
    "eth_getLogs",
    lambda logs: [log | {"data": log["data"].replace(SAID, FORGED)} for log in logs],
)


def governor_of(deployment: Deployment, *rpc: str) -> Governor:
    return Governor(ChainClient(dataclasses.replace(deployment.trust, rpc=rpc)))


def test_an_honest_proposal_is_agreed_on_by_number_and_by_id(deployment: Deployment) -> None:
    plan = a_plan(deployment)
    proposal = propose(deployment, plan)
    governor = Governor(deployment.client)

    made = governor.agreed(proposal.number)

    assert made.plan_hash == hash_of(deployment, plan)
    assert proposal_id(made.target, made.calldata, made.text) == made.id == proposal.id
    assert governor.agreed(made.id) == made


def test_no_ballot_for_a_text_that_was_not_proposed(deployment: Deployment) -> None:
    """The only endpoint shows the proposal under other words: its id gives it away."""
    propose(deployment, a_plan(deployment))
    deployment.advance(deployment.terms.voting_delay + 1)

    with LyingEndpoint(deployment.trust.rpc[0], OTHER_TEXT) as liar:
        governor = governor_of(deployment, liar.url)
        assert governor.created(1).text.startswith("A harmless page")  # the lie works
        with pytest.raises(Refused, match="does not follow from its call") as caught:
            governor.vote(1, Support.FOR, deployment.people["ana"])

    assert caught.value.field == "proposal id"
    assert "eth_sendRawTransaction" not in liar.calls
    assert Governor(deployment.client).votes(1) == []


@pytest.mark.parametrize("hidden", [False, True])
def test_no_ballot_where_endpoints_show_other_proposals(
    deployment: Deployment, hidden: bool
) -> None:
    propose(deployment, a_plan(deployment))
    deployment.advance(deployment.terms.voting_delay + 1)
    lie = about("eth_getLogs", lambda _: []) if hidden else OTHER_TEXT

    with LyingEndpoint(deployment.trust.rpc[0], lie) as liar:
        governor = governor_of(deployment, deployment.trust.rpc[0], liar.url)
        with pytest.raises(EndpointsDisagree, match="the ProposalCreated events"):
            governor.vote(1, Support.FOR, deployment.people["ana"])

    assert Governor(deployment.client).votes(1) == []
