"""The emergency path on a real chain: declared by two of three, owed for, proposed and ratified."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pulumi_mandate.errors import ContractRefused
from pulumi_mandate.governance import Governor, ProposalState, Registry, Support
from pulumi_mandate.governance.registry import solidity
from pulumi_mandate.models import Digest, MandateState, Plan, Tier, keccak, to_hex
from tests.chain.genesis import DAY, SEATS, Deployment, Person
from tests.governance.cases import a_plan, hash_of

pytestmark = pytest.mark.chain
INCIDENT, REASON, REPORT = keccak(b"the disk is full"), keccak(b"why"), keccak(b"report")


def test_an_emergency_is_approved_at_once_and_owed_for(deployment: Deployment) -> None:
    client, stranger = deployment.client, deployment.people["stranger"]
    plan = _fix(deployment, "first")

    obligation = _declare(deployment, plan, SEATS[:2])

    assert Registry(client).mandate(hash_of(deployment, plan)).state is MandateState.APPROVED
    assert client.call("obligations", "isOpen", obligation)
    proposal = Governor(client).all()[-1]
    assert (proposal.function, proposal.governor) == ("ratify", "critical_governor")
    assert proposal.proposer == client.trust.emergency_gate
    assert proposal.warnings == ()

    _ratify(deployment, proposal.number)
    assert not client.call("obligations", "isOpen", obligation)
    assert client.call("emergency_gate", "isOpen"), "the report is owed"
    with pytest.raises(ContractRefused, match="EmergencyGateCannotReport"):
        client.transact(stranger, "emergency_gate", "report", REPORT)


def test_a_second_one_takes_all_seats_and_the_same_incident(deployment: Deployment) -> None:
    _declare(deployment, _fix(deployment, "first"), SEATS[:2])
    second = _fix(deployment, "second")

    with pytest.raises(ContractRefused, match="EmergencyGateTooFewSeats"):
        _declare(deployment, second, SEATS[:2])
    with pytest.raises(ContractRefused, match="EmergencyGateOtherIncident"):
        _declare(deployment, second, SEATS, incident=keccak(b"another"))
    _declare(deployment, second, SEATS)


def test_one_seat_declares_nothing_and_the_right_wait_is_six_hours(deployment: Deployment) -> None:
    plan = _fix(deployment, "first")
    with pytest.raises(ContractRefused, match="EmergencyGateTooFewSeats"):
        _declare(deployment, plan, SEATS[:1])
    _declare(deployment, plan, SEATS[:2])

    deployment.advance(6 * 3600)

    found = Registry(deployment.client).mandate(hash_of(deployment, plan))
    assert found.state is MandateState.EXPIRED


def _fix(deployment: Deployment, salt: str) -> Plan:
    return dataclasses.replace(a_plan(deployment, salt), tier=Tier.EMERGENCY, kinds=0b11)


def _declare(
    deployment: Deployment, plan: Plan, seats: tuple[str, ...], incident: Digest = INCIDENT
) -> Digest:
    client = deployment.client
    order = {
        "planHash": hash_of(deployment, plan),
        "incident": incident,
        "reason": REASON,
        "deadline": client.now() + 600,
    }
    members = sorted((Person(name) for name in seats), key=lambda one: keccak(_key(one)))
    signatures = [_signature(deployment, one, order) for one in members]
    receipt = client.transact(
        deployment.people["stranger"],
        "emergency_gate",
        "declare",
        solidity(plan),
        order,
        [_key(one) for one in members],
        signatures,
    )
    gate = client.contract("emergency_gate")
    [declared] = [e for e in receipt.events(gate) if e.name == "EmergencyDeclared"]
    return Digest(declared.arguments["obligation"])


def _signature(deployment: Deployment, member: Person, order: dict[str, Any]) -> bytes:
    """By eth_account: a member's wallet, which knows nothing of ours."""
    from eth_account import Account

    trust = deployment.client.trust
    signed = Account.sign_typed_data(
        member.local.key,
        {
            "name": "EmergencyGate",
            "version": "1",
            "chainId": trust.chain_id,
            "verifyingContract": trust.emergency_gate,
        },
        {
            "Emergency": [
                {"name": "planHash", "type": "bytes32"},
                {"name": "incident", "type": "bytes32"},
                {"name": "reason", "type": "bytes32"},
                {"name": "deadline", "type": "uint64"},
            ]
        },
        {name: to_hex(v) if isinstance(v, bytes) else v for name, v in order.items()},
    )
    return bytes(signed.signature)


def _key(member: Person) -> bytes:
    return bytes.fromhex(member.address[2:])


def _ratify(deployment: Deployment, number: int) -> None:
    governor, people = Governor(deployment.client), deployment.people
    deployment.advance(2 * DAY + 1)
    for name in ("ana", "ben"):
        governor.vote(number, Support.FOR, people[name])
    deployment.advance(6 * DAY + 1)
    governor.queue(number, people["stranger"])
    deployment.advance(7 * DAY + 1)
    governor.execute(number, people["stranger"])
    assert governor.proposal(number).state is ProposalState.EXECUTED
