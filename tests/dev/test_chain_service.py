"""The embedded chain: nothing acknowledged is ever lost, and nobody can forge through the door."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from eth_account import Account

from pulumi_mandate.dev import anvil
from pulumi_mandate.dev.anvil import Genesis
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.dev.journal import Credit, Journal
from pulumi_mandate.dev.miner import Miner
from pulumi_mandate.errors import ChainError, UsageError
from pulumi_mandate.models import to_hex

pytestmark = pytest.mark.chain

SENDER = Account.from_key(b"\x01" * 32)
GENEROUS = 10**20


class Rpc:
    """The least client there can be."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=30)

    def raw(self, payload: Any, headers: dict[str, str] | None = None) -> Any:
        response = self._pool.request(
            "POST",
            self._url,
            body=json.dumps(payload).encode(),
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        return response.json()

    def __call__(self, method: str, *params: Any) -> Any:
        answer = self.raw({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        if "error" in answer:
            raise LookupError(answer["error"]["message"])
        return answer["result"]

    def block(self, which: str) -> dict[str, Any]:
        found: dict[str, Any] = self("eth_getBlockByNumber", which, False)
        return found


def transfer(nonce: int, **changes: Any) -> str:
    transaction = {
        "type": 2,
        "chainId": 31337,
        "nonce": nonce,
        "to": SENDER.address,
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 3 * 10**9,
        "maxPriorityFeePerGas": 10**9,
    }
    return str(SENDER.sign_transaction(transaction | changes).raw_transaction.to_0x_hex())


def rpc_of(service: ChainService) -> Rpc:
    facts = service.facts()
    assert facts is not None
    return Rpc(facts["rpc"])


@pytest.fixture
def rpc(chain_service: ChainService) -> Rpc:
    chain_service.credit(SENDER.address, GENEROUS)
    return rpc_of(chain_service)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def kill_service(service: ChainService) -> None:
    facts = service.facts()
    assert facts is not None
    kill(facts["pid"])
    service._reap()


def test_a_transaction_is_final_when_it_is_acknowledged(rpc: Rpc) -> None:
    tx_hash = rpc("eth_sendRawTransaction", transfer(0))

    receipt = rpc("eth_getTransactionReceipt", tx_hash)
    assert int(receipt["status"], 16) == 1
    assert int(receipt["blockNumber"], 16) <= int(rpc.block("finalized")["number"], 16)


@pytest.mark.parametrize(
    "method",
    [
        "anvil_setBalance",
        "anvil_impersonateAccount",
        "anvil_mine",
        "anvil_reset",
        "evm_mine",
        "evm_setNextBlockTimestamp",
        "evm_increaseTime",
        "evm_revert",
        "hardhat_setCode",
        "debug_traceTransaction",
        "eth_sendTransaction",
        "eth_sendUnsignedTransaction",
        "eth_sign",
        "personal_sign",
        "txpool_content",
        "ots_getApiLevel",
        "Eth_Call",
    ],
)
def test_the_front_door_refuses_whatever_could_forge(rpc: Rpc, method: str) -> None:
    before = rpc.block("latest")["hash"]

    with pytest.raises(LookupError, match="cannot be forged"):
        rpc(method, SENDER.address, "0x1")

    assert rpc.block("latest")["hash"] == before


def test_a_batch_is_answered_in_order_and_may_hold_a_refusal(rpc: Rpc) -> None:
    def call(number: int, method: str, *params: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}

    answers = rpc.raw(
        [
            call(1, "eth_sendRawTransaction", transfer(0)),
            call(2, "evm_mine"),
            call(3, "eth_getTransactionCount", SENDER.address, "latest"),
        ]
    )

    assert [answer["id"] for answer in answers] == [1, 2, 3]
    assert answers[1]["error"]["code"] == -32601
    assert answers[2]["result"] == "0x1"


def test_what_the_chain_cannot_take_is_refused_and_not_written_down(
    chain_service: ChainService, rpc: Rpc
) -> None:
    before = chain_service.status()["number"]

    with pytest.raises(LookupError, match="keeps no transaction waiting"):
        rpc("eth_sendRawTransaction", transfer(5))
    with pytest.raises(LookupError, match="base fee"):
        rpc("eth_sendRawTransaction", transfer(0, maxFeePerGas=1, maxPriorityFeePerGas=1))
    with pytest.raises(LookupError):
        rpc("eth_sendRawTransaction", "0x1234")
    with pytest.raises(LookupError, match="hex digits"):
        rpc("eth_sendRawTransaction", "0xzz")

    assert chain_service.status()["number"] == before
    assert rpc("eth_sendRawTransaction", transfer(0))


def test_another_name_for_loopback_is_refused(chain_service: ChainService) -> None:
    """A web page that rebinds its own name to 127.0.0.1."""
    facts = chain_service.facts()
    assert facts is not None
    response = urllib3.PoolManager().request(
        "POST", facts["rpc"], body=b"{}", headers={"Host": "evil.example"}, retries=False
    )

    assert response.status == 403


def test_time_is_turned_only_with_the_token(chain_service: ChainService) -> None:
    facts = chain_service.facts()
    assert facts is not None
    token = (chain_service.home / "control-token").read_text()
    pool = urllib3.PoolManager()

    def advance(headers: dict[str, str]) -> int:
        url = facts["control"] + "/advance"
        return pool.request("POST", url, json={"seconds": 5}, headers=headers).status

    assert advance({}) == 401
    assert advance({"Authorization": "Bearer " + token[:-1]}) == 401
    assert advance({"Authorization": "Bearer " + token}) == 200


def test_advanced_time_is_seen_everywhere_and_survives(chain_service: ChainService) -> None:
    rpc = rpc_of(chain_service)
    target = chain_service.advance(90_000)
    assert abs(target - time.time() - 90_000) < 30

    assert int(rpc.block("latest")["timestamp"], 16) == target
    assert int(rpc.block("finalized")["timestamp"], 16) == target
    assert target <= int(rpc.block("pending")["timestamp"], 16) < target + 30

    chain_service.stop()
    again = Rpc(chain_service.start())
    assert target <= int(again.block("pending")["timestamp"], 16) < target + 60
    with pytest.raises(ChainError, match="forward only"):
        chain_service.advance(0)


def test_the_same_port_after_a_restart(chain_service: ChainService) -> None:
    before = chain_service.facts()
    chain_service.stop()
    assert before is not None
    assert chain_service.facts() is None

    assert chain_service.start() == before["rpc"]


def test_a_taken_port_is_refused_not_talked_to(chain_service: ChainService) -> None:
    facts = chain_service.facts()
    assert facts is not None
    chain_service.stop()
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", int(facts["rpc"].rsplit(":", 1)[1])))
        stranger.listen()
        with pytest.raises(ChainError, match="taken by another process"):
            chain_service.start()


def test_starting_twice_finds_the_running_one(chain_service: ChainService) -> None:
    facts = chain_service.facts()
    assert facts is not None

    assert ChainService(chain_service.home).start() == facts["rpc"]
    assert chain_service.facts() == facts


def test_the_folder_is_private(chain_service: ChainService) -> None:
    assert stat.S_IMODE(chain_service.home.stat().st_mode) == 0o700
    for name in ("control-token", "chain.json"):
        assert stat.S_IMODE((chain_service.home / name).stat().st_mode) == 0o600


def test_a_killed_evm_is_replaced_by_the_same_chain(chain_service: ChainService, rpc: Rpc) -> None:
    rpc("eth_sendRawTransaction", transfer(0))
    before = chain_service.status()

    kill(before["anvilPid"])

    assert rpc.block(hex(before["number"]))["hash"] == before["hash"]
    assert rpc("eth_sendRawTransaction", transfer(1))
    assert chain_service.status()["anvilPid"] != before["anvilPid"]


def test_the_evm_dies_with_its_service(chain_service: ChainService) -> None:
    pid = chain_service.status()["anvilPid"]
    kill_service(chain_service)

    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Sender:
    """Sends transfers until it is told to stop; notes what was acknowledged."""

    def __init__(self, url: str, nonce: int) -> None:
        self.acknowledged: list[str] = []
        self.nonce = nonce
        self._rpc = Rpc(url)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self.acknowledged.append(self._rpc("eth_sendRawTransaction", transfer(self.nonce)))
            except (LookupError, urllib3.exceptions.HTTPError):
                return  # the killing: perhaps written down, not acknowledged
            self.nonce += 1


MOMENTS = [0.011, 0.037, 0.083, 0.127, 0.19, 0.26]


@pytest.mark.parametrize("victim", ["service", "evm"])
def test_kill_9_at_any_moment_loses_nothing_acknowledged(
    chain_service: ChainService, rpc: Rpc, victim: str
) -> None:
    """Kill -9 in the middle of a stream of transactions, again and again on one chain."""
    acknowledged: list[str] = []
    seen: dict[int, str] = {}
    for moment in MOMENTS:
        nonce = int(rpc("eth_getTransactionCount", SENDER.address, "latest"), 16)
        url = chain_service.start()
        with Sender(url, nonce) as sender:
            time.sleep(moment + random.uniform(0, 0.01))  # noqa: S311  # a moment, no secret
            if victim == "service":
                kill_service(chain_service)
            else:
                kill(chain_service.status()["anvilPid"])
        acknowledged += sender.acknowledged
        rpc = Rpc(chain_service.start())
        for number, block_hash in seen.items():
            assert rpc.block(hex(number))["hash"] == block_hash
        for tx_hash in acknowledged:
            receipt = rpc("eth_getTransactionReceipt", tx_hash)
            assert receipt is not None
            seen[int(receipt["blockNumber"], 16)] = receipt["blockHash"]
        head = chain_service.status()
        seen[head["number"]] = head["hash"]

    assert len(acknowledged) > len(MOMENTS)
    assert len(set(acknowledged)) == len(acknowledged)


@pytest.fixture
def stopped(chain_service: ChainService, rpc: Rpc) -> Iterator[sqlite3.Connection]:
    """The journal of a stopped chain with three transactions, open for tampering."""
    for nonce in range(3):
        rpc("eth_sendRawTransaction", transfer(nonce))
    chain_service.stop()
    database = sqlite3.connect(chain_service.home / "journal.sqlite", isolation_level=None)
    yield database
    database.close()


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("UPDATE blocks SET timestamp = timestamp + 1 WHERE number = 4", "block 4 is not the"),
        ("UPDATE blocks SET raw = NULL WHERE number = 7", "block 7 is not the"),
        ("UPDATE blocks SET credit_wei = credit_wei || '0' WHERE number = 1", "block 1 is not"),
        ("DELETE FROM blocks WHERE number = 8", "lacks block 8"),
        ("UPDATE facts SET value = '1' WHERE name = 'chain_id'", "does not replay"),
        ("UPDATE facts SET value = '9' WHERE name = 'version'", "another version"),
    ],
)
def test_a_journal_that_was_altered_is_refused(
    chain_service: ChainService, stopped: sqlite3.Connection, tampering: str, words: str
) -> None:
    assert stopped.execute(tampering).rowcount == 1
    stopped.close()

    with pytest.raises(ChainError, match=words):
        chain_service.start()


def test_a_block_written_down_and_never_mined_is_mined_at_start(
    chain_service: ChainService, stopped: sqlite3.Connection
) -> None:
    """The moment between the journal and the EVM."""
    number, timestamp = stopped.execute("SELECT max(number), max(timestamp) FROM blocks").fetchone()
    raw = bytes.fromhex(transfer(3)[2:])
    row = (number + 1, timestamp, raw, None, None, None)
    stopped.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)", row)
    stopped.close()

    rpc = Rpc(chain_service.start())

    assert int(rpc("eth_getTransactionCount", SENDER.address, "latest"), 16) == 4
    assert chain_service.status()["number"] == number + 1


