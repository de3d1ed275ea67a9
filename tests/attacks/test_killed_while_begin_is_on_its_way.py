"""kill -9 after `begin` was sent and before it is mined: whatever becomes of the transaction, the
mandate is spent once, by one run, and the next command goes on.

A development chain mines at once, so an endpoint between it and the gate keeps the transaction.
"""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.gate.closing import finish_run
from pulumi_mandate.models import MandateState, keccak, to_hex
from tests.chain.lying import LyingEndpoint
from tests.plugins.gate_fixtures import Governed, wait_until, write_trust

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True

SEND = "eth_sendRawTransaction"


class Mempool:
    """Keeps what is sent, as a node does whose blocks are full: known, pending, not mined."""

    def __init__(self) -> None:
        self.full = False
        self.held: list[str] = []

    def withhold(self, method: str) -> bool:
        return self.full and method == SEND

    def answer(self, method: str, params: list[Any], honest: dict[str, Any]) -> dict[str, Any]:
        if self.withhold(method):
            self.held.append(params[0])
            return {**honest, "result": to_hex(keccak(bytes.fromhex(params[0][2:])))}
        if method == "eth_getTransactionCount" and params[1] == "pending":
            return {**honest, "result": hex(int(honest["result"], 16) + len(self.held))}
        return honest


@pytest.fixture
def mempool(governed: Governed) -> Iterator[Mempool]:
    """The gate's only endpoint from now on; the test itself asks the chain directly."""
    made = Mempool()
    trust = governed.machine.trust
    with LyingEndpoint(trust.rpc[0], made.answer, withhold=made.withhold) as endpoint:
        path = Path(governed.environment["MANDATE_TRUST"])
        write_trust(path, dataclasses.replace(trust, rpc=(endpoint.url,)))
        yield made


def killed_with_begin_on_its_way(
    governed: Governed, mempool: Mempool, *, watcher_too: bool
) -> None:
    mempool.full = True
    engine = governed.start("up", "--yes", "--skip-preview")
    wait_until(lambda: mempool.held)
    for pid in governed.watchers() if watcher_too else ():
        os.kill(pid, signal.SIGKILL)
    os.killpg(engine.pid, signal.SIGKILL)
    engine.communicate()
    governed.pulumi("cancel", "--yes")
    [folder] = governed.runs()
    assert folder.record().transaction == ""


def mine(governed: Governed, mempool: Mempool) -> None:
    mempool.full = False
    for raw in mempool.held:
        governed.deployment.client.broadcast(bytes.fromhex(raw[2:]))
    mempool.held.clear()


def goes_on(governed: Governed, plan: Any) -> None:
    """The same command finishes the same run."""
    assert governed.mandate(plan).state is MandateState.RUNNING
    assert governed.calls() == []

    output = governed.up()

    assert "resuming run" in output
    assert governed.result(status="completed")
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert governed.calls() == ["create first", "create second"]
    assert len(governed.runs()) == 1


def test_it_is_mined_after_a_person_looked(governed: Governed, mempool: Mempool) -> None:
    plan = governed.approve()
    killed_with_begin_on_its_way(governed, mempool, watcher_too=True)

    # What `mandate resume` calls.
    [folder] = governed.runs()
    assert finish_run(folder, governed.machine)["status"] == "not-begun"
    assert governed.mandate(plan).state is MandateState.APPROVED
    mine(governed, mempool)

    goes_on(governed, plan)


def test_it_is_mined_while_the_watcher_waits_for_it(governed: Governed, mempool: Mempool) -> None:
    plan = governed.approve()
    killed_with_begin_on_its_way(governed, mempool, watcher_too=False)
    [folder] = governed.runs()
    wait_until(lambda: "begin may still be mined" in folder.log.read_text())
    assert folder.result() is None
    mine(governed, mempool)
    assert governed.result(status="open")["reasons"]

    goes_on(governed, plan)


def test_it_is_never_mined(governed: Governed, mempool: Mempool) -> None:
    plan = governed.approve()
    killed_with_begin_on_its_way(governed, mempool, watcher_too=True)
    late, mempool.held = mempool.held, []
    mempool.full = False

    output = governed.up()

    assert "resuming run" not in output
    assert governed.result(status="completed")
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert governed.calls() == ["create first", "create second"]
    # Whoever kept the first one cannot spend the mandate again.
    with pytest.raises(Exception, match="nonce"):
        governed.deployment.client.broadcast(bytes.fromhex(late[0][2:]))
    never, done = governed.runs()
    assert finish_run(never, governed.machine)["status"] == "not-begun"
    assert finish_run(done, governed.machine)["status"] == "completed"
