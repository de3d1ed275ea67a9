"""Evidence is what every endpoint shows, about the proposal that was asked about."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from pulumi_mandate.audit.collect import Sources, collect_proposal, collect_run, last_plan_touching
from pulumi_mandate.audit.links import broken
from pulumi_mandate.audit.proposal import verify_proposal
from pulumi_mandate.chain import ChainClient
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.errors import EndpointsDisagree, Refused, UsageError
from pulumi_mandate.governance import Governor, Registry
from pulumi_mandate.models import keccak
from tests.audit.cases import ORDERS, History
from tests.chain.lying import Lie, LyingEndpoint, about, honest

pytestmark = pytest.mark.chain


def sources_of(history: History, *rpc: str) -> Sources:
    client = ChainClient(dataclasses.replace(history.deployment.trust, rpc=rpc))
    return Sources(client, Registry(client), Governor(client), history.sources.store)


def real(history: History) -> str:
    return history.deployment.trust.rpc[0]


def answer_to(history: History, contract: str, function: str) -> Lie:
    """Turn the last bit of one view's answer; the rest is honest."""
    target = history.sources.client.contract(contract)
    selector = "0x" + keccak(_signature(target.abi.function(function)))[:4].hex()

    def lie(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method != "eth_call" or not params[0]["data"].startswith(selector):
            return answer
        words = answer["result"]
        return answer | {"result": words[:-1] + f"{int(words[-1], 16) ^ 1:x}"}

    return lie


def _signature(entry: Any) -> bytes:
    from pulumi_mandate.chain.abi import signature

    return signature(entry).encode()


@pytest.mark.parametrize(
    ("contract", "function"),
    [
        ("registry", "mandate"),
        ("subjects", "subjectConfig"),
        ("critical_governor", "proposalVotes"),
    ],
)
def test_what_one_endpoint_says_alone_is_no_evidence(
    contract: str, function: str, history: History
) -> None:
    with (
        LyingEndpoint(real(history), answer_to(history, contract, function)) as liar,
        pytest.raises(EndpointsDisagree, match=f"{contract}.{function}"),
    ):
        # The liar comes first: that is the endpoint which is asked alone where one is enough.
        collect_proposal(sources_of(history, liar.url, real(history)), history.plan)


@pytest.mark.parametrize(
    "event", ["ProposalCreated", "Approved", "Begun", "VoteCast", "ExecutorEnrolled"]
)
def test_events_that_one_endpoint_hides_end_the_trace(event: str, history: History) -> None:
    client = history.sources.client
    names = ("registry", "critical_governor", "executor_registry")
    topic = next(
        "0x" + client.contract(name).abi.event_topic(event).hex()
        for name in names
        if any(e.get("name") == event for e in client.contract(name).abi.entries)
    )

    def hide(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        asked = method == "eth_getLogs" and params[0]["topics"][0] == topic
        return answer | {"result": []} if asked else answer

    with (
        LyingEndpoint(real(history), hide) as liar,
        pytest.raises(EndpointsDisagree, match=f"the {event} events"),
    ):
        collect_run(sources_of(history, liar.url, real(history)), history.plan, None)


def test_the_last_run_is_not_taken_from_one_endpoint(history: History) -> None:
    with LyingEndpoint(real(history), about("eth_getLogs", lambda _: [])) as liar:
        sources = sources_of(history, liar.url, real(history))
        with pytest.raises(EndpointsDisagree, match="the Begun events"):
            last_plan_touching(sources, ORDERS)  # type: ignore[arg-type]


def test_two_honest_endpoints_give_final_evidence(history: History) -> None:
    with LyingEndpoint(real(history), honest) as other:
        found = collect_proposal(sources_of(history, other.url, real(history)), history.plan)

    assert found.final
    links = verify_proposal(found)
    assert broken(links) is None
    assert not any("WARNING" in link.detail for link in links)


# -- several proposals, young proposals ---------------------------------------------------------


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """One plan that its proposer proposed, and another one again in words of her own."""
    folder = tmp_path_factory.mktemp("twice")
    service = ChainService(folder / "chain")
    service.start()
    made = History.start(service, folder / "store")
    made.propose()
    ana, client = made.deployment.people["ana"], made.sources.client
    first, registry = made.sources.governor.created(1), client.contract("registry")
    text = f"Harmless\n\n#proposer={ana.address}"
    client.transact(ana, first.governor, "propose", [registry.address], [0], [first.calldata], text)
    yield made
    service.stop()


def test_the_proposal_that_was_asked_about_is_verified(twice: History) -> None:
    first = collect_proposal(twice.sources, twice.plan, 1)
    second = collect_proposal(twice.sources, twice.plan, 2)
    by_id = collect_proposal(twice.sources, twice.plan, second.proposal.id)

    assert broken(verify_proposal(first)) is None
    assert (second.proposal.number, by_id.proposal.number) == (2, 2)
    bad = {link.name for link in verify_proposal(second) if not link.ok}
    assert bad == {"text", "proposer"}


def test_a_number_that_stands_for_another_plan_is_refused(twice: History) -> None:
    document = twice.document
    other = keccak(b"another plan")
    twice.sources.store.link(other, document.digest)

    with pytest.raises(Refused, match="proposal 1 approves another plan"):
        collect_proposal(twice.sources, other, 1)
    with pytest.raises(UsageError, match="nobody proposed"):
        collect_proposal(twice.sources, twice.plan, 3)


def test_a_young_proposal_is_verified_with_a_warning(twice: History) -> None:
    before = twice.sources.governor.created(1).block_number - 1

    def lag(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_getBlockByNumber" and params[0] == "finalized":
            return answer | {"result": answer["result"] | {"number": hex(before)}}
        return answer

    with LyingEndpoint(real(twice), lag) as slow:
        found = collect_proposal(sources_of(twice, real(twice), slow.url), twice.plan, 1)

    links = verify_proposal(found)
    assert not found.final
    assert broken(links) is None
    [identity] = [link for link in links if link.name == "identity"]
    assert f"not final yet, all endpoints show it at block {found.block.number}" in identity.detail


def test_a_young_proposal_that_one_endpoint_shows_is_no_evidence(twice: History) -> None:
    before = twice.sources.governor.created(1).block_number - 1

    def lie(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_getBlockByNumber" and params[0] == "finalized":
            return answer | {"result": answer["result"] | {"number": hex(before)}}
        return answer | {"result": []} if method == "eth_getLogs" else answer

    with (
        LyingEndpoint(real(twice), lie) as liar,
        pytest.raises(EndpointsDisagree, match="ProposalCreated"),
    ):
        collect_proposal(sources_of(twice, real(twice), liar.url), twice.plan, 1)
