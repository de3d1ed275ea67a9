"""Chains that are not ours alone: other ids, two-second blocks, dear gas, gaps, what is stuck."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.chain import ChainClient
from pulumi_mandate.chain import client as client_module
from pulumi_mandate.chain.transaction import HIGHEST_FEE, build, dearer
from pulumi_mandate.errors import ChainError, ContractRefused, WrongChain
from pulumi_mandate.governance import Registry
from pulumi_mandate.models import Address, MandateState, OutcomeKind, signing_digest
from tests.chain.bare_chain import BareChain
from tests.chain.genesis import Deployment, Person, deploy
from tests.governance.cases import (
    a_plan,
    an_order,
    an_outcome,
    approve,
    begin,
    hash_of,
    signed,
)

GWEI = 10**9


@contextlib.contextmanager
def deployed(folder: Path, **terms: int) -> Iterator[tuple[BareChain, Deployment]]:
    folder.mkdir()
    with BareChain(folder, **terms) as chain:
        yield chain, deploy(chain)  # type: ignore[arg-type]  # it has what genesis needs


# -- two chains ----------------------------------------------------------------------------------


@pytest.mark.chain
def test_what_one_chain_allows_means_nothing_on_another(tmp_path: Path) -> None:
    """Same people, same nonces, so the same addresses: only the chain's id tells them apart."""
    with (
        deployed(tmp_path / "one", chain_id=10) as (_, one),
        deployed(tmp_path / "other", chain_id=8453) as (_, other),
    ):
        assert one.trust.registry == other.trust.registry
        plan = a_plan(one)
        assert hash_of(one, plan) != hash_of(other, plan)
        approve(one, plan)
        approve(other, plan)  # the very same fields, by a vote of its own

        assert Registry(other.client).mandate(hash_of(one, plan)).state is MandateState.NONE
        order = an_order(one, plan)
        signature = signed(one, order)
        runner = one.people["runner"]
        with pytest.raises(ContractRefused):
            Registry(other.client).begin(plan, order, signature, runner)
        # Even where the order names the other chain's hash: it was signed in this chain's domain.
        forged = dataclasses.replace(order, plan_hash=hash_of(other, plan))
        assert signing_digest(one.domain, forged) != signing_digest(other.domain, forged)
        with pytest.raises(ContractRefused):
            Registry(other.client).begin(plan, forged, signed(one, forged), runner)

        Registry(one.client).begin(plan, order, signature, runner)
        assert Registry(one.client).mandate(order.plan_hash).state is MandateState.RUNNING
        assert Registry(other.client).running(plan.subject) is None


@pytest.mark.chain
def test_a_transaction_of_one_chain_is_not_sent_to_another(tmp_path: Path) -> None:
    with (
        deployed(tmp_path / "one", chain_id=10) as (_, one),
        deployed(tmp_path / "other", chain_id=8453) as (_, other),
    ):
        ana, ben = one.people["ana"], one.people["ben"]
        misled = ChainClient(dataclasses.replace(one.trust, rpc=other.trust.rpc))
        with pytest.raises(WrongChain, match="serves chain 8453"):
            misled.send(ana, ben.address, b"", value=1)

        raw = one.client.prepare(ana, ben.address, b"", value=1)
        with pytest.raises(ChainError):
            other.client.broadcast(raw)


# -- blocks every two seconds ----------------------------------------------------------------------


@pytest.mark.chain
def test_a_run_on_a_chain_with_a_block_every_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deployed(tmp_path / "fast", chain_id=10, finality=2) as (chain, deployment):
        plan = a_plan(deployment)
        approve(deployment, plan)
        chain.every(2)
        registry, client = Registry(deployment.client), deployment.client
        order = an_order(deployment, plan)
        runner = deployment.people["runner"]

        mined = registry.begin(plan, order, signed(deployment, order), runner)
        assert client.final_block().number < mined.block.number, "final later than mined"
        final = client.wait_final(mined.block)
        assert registry.mandate(order.plan_hash, final).state is MandateState.RUNNING

        outcome = an_outcome(order, OutcomeKind.COMPLETED)
        registry.close(order.plan_hash, outcome, signed(deployment, outcome), runner)
        assert registry.mandate(order.plan_hash).state is MandateState.UNCONFIRMED


