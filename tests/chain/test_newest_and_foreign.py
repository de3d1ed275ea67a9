"""Events that were not asked for, and the newest block on which endpoints agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from pulumi_mandate.chain.client import ChainClient
from pulumi_mandate.errors import ChainError, EndpointsDisagree
from pulumi_mandate.models import keccak, to_hex
from tests.chain.genesis import Deployment
from tests.chain.lying import LyingEndpoint, about, honest

pytestmark = pytest.mark.chain
Change = Callable[[dict[str, Any]], dict[str, Any]]

FOREIGN: dict[str, Change] = {
    "another contract": lambda log: log | {"address": "0x" + "11" * 20},
    "another event": lambda log: log | {"topics": [to_hex(keccak(b"Other()")), *log["topics"][1:]]},
    "another executor": lambda log: log | {"topics": [log["topics"][0], "0x" + "11" * 32]},
    "no topic": lambda log: log | {"topics": []},
    "a block outside": lambda log: log | {"blockNumber": "0x0"},
}


def client_of(deployment: Deployment, *rpc: str) -> ChainClient:
    return ChainClient(dataclasses.replace(deployment.trust, rpc=rpc))


@pytest.mark.parametrize("case", FOREIGN)
def test_an_event_that_was_not_asked_for_is_an_error(
    case: str, shared_deployment: Deployment
) -> None:
    lie = about("eth_getLogs", lambda logs: [FOREIGN[case](log) for log in logs])
    where = {"executor": shared_deployment.people["executor"].address}
    with LyingEndpoint(shared_deployment.trust.rpc[0], lie) as liar:
        client = client_of(shared_deployment, liar.url)
        with pytest.raises(ChainError, match="an event that was not asked for"):
            client.logs("executor_registry", "ExecutorEnrolled", where)

    asked = shared_deployment.client.logs("executor_registry", "ExecutorEnrolled", where)
    assert len(asked) == 1  # the honest answer holds the event that was changed above


def test_the_newest_block_is_one_that_every_endpoint_has(shared_deployment: Deployment) -> None:
    real = shared_deployment.trust.rpc[0]
    newest = shared_deployment.client.newest_block()

    def lag(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            return answer | {"result": answer["result"] | {"number": hex(newest.number - 3)}}
        return answer

    with LyingEndpoint(real, lag) as behind, LyingEndpoint(real, honest) as other:
        found = client_of(shared_deployment, other.url, behind.url).newest_block()
        assert found.number == newest.number - 3

    fork = about("eth_getBlockByNumber", lambda b: b | {"hash": to_hex(keccak(b"fork"))})
    with (
        LyingEndpoint(real, fork) as elsewhere,
        pytest.raises(EndpointsDisagree, match="disagree about block"),
    ):
        client_of(shared_deployment, real, elsewhere.url).newest_block()
