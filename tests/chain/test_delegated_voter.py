"""A voter whose account has delegated itself (EIP-7702), by a real transaction of type 4."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.governance import Governor, Support
from pulumi_mandate.governance.ballots import Ballots
from pulumi_mandate.models import Ballot, ballot_digest
from tests.chain.bare_chain import BareChain
from tests.chain.genesis import TOKEN, Deployment, Person, deploy
from tests.governance.cases import a_plan, propose

pytestmark = pytest.mark.chain


def delegate(chain: BareChain, deployment: Deployment, voter: Person, to: str) -> None:
    """The voter authorises it, and a stranger pays for it."""
    payer, chain_id = deployment.people["stranger"], deployment.trust.chain_id
    nonce = int(chain.call("eth_getTransactionCount", voter.address, "latest"), 16)
    authorization = voter.local.sign_authorization(
        {"chainId": chain_id, "address": to, "nonce": nonce}
    )
    raw = payer.sign_transaction(
        {
            "type": 4,
            "chainId": chain_id,
            "nonce": int(chain.call("eth_getTransactionCount", payer.address, "latest"), 16),
            "to": voter.address,
            "value": 0,
            "gas": 200_000,
            "maxFeePerGas": 4 * 10**9,
            "maxPriorityFeePerGas": 10**9,
            "authorizationList": [authorization],
        }
    )
    chain.call("eth_sendRawTransaction", "0x" + raw.hex())
    code = chain.call("eth_getCode", voter.address, "latest")
    assert code == "0xef0100" + to[2:].lower()


class WalletOf:
    """Signs as the voter's wallet would."""

    def __init__(self, person: Person) -> None:
        self.address, self._person = person.address, person

    def sign_ballot(self, ballot: Ballot) -> bytes:
        return self._person.sign_digest(ballot_digest(ballot))


def test_a_delegated_voter_is_told_to_vote_directly_and_can(tmp_path: Path) -> None:
    with BareChain(tmp_path) as chain:
        made = deploy(chain)  # type: ignore[arg-type]  # it has what genesis needs
        ana, governor, ballots = made.people["ana"], Governor(made.client), Ballots(made.client)
        number = propose(made, a_plan(made)).number
        made.advance(made.terms.voting_delay + 1)
        before = ballots.sign(number, Support.FOR, WalletOf(ana))  # type: ignore[arg-type]

        delegate(chain, made, ana, made.trust.token)
        with pytest.raises(Refused, match="EIP-7702") as told:
            ballots.check(before)
        receipts = ballots.relay([before], made.people["stranger"])

        assert "vote directly" in str(told.value.next_step)
        assert [voter for voter, _ in ballots.refused(receipts)] == [ana.address]
        governor.vote(number, Support.FOR, ana)
        assert (
            made.client.call("standard_governor", "proposalVotes", governor.created(number).id)[1]
            == made.terms.holdings["ana"] * TOKEN
        )