# -- dear gas, and what waits ----------------------------------------------------------------------


@contextlib.contextmanager
def in_the_background(act: Callable[[], None], pause: float = 0.15) -> Iterator[None]:
    """Repeat something until the block ends; what it raises is raised there."""
    over, failed = threading.Event(), []

    def repeat() -> None:
        while not over.wait(pause):
            try:
                act()
            except Exception as error:  # told to the test
                failed.append(error)
                return

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not failed


@pytest.fixture
def crowded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[BareChain, Deployment]]:
    """A chain that mines only when told, and a client that soon loses its patience."""
    monkeypatch.setattr(client_module, "STUCK_SECONDS", 0.4)
    monkeypatch.setattr(client_module, "RECEIPT_SECONDS", 20.0)
    with deployed(tmp_path / "crowded") as (chain, deployment):
        chain.hold_back()
        yield chain, deployment


def mine_at(chain: BareChain, base_fee: int) -> Callable[[], None]:
    def act() -> None:
        chain.ask_for(base_fee)
        chain.mine()

    return act


@pytest.mark.chain
@pytest.mark.parametrize("spike", [30, 400, 2_000])
def test_a_transaction_that_a_spike_priced_out_is_replaced_and_done_once(
    crowded: tuple[BareChain, Deployment], spike: int
) -> None:
    chain, deployment = crowded
    ana, ben, client = deployment.people["ana"], deployment.people["ben"], deployment.client
    nonce = int(chain.call("eth_getTransactionCount", ana.address, "latest"), 16)
    before = int(chain.call("eth_getBalance", ben.address, "latest"), 16)

    with in_the_background(mine_at(chain, spike * GWEI)):
        receipt = client.send(ana, ben.address, b"", value=7)

    mined = chain.call("eth_getTransactionByHash", "0x" + receipt.transaction.hex())
    assert int(mined["nonce"], 16) == nonce
    assert int(mined["maxFeePerGas"], 16) >= spike * GWEI
    chain.mine(3)  # whatever still waits
    assert int(chain.call("eth_getTransactionCount", ana.address, "latest"), 16) == nonce + 1
    assert int(chain.call("eth_getBalance", ben.address, "latest"), 16) == before + 7


@pytest.mark.chain
def test_a_begin_that_a_spike_priced_out_spends_its_mandate_once(
    crowded: tuple[BareChain, Deployment],
) -> None:
    chain, deployment = crowded
    chain.call("evm_setAutomine", True)
    plan = a_plan(deployment)
    approve(deployment, plan)
    chain.hold_back()

    with in_the_background(mine_at(chain, 500 * GWEI)):
        order = begin(deployment, plan)
    chain.mine(3)

    digest, client = hash_of(deployment, plan), deployment.client
    assert Registry(client).mandate(digest).run_id == order.run_id
    assert len(client.logs("registry", "Begun", {"planHash": digest})) == 1


