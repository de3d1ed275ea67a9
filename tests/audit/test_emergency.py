"""Whoever looks at an emergency afterwards sees the seats' signatures, and each lie about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pulumi_mandate.audit.collect import collect_proposal, collect_run
from pulumi_mandate.audit.evidence import EmergencyEvidence, RunEvidence
from pulumi_mandate.audit.links import Broken, broken
from pulumi_mandate.audit.proposal import verify_proposal
from pulumi_mandate.audit.trace import trace
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.governance.emergency import EmergencyPath, incident_id, incident_name
from pulumi_mandate.models import Digest, emergency_digest, keccak
from pulumi_mandate.plan import summary
from pulumi_mandate.plan.assessment import emergency_tier
from pulumi_mandate.plan.document import Document
from tests.audit.cases import ORDERS, SOURCE, History, operation
from tests.chain.genesis import SEATS, SUBJECT, Person

pytestmark = pytest.mark.chain
INCIDENT, REASON = "INC-2041", "the disk is full"


class Key:
    """A seat's key as `SeatKey` offers it."""

    def __init__(self, name: str) -> None:
        self.person = Person(name)
        self.address = self.person.address

    def sign_emergency(self, order: Any) -> bytes:
        return self.person.sign_digest(emergency_digest(order))


@pytest.fixture
def evidence(chain_service: Any, tmp_path: Any) -> RunEvidence:
    made = History.start(chain_service, tmp_path / "store")
    made.document = urgent(made.document.content)
    store, fields = made.sources.store, made.document.fields()
    store.put(SOURCE.data)
    store.link(made.plan, store.put(made.document.data))
    assert broken(verify_proposal(collect_proposal(made.sources, made.plan))) is None, (
        "not declared"
    )
    client = made.deployment.client
    path = EmergencyPath(client)
    agreed = None
    for name in SEATS[:2]:
        agreed = path.agree(path.ordering(fields, INCIDENT, REASON), agreed, Key(name))  # type: ignore[arg-type]
    assert agreed is not None
    order = agreed.order
    words = (order.plan_hash, order.incident, order.reason, order.deadline)
    assert client.call("emergency_gate", "hashEmergency", words) == emergency_digest(order)
    path.declare(fields, agreed, made.deployment.people["stranger"])
    made.complete(made.begin())
    return collect_run(made.sources, made.plan, ORDERS)  # type: ignore[arg-type]


def urgent(content: dict[str, Any]) -> Document:
    rules = Rules.load().about(SUBJECT)
    operations = [operation("orders", "create", rules)]
    content = {**content, "operations": operations, "rollback": summary.rollback(operations)}
    content |= rules.state(content)
    return Document.of(content | {"tier": emergency_tier(content["tier"], INCIDENT, REASON)})


def test_every_link_holds_and_every_lie_breaks_one(evidence: RunEvidence) -> None:
    links = trace(evidence)
    assert broken(links) is None, broken(links)
    names = [link.name for link in links]
    assert "declaration" in names
    assert not {"votes", "call", "identity", "text"} & set(names)
    with pytest.raises(Broken, match="nobody voted"):
        _ = evidence.proposal.proposal

    for lie, change in LIES.items():
        emergency = evidence.proposal.emergency
        assert emergency is not None
        told = replace(evidence, proposal=replace(evidence.proposal, emergency=change(emergency)))
        first = broken(trace(told))
        assert first is not None, lie
        assert first.name == "declaration", lie
    assert_approved_otherwise(evidence)


def assert_approved_otherwise(evidence: RunEvidence) -> None:
    """Approved, and nobody shows a declaration; or in another transaction than it."""
    never = replace(evidence, proposal=replace(evidence.proposal, emergency=None))
    assert [one.name for one in trace(never) if not one.ok] == ["approval"]
    assert evidence.approved is not None
    elsewhere = replace(evidence.approved, transaction=Digest(keccak(b"elsewhere")))
    other = replace(evidence, approved=elsewhere)
    assert [one.name for one in trace(other) if not one.ok] == ["approval"]


def _declared(**changes: Any) -> Callable[[EmergencyEvidence], EmergencyEvidence]:
    return lambda found: replace(found, declared=replace(found.declared, **changes))


def _sent(**changes: Any) -> Callable[[EmergencyEvidence], EmergencyEvidence]:
    return lambda found: replace(found, sent=replace(found.sent, **changes))


def _signature(found: EmergencyEvidence) -> EmergencyEvidence:
    """The first seat's signature, one bit of it another one."""
    decoded = found.gate_abi.decode_call(found.sent.data)
    assert decoded is not None
    made = decoded[1]["signatures"][0]
    at = found.sent.data.index(made)
    data = bytearray(found.sent.data)
    data[at + 5] ^= 1
    return replace(found, sent=replace(found.sent, data=bytes(data)))


def _late(found: EmergencyEvidence) -> EmergencyEvidence:
    block = replace(found.sent.block, timestamp=found.sent.block.timestamp + 7 * 3600)
    return replace(found, sent=replace(found.sent, block=block))


LIES: dict[str, Callable[[EmergencyEvidence], EmergencyEvidence]] = {
    "another incident": _declared(incident=incident_id("INC-1")),
    "another reason": _declared(reason=keccak(b"none")),
    "another plan": _declared(plan_hash=keccak(b"none")),
    "more seats than signed": _declared(seats=3),
    "a larger council": _declared(out_of=4),
    "a transaction that failed": _sent(succeeded=False),
    "another receiver": _sent(to=Person("ana").address),
    "another call": _sent(data=b"\x00" * 4),
    "a signature of nobody": _signature,
    "after its deadline": _late,
}


def test_an_incident_s_name_is_readable_on_chain() -> None:
    assert incident_id("INC-2041") == b"INC-2041" + bytes(24)
    assert incident_name(incident_id("a" * 31)) == "a" * 31
    assert incident_name(Digest(keccak(b"x"))).startswith("0x")
    assert incident_name(Digest(bytes(32))).startswith("0x")
