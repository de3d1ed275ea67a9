"""Reading and sending on a real EVM, through honest and lying endpoints."""

from __future__ import annotations

import dataclasses
import socket
from typing import Any

import pytest

from pulumi_mandate.chain import rpc as rpc_module
from pulumi_mandate.chain import transaction
from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.chain.artifacts import artifact
from pulumi_mandate.chain.client import ChainClient
from pulumi_mandate.chain.values import BlockRef, Contract
from pulumi_mandate.errors import (
    ChainError,
    ChainUnreachable,
    ContractRefused,
    EndpointsDisagree,
    MissingContract,
    WrongChain,
)
from pulumi_mandate.models import ZERO, Address, digest, keccak, to_hex
from tests.chain.genesis import TOKEN, Deployment
from tests.chain.lying import Lie, LyingEndpoint, about, honest

pytestmark = pytest.mark.chain


def client_of(deployment: Deployment, *rpc: str) -> ChainClient:
    return ChainClient(dataclasses.replace(deployment.trust, rpc=rpc))


def real(deployment: Deployment) -> str:
    return deployment.trust.rpc[0]


@pytest.fixture
def deployment(shared_deployment: Deployment) -> Deployment:
    """One chain for this whole file: nothing here depends on what another test did."""
    return shared_deployment


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc_module, "PAUSES", (0.0, 0.0))


# -- who is there -------------------------------------------------------------------------------


def test_two_honest_endpoints_agree(deployment: Deployment) -> None:
    with LyingEndpoint(real(deployment), honest) as other:
        client = client_of(deployment, real(deployment), other.url)
        final = client.final_block()

        assert client.call("registry", "isSealed", block=final) is True
        assert client.call_each("registry", "isSealed") == [True, True]
        assert client.logs("registry", "Sealed", until=final)[0].arguments == {
            "genesis": deployment.people["deployer"].address
        }
        assert "eth_call" in other.calls


def test_a_chain_that_is_down_is_its_own_error(deployment: Deployment) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        dead = f"http://127.0.0.1:{held.getsockname()[1]}/secret-key"
        with pytest.raises(ChainUnreachable) as caught:
            client_of(deployment, dead).check()

    assert caught.value.exit_code == 4
    assert "mandate dev start" in caught.value.next_step
    assert "secret-key" not in caught.value.diagnostics()


def test_one_dead_endpoint_of_two_stops_everything(deployment: Deployment) -> None:
    with LyingEndpoint(real(deployment), lambda *_: 503) as dead:
        client = client_of(deployment, real(deployment), dead.url)
        with pytest.raises(ChainUnreachable, match="HTTP status 503"):
            client.final_block()

    assert len(dead.calls) == 3  # it was given another two tries


def test_a_short_outage_is_bridged(deployment: Deployment) -> None:
    left = [503, 502]

    def stumbling(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any] | int:
        return left.pop() if left else answer

    with LyingEndpoint(real(deployment), stumbling) as other:
        assert client_of(deployment, other.url).final_block().number > 0


def test_another_chain_is_its_own_error(deployment: Deployment) -> None:
    with (
        LyingEndpoint(real(deployment), about("eth_chainId", lambda _: "0x1")) as other,
        pytest.raises(WrongChain, match="serves chain 1, the trust file names chain 31337"),
    ):
        client_of(deployment, real(deployment), other.url).check()


def test_nothing_is_sent_to_another_chain(deployment: Deployment) -> None:
    with LyingEndpoint(real(deployment), about("eth_chainId", lambda _: "0x1")) as other:
        client = client_of(deployment, other.url)
        with pytest.raises(WrongChain):
            client.send(deployment.people["ana"], deployment.people["ben"].address, b"")

    assert "eth_sendRawTransaction" not in other.calls


def test_no_code_at_the_registry_is_its_own_error(deployment: Deployment) -> None:
    nowhere = Address(deployment.people["ana"].address)
    client = ChainClient(dataclasses.replace(deployment.trust, registry=nowhere))

    with pytest.raises(MissingContract, match="there is no registry at " + nowhere):
        client.check()