def test_an_old_last_block_is_freshened_for_a_reader(
    chain_service: ChainService, stopped: sqlite3.Connection
) -> None:
    """`eth_call` at latest uses the last block's time; nobody shall read yesterday's."""
    stopped.execute("UPDATE facts SET value = '86400' WHERE name = 'offset'")
    stopped.close()

    rpc = Rpc(chain_service.start())

    assert abs(int(rpc.block("latest")["timestamp"], 16) - time.time() - 86_400) < 30


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    service = ChainService(tmp_path / "chain")
    service.home.mkdir()
    (service.home / "journal.sqlite").write_bytes(b"not a database at all, but long enough")

    with pytest.raises(ChainError, match="is not a chain journal"):
        service.start()


def test_two_starts_at_once_give_one_chain(tmp_path: Path) -> None:
    services = [ChainService(tmp_path / "chain") for _ in range(3)]
    urls: list[str] = []
    threads = [threading.Thread(target=lambda s=s: urls.append(s.start())) for s in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(urls) == 3
    assert len(set(urls)) == 1
    for service in services:
        service.stop()
    assert services[0].facts() is None


def test_an_evm_touched_behind_the_door_is_thrown_away(tmp_path: Path) -> None:
    """Blocks that the journal does not know vanish before the next transaction."""
    journal = Journal(tmp_path / "journal.sqlite", Genesis(31337, int(time.time())))
    miner = Miner(journal, tmp_path)

    async def scenario() -> tuple[Any, Any]:
        await miner.start()
        await miner.credit(Credit(SENDER.address, GENEROUS))
        before = miner.head
        pid = miner.anvil_pid
        await miner._call("evm_mine", [])
        await miner._call("evm_mine", [])
        await miner.submit(bytes.fromhex(transfer(0)[2:]))
        assert miner.anvil_pid != pid
        parent = await miner.forward("eth_getBlockByNumber", [hex(before[0] + 1), False])
        await miner.stop()
        return before, parent

    before, first_after = asyncio.run(scenario())
    journal.close()

    assert first_after["parentHash"] == to_hex(before[1])
    assert len(first_after["transactions"]) == 1


def test_an_evm_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "anvil"
    broken.write_text("#!/bin/sh\necho no more memory\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("MANDATE_ANVIL", str(broken))

    with pytest.raises(ChainError, match="anvil did not start: no more memory"):
        ChainService(tmp_path / "chain").start()


def test_no_evm_anywhere_is_told_with_the_way_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anvil, "_npm_candidates", lambda: iter(()))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no anvil found") as caught:
        anvil.find_anvil()
    assert "npm ci" in caught.value.next_step

    monkeypatch.setenv("MANDATE_ANVIL", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="not an executable"):
        anvil.find_anvil()


def test_nothing_is_mined_before_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a reader could see a block that a crash then takes away."""
    journal = Journal(tmp_path / "journal.sqlite", Genesis(31337, int(time.time())))
    miner = Miner(journal, tmp_path)
    order: list[str] = []
    append, call = journal.append, miner._call

    def noted_append(*arguments: Any, **options: Any) -> None:
        append(*arguments, **options)
        order.append("on disk")

    async def noted_call(method: str, params: list[Any]) -> Any:
        if method == "evm_mine":
            order.append("mined")
        return await call(method, params)

    async def scenario() -> None:
        await miner.start()
        monkeypatch.setattr(journal, "append", noted_append)
        monkeypatch.setattr(miner, "_call", noted_call)
        await miner.credit(Credit(SENDER.address, GENEROUS))
        await miner.submit(bytes.fromhex(transfer(0)[2:]))
        await miner.advance(60)
        await miner.stop()

    asyncio.run(scenario())
    journal.close()

    assert order == ["on disk", "mined", "mined", "mined"] * 3
