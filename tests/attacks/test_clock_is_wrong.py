"""Attack: a clock is ahead or behind, so that a mandate lives longer.

The machine's clock says nothing: it is days behind the chain's here, as in all these attacks. An
endpoint with a clock of its own is one that disagrees with the others. Where there is no other, the
contracts have the last word. The defender sees the variable that would give programs another time,
both endpoints, or the window.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.models import MandateState
from tests.chain.genesis import DAY
from tests.chain.lying import Lie, LyingEndpoint, about
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import write_trust

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def clock(seconds: int) -> Lie:
    def change(block: dict[str, Any]) -> dict[str, Any]:
        return {**block, "timestamp": hex(int(block["timestamp"], 16) + seconds)}

    return about("eth_getBlockByNumber", change)


@contextlib.contextmanager
def only_endpoint(stack: Attacked, lie: Lie) -> Iterator[None]:
    path, trust = Path(stack.environment["MANDATE_TRUST"]), stack.machine.trust
    with LyingEndpoint(trust.rpc[0], lie) as liar:
        write_trust(path, dataclasses.replace(trust, rpc=(liar.url,)))
        yield
    write_trust(path, trust)


def test_a_mandate_ends_by_the_chains_time(approved: Attacked) -> None:
    assert approved.deployment.client.now() > time.time() + DAY, "the machine's clock is behind"

    approved.environment |= {"LD_PRELOAD": "libfaketime.so.1", "FAKETIME": "-30d"}
    approved.refused(1, "LD_PRELOAD")
    del approved.environment["LD_PRELOAD"], approved.environment["FAKETIME"]
    with approved.second_endpoint(clock(-90 * DAY)):
        assert "disagree about block" in approved.up(ok=False)
    approved.untouched()
    write_trust(
        Path(approved.environment["MANDATE_TRUST"]),
        dataclasses.replace(approved.machine.trust, rpc=approved.deployment.trust.rpc),
    )
    with only_endpoint(approved, clock(90 * DAY)):
        approved.refused(3, "the mandate's window is over")

    approved.deployment.advance(8 * DAY)
    with only_endpoint(approved, clock(-30 * DAY)):
        assert "refused at step 3: the mandate is expired" in approved.up(ok=False)
    assert tuple(approved.calls()) == approved.done
    assert approved.mandate(approved.plan_hash).state is MandateState.EXPIRED
