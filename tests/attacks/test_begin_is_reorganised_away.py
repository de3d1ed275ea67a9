"""Attack: the only endpoint says that `begin` is mined, and then it is not: the block was another.

The update waited for finality before it asked for credentials or did anything, so there is nothing
to take back. The defender sees that the chain was reorganised; the mandate still stands.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.models import MandateState, checksum, keccak, to_hex
from tests.chain.lying import LyingEndpoint
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import write_trust

pytestmark = [pytest.mark.engine, pytest.mark.chain]

FORK = to_hex(keccak(b"fork"))
SEND, RECEIPT, BLOCK = "eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getBlockByNumber"


class Fork:
    """What an endpoint tells of a block that the chain then does without."""

    def __init__(self, stack: Attacked) -> None:
        self._client = stack.deployment.client
        self._sent = ""
        self._block: dict[str, str] = {}

    def answer(self, method: str, params: list[Any], honest: dict[str, Any]) -> dict[str, Any]:
        if method == SEND:
            self._sent = to_hex(keccak(bytes.fromhex(params[0][2:])))
            return honest | {"result": self._sent}
        if method == RECEIPT and params[0] == self._sent:
            return honest | {"result": self._receipt()}
        if method == BLOCK and params[0] == self._block.get("number"):
            del self._block["number"]  # told once
            return honest | {"result": honest["result"] | self._block}
        return honest

    def _receipt(self) -> dict[str, Any]:
        self._block = {"number": hex(self._client.newest_block().number), "hash": FORK}
        nobody = checksum("0x" + "07" * 20)
        return {
            "status": "0x1", "blockNumber": self._block["number"], "blockHash": FORK,
            "transactionHash": self._sent, "from": nobody, "to": nobody,
            "contractAddress": None, "gasUsed": "0x1", "logs": [],
        }  # fmt: skip


def test_nothing_was_done_on_its_strength(approved: Attacked) -> None:
    trust = approved.machine.trust
    fork = Fork(approved).answer
    with LyingEndpoint(trust.rpc[0], fork, withhold=lambda one: one == SEND) as endpoint:
        path = Path(approved.environment["MANDATE_TRUST"])
        write_trust(path, dataclasses.replace(trust, rpc=(endpoint.url,)))
        output = approved.up(ok=False)

    assert "the chain was reorganised: block" in output
    assert approved.calls() == []
    assert approved.mandate(approved.plan_hash).state is MandateState.APPROVED
