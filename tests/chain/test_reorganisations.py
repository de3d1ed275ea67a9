"""Reorganisations of depth 1 to 65 at every moment of a mandate: nothing goes forward on what went.

The chain is final 64 blocks behind its newest one. A run goes forward only when step (2) found the
approval in a final block, step (9) the begin, and step (10) the run at every endpoint's newest one.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.chain import client as client_module
from pulumi_mandate.chain.values import BlockRef
from pulumi_mandate.errors import ChainError, ContractRefused, MandateError, Refused
from pulumi_mandate.gate.run import Denials, check_begun
from pulumi_mandate.governance import Governor, Registry
from pulumi_mandate.models import ExecutionOrder, MandateState, Plan
from tests.chain.bare_chain import BareChain
from tests.chain.genesis import Deployment, deploy
from tests.governance.cases import a_plan, an_order, hash_of, pass_the_vote, propose, signed

pytestmark = pytest.mark.chain

FINALITY = 64
DEPTHS = range(1, FINALITY + 2)


class Story:
    """One deployment on a chain that forgets, and a plan that is about to be approved."""

    def __init__(self, chain: BareChain) -> None:
        self.chain = chain
        self.deployment: Deployment = deploy(chain)  # type: ignore[arg-type]  # has what it needs
        self.registry = Registry(self.deployment.client)
        self.governor = Governor(self.deployment.client)
        self.plan: Plan = a_plan(self.deployment)
        self.proposal = propose(self.deployment, self.plan)
        pass_the_vote(self.deployment, self.proposal)
        anybody = self.deployment.people["stranger"]
        self.governor.queue(self.proposal.number, anybody)
        chain.advance(self.deployment.terms.medium_delay + 1)
        self._checkpoint = chain.call("evm_snapshot")
        self._told = 0

    def again(self) -> None:
        """Back to before the approval."""
        assert self.chain.call("evm_revert", self._checkpoint)
        self._checkpoint = self.chain.call("evm_snapshot")
        # The node keeps the states of the newest blocks that it ever mined, by hash: these must be
        # blocks that no earlier test has mined.
        self._told += 1
        self.chain.advance(self._told)
        self.chain.mine(2 * FINALITY)

    def approve(self) -> BlockRef:
        number = self.proposal.number
        return self.governor.execute(number, self.deployment.people["stranger"]).block

    def begin(self) -> tuple[ExecutionOrder, BlockRef]:
        order = an_order(self.deployment, self.plan)
        mined = self.registry.begin(
            self.plan, order, signed(self.deployment, order), self.deployment.people["runner"]
        )
        return order, mined.block

    # -- what the gate asks, in its own words ----------------------------------------------------

    def is_granted(self) -> bool:
        """(2): the approval stands in a final block, and nobody denies it."""
        client, digest = self.deployment.client, hash_of(self.deployment, self.plan)
        found = self.registry.mandate(digest, client.final_block())
        newest = self.registry.mandate(digest)
        granted = found.state is newest.state is MandateState.APPROVED
        return granted and self.registry.denial(digest) is None

    def goes_forward(self, order: ExecutionOrder, begun: BlockRef) -> bool:
        """(9) and (10)."""
        deployment = self.deployment
        record: Any = SimpleNamespace(
            plan_hash=order.plan_hash,
            run_id=order.run_id,
            order=order,
            executor=deployment.people["executor"].address,
        )
        machine: Any = SimpleNamespace(client=deployment.client, registry=self.registry)
        try:
            deployment.client.wait_final(begun)
            check_begun(machine, record)
            Denials(machine, record)()
        except (Refused, ChainError):
            return False
        return True


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with BareChain(tmp_path_factory.mktemp("forgets"), finality=FINALITY) as chain:
        yield Story(chain)


@pytest.fixture
def story(told: Story, monkeypatch: pytest.MonkeyPatch) -> Story:
    monkeypatch.setattr(client_module, "FINAL_SECONDS", 0.0)  # look once, do not wait
    told.again()
    return told


def test_the_chain_is_final_where_this_file_says(story: Story) -> None:
    assert story.chain.height - story.deployment.client.final_block().number == FINALITY


def test_what_is_final_and_stays_goes_forward(story: Story) -> None:
    """Without this, every refusal below might have another reason."""
    story.approve()
    story.chain.mine(FINALITY)
    assert story.is_granted()
    order, begun = story.begin()
    story.chain.mine(FINALITY)

    assert story.goes_forward(order, begun)


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_approval_that_is_reorganised_away_grants_nothing(story: Story, depth: int) -> None:
    story.approve()
    story.chain.mine(depth - 1)
    # 64 deep is the last that is not final yet; 65 deep breaks the chain's own promise.
    assert story.is_granted() is (depth > FINALITY)

    story.chain.reorganise(depth)

    assert not story.is_granted()
    story.chain.mine(2 * FINALITY)
    assert not story.is_granted()
    with pytest.raises(ContractRefused, match="State"):
        story.begin()


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_begin_that_is_reorganised_away_runs_nothing(story: Story, depth: int) -> None:
    story.approve()
    story.chain.mine(FINALITY)
    order, begun = story.begin()
    story.chain.mine(depth - 1)
    assert story.goes_forward(order, begun) is (depth > FINALITY)

    story.chain.reorganise(depth)

    assert not story.goes_forward(order, begun)
    story.chain.mine(2 * FINALITY)
    assert not story.goes_forward(order, begun)


@pytest.mark.parametrize("depth", DEPTHS)
def test_both_reorganised_away_at_once(story: Story, depth: int) -> None:
    story.approve()
    order, begun = story.begin()
    story.chain.mine(depth)
    story.chain.reorganise(depth + 2)

    assert not story.is_granted()
    assert not story.goes_forward(order, begun)


@pytest.mark.parametrize("depth", [1, 2, 32, FINALITY, FINALITY + 1])
def test_a_revocation_counts_at_the_newest_block_and_a_reorganised_one_no_more(
    story: Story, depth: int
) -> None:
    """Denials do not wait to be final. One that is undone was none."""
    story.approve()
    story.chain.mine(FINALITY + 1)
    assert story.is_granted()
    story.registry.revoke(
        hash_of(story.deployment, story.plan), story.deployment.people["guardian"]
    )
    assert not story.is_granted()
    story.chain.mine(depth - 1)
    assert not story.is_granted()

    story.chain.reorganise(depth)

    assert story.is_granted()


def test_another_begin_after_the_first_was_reorganised_away_is_the_only_one(story: Story) -> None:
    """The same order may be sent again; the hash is spent once all the same."""
    story.approve()
    story.chain.mine(FINALITY)
    first, gone = story.begin()
    story.chain.reorganise(1)
    second, begun = story.begin()
    story.chain.mine(FINALITY)

    assert first.run_id == second.run_id
    assert story.goes_forward(second, begun)
    if begun.hash != gone.hash:
        assert not story.goes_forward(first, gone)
    with pytest.raises(MandateError):
        story.begin()