def test_another_contract_at_the_registry_is_seen(deployment: Deployment) -> None:
    client = ChainClient(
        dataclasses.replace(deployment.trust, registry=deployment.trust.executor_registry)
    )

    with pytest.raises(MissingContract, match="does not answer like a registry"):
        client.call("registry", "mandate", ZERO)
    with pytest.raises(MissingContract, match="does not answer like a registry"):
        client.call("registry", "isSealed")


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>a captive portal</html>",
        b"[]",
        b"null",
        b'{"jsonrpc":"2.0","id":-1,"result":"0x7a69"}',
        b'{"jsonrpc":"2.0"}',
        pytest.param(b"[" * 100_000, id="nested"),
    ],
)
def test_what_is_not_json_rpc_is_refused(deployment: Deployment, answer: bytes) -> None:
    with (
        LyingEndpoint(None, lambda *_: answer) as other,
        pytest.raises(ChainError, match="does not speak JSON-RPC"),
    ):
        client_of(deployment, other.url).check()


def test_a_redirect_is_not_followed(deployment: Deployment) -> None:
    with (
        LyingEndpoint(real(deployment), lambda *_: 307) as other,
        pytest.raises(ChainUnreachable, match="HTTP status 307"),
    ):
        client_of(deployment, other.url).check()


# -- what is believed ---------------------------------------------------------------------------


def _other_hash(block: dict[str, Any]) -> dict[str, Any]:
    return {**block, "hash": to_hex(keccak(b"another block"))}


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (about("eth_getBlockByNumber", _other_hash), "disagree about block"),
        (about("eth_getBlockByNumber", lambda _: None), "has no block"),
    ],
)
def test_endpoints_on_other_branches_are_not_believed(
    deployment: Deployment, lie: Lie, words: str
) -> None:
    with (
        LyingEndpoint(real(deployment), lie) as other,
        pytest.raises(EndpointsDisagree, match=words),
    ):
        client_of(deployment, real(deployment), other.url).final_block()