@pytest.mark.chain
def test_a_replacement_that_comes_too_late_is_the_same_transaction(
    crowded: tuple[BareChain, Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one is mined in the very moment in which it is replaced."""
    chain, deployment = crowded
    ana, ben = deployment.people["ana"], deployment.people["ben"]
    nonce = int(chain.call("eth_getTransactionCount", ana.address, "latest"), 16)
    honest = client_module.ChainClient._replace

    def meanwhile(self: ChainClient, *arguments: object) -> object:
        chain.mine()
        return honest(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(client_module.ChainClient, "_replace", meanwhile)
    receipt = deployment.client.send(ana, ben.address, b"", value=7)

    mined = chain.call("eth_getTransactionByHash", "0x" + receipt.transaction.hex())
    assert int(mined["nonce"], 16) == nonce
    chain.mine()
    assert int(chain.call("eth_getTransactionCount", ana.address, "latest"), 16) == nonce + 1


@pytest.mark.chain
def test_a_gap_in_the_nonces_is_filled_and_what_waited_behind_it_goes_on(tmp_path: Path) -> None:
    with deployed(tmp_path / "gap") as (chain, deployment):
        ana, ben, client = deployment.people["ana"], deployment.people["ben"], deployment.client
        now = int(chain.call("eth_getTransactionCount", ana.address, "latest"), 16)
        ahead = build(
            chain_id=deployment.trust.chain_id,
            nonce=now + 1,
            to=ben.address,
            data=b"",
            value=1,
            gas=50_000,
            base_fee=10 * GWEI,
            priority_fee=GWEI,
        )
        waiting = client.broadcast(ana.sign_transaction(ahead))
        assert chain.call("eth_getTransactionReceipt", "0x" + waiting.hex()) is None

        client.send(ana, ben.address, b"", value=2)

        assert client.receipt(waiting).to == ben.address
        assert int(chain.call("eth_getTransactionCount", ana.address, "latest"), 16) == now + 2


@pytest.mark.chain
def test_what_waits_behind_an_earlier_transaction_is_told_so(
    crowded: tuple[BareChain, Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, deployment = crowded
    ana, ben, client = deployment.people["ana"], deployment.people["ben"], deployment.client
    monkeypatch.setattr(client_module, "RECEIPT_SECONDS", 1.0)
    earlier = int(chain.call("eth_getTransactionCount", ana.address, "latest"), 16)
    client.broadcast(client.prepare(ana, ben.address, b"", value=1))

    with pytest.raises(ChainError, match="not mined") as caught:
        client.send(ana, ben.address, b"", value=2)

    assert f"an earlier transaction of {ana.address}" in caught.value.meaning
    assert f"(number {earlier})" in caught.value.meaning


# -- pure ------------------------------------------------------------------------------------------

_PARTS: dict[str, Any] = {
    "chain_id": 1,
    "nonce": 5,
    "to": Address("0x" + "11" * 20),
    "data": b"\x01",
    "value": 3,
    "gas": 21_000,
    "base_fee": 10 * GWEI,
    "priority_fee": GWEI,
}
DRAFT = build(**_PARTS)


def test_a_replacement_differs_in_its_fees_alone() -> None:
    bumped = dearer(DRAFT, base_fee=1, priority_fee=1)
    assert bumped is not None

    assert {key for key in DRAFT if DRAFT[key] != bumped[key]} == {
        "maxFeePerGas",
        "maxPriorityFeePerGas",
    }
    for fee in ("maxFeePerGas", "maxPriorityFeePerGas"):
        assert bumped[fee] * 100 > DRAFT[fee] * 110, "nodes take nothing under ten per cent"


def test_a_replacement_pays_what_the_chain_asks_for_now() -> None:
    bumped = dearer(DRAFT, base_fee=500 * GWEI, priority_fee=3 * GWEI)

    assert bumped is not None
    assert bumped["maxFeePerGas"] == 1_003 * GWEI
    assert bumped["maxPriorityFeePerGas"] == 3 * GWEI


def test_a_node_that_asks_for_the_moon_gets_nothing_more() -> None:
    assert dearer(DRAFT, base_fee=HIGHEST_FEE, priority_fee=1) is None
    with pytest.raises(ChainError, match="wei per gas"):
        build(**_PARTS | {"priority_fee": HIGHEST_FEE})
    dear = {**DRAFT, "maxFeePerGas": HIGHEST_FEE}
    assert dearer(dear, base_fee=1, priority_fee=1) is None


@pytest.mark.chain
def test_a_chain_without_a_base_fee_is_told_so(
    tmp_path: Path, shared_deployment: Deployment
) -> None:
    with BareChain(tmp_path, hardfork="berlin") as chain:
        ana = Person("ana")
        trust = dataclasses.replace(shared_deployment.trust, rpc=(chain.facts()["rpc"],))
        with pytest.raises(ChainError, match="names no base fee"):
            ChainClient(trust).send(ana, ana.address, b"")