def test_a_lagging_endpoint_holds_the_final_block_back(deployment: Deployment) -> None:
    final = deployment.client.final_block()
    behind = final.number - 5

    def lag(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_getBlockByNumber" and params[0] == "finalized":
            result = {**answer["result"], "number": hex(behind)}
            return {**answer, "result": result}
        return answer

    with LyingEndpoint(real(deployment), lag) as other:
        found = client_of(deployment, real(deployment), other.url).final_block()

    assert found.number == behind


def test_a_granted_lie_is_caught_by_the_other_endpoint(deployment: Deployment) -> None:
    """One endpoint says that an unknown plan is approved."""

    def grant(answer: str) -> str:
        words = [answer[2:][i : i + 64] for i in range(0, len(answer) - 2, 64)]
        return "0x" + "".join(["1".rjust(64, "0"), *words[1:]]) if len(words) == 16 else answer

    with LyingEndpoint(real(deployment), about("eth_call", grant)) as liar:
        client = client_of(deployment, real(deployment), liar.url)
        alone = client_of(deployment, liar.url).call("registry", "mandate", ZERO)
        with pytest.raises(EndpointsDisagree, match=r"disagree about registry\.mandate"):
            client.call("registry", "mandate", ZERO, block=client.final_block())

    assert alone["state"] == 1  # the lie itself works, so the refusal above is not an accident


def test_a_hidden_event_is_caught_by_the_other_endpoint(deployment: Deployment) -> None:
    with LyingEndpoint(real(deployment), about("eth_getLogs", lambda _: [])) as liar:
        client = client_of(deployment, real(deployment), liar.url)
        with pytest.raises(EndpointsDisagree, match="disagree about the Sealed events"):
            client.logs("registry", "Sealed", until=client.final_block())


def test_a_block_hash_that_never_was_is_not_read(deployment: Deployment) -> None:
    final = deployment.client.final_block()
    forged = BlockRef(final.number, keccak(b"nowhere"), final.timestamp)

    with pytest.raises(ChainError):
        deployment.client.call("registry", "isSealed", block=forged)


def test_the_latest_clock_counts(deployment: Deployment) -> None:
    def later(block: dict[str, Any]) -> dict[str, Any]:
        return {**block, "timestamp": hex(int(block["timestamp"], 16) + 1000)}

    with LyingEndpoint(real(deployment), about("eth_getBlockByNumber", later)) as fast:
        client = client_of(deployment, real(deployment), fast.url)
        ahead = client.now() - deployment.client.now()

    assert 990 <= ahead <= 1010


# -- sending ------------------------------------------------------------------------------------


def test_a_transfer_is_mined_and_becomes_final(deployment: Deployment) -> None:
    client, ana = deployment.client, deployment.people["ana"]
    before = client.call("token", "balanceOf", ana.address)
    seen: list[tuple[int, int]] = []
    receipt = client.transact(ana, "token", "transfer", deployment.people["ben"].address, 5 * TOKEN)
    final = client.wait_final(receipt.block, lambda *now: seen.append(now))

    assert final.number >= receipt.block.number
    assert seen[-1] == (final.number, receipt.block.number)
    [event] = [e for e in receipt.events(client.contract("token")) if e.name == "Transfer"]
    assert event.arguments["value"] == 5 * TOKEN
    assert client.call("token", "balanceOf", ana.address) == before - 5 * TOKEN


def test_a_block_that_was_reorganised_away_is_an_error(deployment: Deployment) -> None:
    final = deployment.client.final_block()
    gone = BlockRef(final.number, keccak(b"gone"), final.timestamp)

    with pytest.raises(ChainError, match="was reorganised"):
        deployment.client.wait_final(gone)


def test_a_foreseen_refusal_costs_nothing(deployment: Deployment) -> None:
    client, ana = deployment.client, deployment.people["ana"]
    before = client.final_block().number

    with pytest.raises(ContractRefused) as caught:
        client.transact(ana, "token", "transfer", ana.address, 10**30)

    assert caught.value.error == "ERC20InsufficientBalance"
    assert caught.value.arguments["balance"] == client.call("token", "balanceOf", ana.address)
    assert client.final_block().number == before


def test_a_refusal_that_was_mined_tells_its_reason(deployment: Deployment) -> None:
    """The estimate passed and the world changed before the block: here, a lie in the estimate."""
    ana = deployment.people["ana"]

    def estimate(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_estimateGas":
            return {"jsonrpc": "2.0", "id": answer["id"], "result": hex(200_000)}
        return answer

    with LyingEndpoint(real(deployment), estimate) as other:
        client = client_of(deployment, other.url)
        with pytest.raises(ContractRefused) as caught:
            client.transact(ana, "token", "transfer", ana.address, 10**30)

    assert "eth_sendRawTransaction" in other.calls
    assert caught.value.error == "ERC20InsufficientBalance"


def test_an_error_of_a_contract_behind_is_named(deployment: Deployment) -> None:
    """`cancel` on the AccessManager through the governor, and so on: the inner name is shown."""
    with pytest.raises(ContractRefused, match="AccessManagedUnauthorized"):
        deployment.client.transact(
            deployment.people["stranger"], "registry", "approveMedium", keccak(b"a plan")
        )


def test_sending_the_same_bytes_twice_does_no_harm(deployment: Deployment) -> None:
    client, ana = deployment.client, deployment.people["ana"]
    raw = client.prepare(ana, deployment.people["ben"].address, b"", value=7)
    first = client.broadcast(raw)

    assert client.broadcast(raw) == first == keccak(raw)
    assert client.receipt(first).block == client.receipt(first).block


def test_an_endpoint_that_swallows_the_first_try_is_asked_again(deployment: Deployment) -> None:
    """The transaction arrives, the answer is lost, the retry says `nonce too low`."""
    lost = [504]

    def lose(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any] | int:
        if method == "eth_sendRawTransaction" and lost:
            return lost.pop()
        return answer

    with LyingEndpoint(real(deployment), lose) as other:
        client = client_of(deployment, other.url)
        receipt = client.send(deployment.people["ana"], deployment.people["ben"].address, b"")

    assert other.calls.count("eth_sendRawTransaction") == 2
    assert receipt.to == deployment.people["ben"].address


def test_an_account_without_money_is_told_so(deployment: Deployment) -> None:
    with pytest.raises(ChainError, match="cannot pay for the transaction"):
        deployment.client.send(
            deployment.people["executor"], deployment.people["ben"].address, b"", value=1
        )


def test_a_contract_can_be_created(deployment: Deployment) -> None:
    code = artifact("AccessManager").creation(deployment.people["ana"].address)
    receipt = deployment.client.send(deployment.people["ana"], None, code)

    assert receipt.contract_address is not None
    made = Contract("manager", receipt.contract_address, artifact("AccessManager").abi)
    assert deployment.client.call(made, "hasRole", 0, deployment.people["ana"].address) == (True, 0)


def test_a_receipt_of_something_else_is_not_taken(deployment: Deployment) -> None:
    def swap(receipt: dict[str, Any] | None) -> dict[str, Any] | None:
        return receipt and {**receipt, "transactionHash": to_hex(keccak(b"another"))}

    with (
        LyingEndpoint(real(deployment), about("eth_getTransactionReceipt", swap)) as liar,
        pytest.raises(ChainError, match="belongs elsewhere"),
    ):
        client_of(deployment, liar.url).send(
            deployment.people["ana"], deployment.people["ben"].address, b""
        )


def test_a_hash_of_something_else_is_not_taken(deployment: Deployment) -> None:
    lie = about("eth_sendRawTransaction", lambda _: to_hex(keccak(b"another")))
    with (
        LyingEndpoint(real(deployment), lie) as liar,
        pytest.raises(ChainError, match="names another hash"),
    ):
        client_of(deployment, liar.url).send(
            deployment.people["ana"], deployment.people["ben"].address, b""
        )


def test_a_transaction_that_is_never_mined_is_told_with_its_hash(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pulumi_mandate.chain import client as client_module

    monkeypatch.setattr(client_module, "RECEIPT_SECONDS", 0.1)
    with (
        LyingEndpoint(real(deployment), about("eth_getTransactionReceipt", lambda _: None)) as o,
        pytest.raises(ChainError, match="is not mined after") as caught,
    ):
        client_of(deployment, o.url).send(
            deployment.people["ana"], deployment.people["ben"].address, b""
        )

    assert "its hash is 0x" in caught.value.meaning


def test_logs_are_read_in_ranges_and_in_order(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pulumi_mandate.chain import reader

    whole = deployment.client.logs("access_manager", "RoleGranted")
    monkeypatch.setattr(reader, "LOG_BLOCKS", 7)

    assert len(whole) >= 6
    assert deployment.client.logs("access_manager", "RoleGranted") == whole
    only = deployment.client.logs("access_manager", "RoleGranted", {"roleId": 4})
    assert [log.arguments["account"] for log in only] == [deployment.people["guardian"].address]
    with pytest.raises(KeyError, match="no indexed delay"):
        deployment.client.logs("access_manager", "RoleGranted", {"delay": 0})


# -- the pure parts -----------------------------------------------------------------------------


def test_the_gas_margin_covers_a_first_write() -> None:
    assert transaction.gas_limit(60_000) == 90_000
    assert transaction.gas_limit(transaction.GAS_LIMIT) == transaction.GAS_LIMIT
    with pytest.raises(ChainError):
        transaction.gas_limit(transaction.GAS_LIMIT + 1)


def test_reverts_are_read_in_every_form() -> None:
    abi = Abi([{"type": "error", "name": "Busy", "inputs": [{"name": "by", "type": "address"}]}])
    busy = keccak(b"Busy(address)")[:4] + bytes(12) + b"\x11" * 20
    text = keccak(b"Error(string)")[:4] + (32).to_bytes(32) + (2).to_bytes(32) + b"no" + bytes(30)

    assert "Busy (by 0x1111" in transaction.revert(busy, abi, "it").happened
    assert transaction.revert(text, abi, "it").happened == "the chain refused it: no"
    assert "unknown data 0x01020304" in transaction.revert(b"\1\2\3\4", abi, "it").happened
    assert transaction.revert(b"", None, "it").happened.endswith("without a reason")


def test_the_receipt_digest_is_checked() -> None:
    with pytest.raises(ValueError, match="a digest is"):
        digest("0x12")
