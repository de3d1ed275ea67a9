"""The emergency path: a plan that the council approves at once, and what is owed for it.

As with the council's calls, the signatures stand in one small file that goes from seat to seat.
What they sign is all in the plan's document (plan hash, incident, reason), so a file says nothing
of its own but its deadline:

(1) place      of this chain, for the gate of the trust file
(2) order      for the plan whose document the seat has read
(3) time       before its deadline
(4) signatures of seats, each once, over this order
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pulumi_mandate.chain import Account, BlockRef, ChainClient, Log, Receipt
from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.governance.council import Council, in_order
from pulumi_mandate.governance.refusals import explained
from pulumi_mandate.governance.registry import solidity
from pulumi_mandate.models import (
    ZERO,
    Address,
    Digest,
    EmergencyOrder,
    Plan,
    Tier,
    checksum,
    digest,
    emergency_digest,
    keccak,
    to_hex,
)
from pulumi_mandate.models import plan_hash as hash_of
from pulumi_mandate.signing import SeatKey

VALID_FOR = 6 * 3600
"""Seconds from the first signature: what the seats looked at is as old as that."""
MOST_PLANS = 3
"""For one incident: the first, and two more by the full council."""
_VERSION = 1
_ANEW = "begin anew, with a file that does not exist yet"


def incident_id(name: str) -> Digest:
    """What the chain calls an incident: its name in ASCII, filled up with zeros."""
    return digest(name.encode("ascii").ljust(32, b"\0"))


def incident_name(incident: Digest) -> str:
    """The name again; in hexadecimal where it is none that we would have given."""
    text = incident.rstrip(b"\0")
    plain = text.isascii() and all(chr(byte).isalnum() or byte in b"._-" for byte in text)
    return text.decode() if plain and text else to_hex(incident)


@dataclass(frozen=True, slots=True)
class Declaration:
    """An order, and the seats that have signed it."""

    order: EmergencyOrder
    signatures: Mapping[Address, bytes] = field(default_factory=dict)

    def text(self) -> str:
        """The file's content; `read_declaration` reads it back to an equal value."""
        content = {
            "version": _VERSION,
            "chainId": self.order.chain_id,
            "emergencyGate": self.order.gate,
            "planHash": to_hex(self.order.plan_hash),
            "incident": to_hex(self.order.incident),
            "reason": to_hex(self.order.reason),
            "deadline": self.order.deadline,
            "signatures": {seat: to_hex(made) for seat, made in self.signatures.items()},
        }
        return json.dumps(content, indent=1) + "\n"


def read_declaration(text: str) -> Declaration:
    """Raises `UsageError` for anything that is not one."""
    try:
        content: Any = json.loads(text)
        if content.pop("version") != _VERSION:
            raise ValueError("its version is unknown")
        signatures = content.pop("signatures")
        order = EmergencyOrder(
            chain_id=int(content.pop("chainId")),
            gate=checksum(content.pop("emergencyGate")),
            plan_hash=digest(content.pop("planHash")),
            incident=digest(content.pop("incident")),
            reason=digest(content.pop("reason")),
            deadline=int(content.pop("deadline")),
        )
        made = {
            checksum(seat): bytes.fromhex(one.removeprefix("0x"))
            for seat, one in signatures.items()
        }
        if content:
            raise ValueError(f"it holds {min(content)!r}, which means nothing here")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"this is no declaration of an emergency: {error}", next_step=_ANEW
        ) from error
    return Declaration(order, made)


@dataclass(frozen=True, slots=True)
class Incident:
    """The last incident, and where the path stands. Times are chain time in seconds."""

    name: str
    id: Digest
    declared: int
    """Plans it has taken; 0 where there never was an incident."""
    report: Digest | None
    report_due: int
    ratify_due: int
    open: bool
    """Something is still owed for it."""
    overdue: bool
    """Something is past its time, or came only then: no plan until the path is renewed."""
    on_until: int
    """0 while it is switched off."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One plan of the council, from the gate's event."""

    incident: Digest
    plan_hash: Digest
    subject: Digest
    obligation: Digest
    reason: Digest
    seats: int
    out_of: int
    block_number: int
    transaction: Digest


class EmergencyPath:
    """Reads and writes of the gate, on one chain."""

    def __init__(self, client: ChainClient) -> None:
        self._client = client
        self._council = Council(client)

    # -- reading ----------------------------------------------------------------------------

    def incident(self) -> Incident:
        """The last one; `declared` is 0 where there never was one."""
        ask = self._client.call
        found = ask("emergency_gate", "incident")
        report = digest(found["report"])
        return Incident(
            name=incident_name(digest(found["id"])) if found["declared"] else "",
            id=digest(found["id"]),
            declared=found["declared"],
            report=None if report == ZERO else report,
            report_due=found["reportDue"],
            ratify_due=found["ratifyDue"],
            open=ask("emergency_gate", "isOpen"),
            overdue=ask("emergency_gate", "isOverdue"),
            on_until=ask("emergency_gate", "onUntil"),
        )

    def declared(self, until: BlockRef | None = None, **where: Digest) -> list[Declared]:
        """Every plan that the council approved, oldest first; by `incident` or `planHash`.

        With `until` every endpoint must agree.
        """
        events = self._client.logs("emergency_gate", "EmergencyDeclared", where, until=until)
        return [_declared(event) for event in events]

    def acknowledged(self, incident: Digest) -> list[Address]:
        """Who said that he saw the notice, in order."""
        where = {"incident": incident}
        events = self._client.logs("emergency_gate", "NoticeAcknowledged", where)
        return [Address(event.arguments["by"]) for event in events]

    def ratification(self, obligation: Digest) -> int:
        """The id of the proposal, made or to be made, that would let it go."""
        return int(self._client.call("emergency_gate", "ratification", obligation)[2])

    def needed(self, incident: Digest) -> int:
        """How many seats have to sign: two thirds, or all of them for a further plan."""
        seats = int(self._client.call("council", "getSignerCount"))
        last = self.incident()
        return seats if last.open and last.id == incident else -(-2 * seats // 3)

    # -- declaring --------------------------------------------------------------------------

    def ordering(self, plan: Plan, incident: str, reason: str) -> Declaration:
        """The order for a plan, from its document; nobody has signed it yet. Raises `Refused`."""
        if plan.tier is not Tier.EMERGENCY:
            raise Refused(
                5,
                f"the plan is of tier {plan.tier.name.lower()}, and voters decide it",
                meaning="Only a document that says it is an emergency is declared.",
                next_step="mandate propose --emergency INCIDENT --reason TEXT",
                field="tier",
                expected="emergency",
                found=plan.tier.name.lower(),
            )
        trust = self._client.trust
        return Declaration(
            EmergencyOrder(
                chain_id=trust.chain_id,
                gate=trust.emergency_gate,
                plan_hash=hash_of(trust.domain, plan),
                incident=incident_id(incident),
                reason=keccak(reason.encode()),
                deadline=self._client.now() + VALID_FOR,
            )
        )

    def agree(self, wanted: Declaration, given: Declaration | None, key: SeatKey) -> Declaration:
        """`given` with one more signature: (1) to (4). Without it, `wanted` with the first.

        Raises `Refused`.
        """
        if given is not None:
            self.check(given)
            if given.order != replace(wanted.order, deadline=given.order.deadline):
                raise Refused(
                    0,
                    "the file is about another plan",
                    meaning="Signing it would approve something else, at once.",
                    next_step="ask who gave it to you; name another file to begin anew",
                )
            wanted = given
        made = key.sign_emergency(wanted.order)
        signed = replace(wanted, signatures={**wanted.signatures, key.address: made})
        self.check(signed)
        return signed

    def check(self, declaration: Declaration) -> None:
        """(1), (3) and (4). Raises `Refused`."""
        order, trust = declaration.order, self._client.trust
        if (order.chain_id, order.gate) != (trust.chain_id, trust.emergency_gate):
            raise Refused(
                0,
                "the file is for another chain or another gate",
                next_step="sign on a machine with this trust file: `mandate trust show`",
                field="emergency gate",
                expected=f"chain {trust.chain_id}, {trust.emergency_gate}",
                found=f"chain {order.chain_id}, {order.gate}",
            )
        now = self._client.now()
        if now > order.deadline:
            raise Refused(
                0,
                "the file is out of date",
                next_step=_ANEW,
                field="deadline",
                expected=f"not before {now}",
                found=str(order.deadline),
            )
        self._council.require_seats(emergency_digest(order), declaration.signatures)

    def declare(self, plan: Plan, declaration: Declaration, account: Account) -> Declared:
        """Approve, owe and propose the ratification, in one transaction. Anybody may carry it.

        Raises `Refused`, `ContractRefused`.
        """
        self.check(declaration)
        order = declaration.order
        words = (order.plan_hash, order.incident, order.reason, order.deadline)
        seats = in_order(declaration.signatures)
        self._transact(account, "declare", solidity(plan), words, *seats)
        return self.declared(planHash=order.plan_hash)[-1]

    # -- afterwards -------------------------------------------------------------------------

    def propose_ratification(self, obligation: Digest, account: Account) -> Receipt:
        """Bring a ratification before the voters that is not there. Anybody may."""
        return self._transact(account, "proposeRatification", obligation)

    def report(self, report: Digest, account: Account) -> Receipt:
        """File the report's digest; a seat's account does."""
        return self._transact(account, "report", report)

    def acknowledge(self, incident: Digest, notice: Digest, account: Account) -> Receipt:
        """Say that one has seen the notice; it is recorded, and nothing waits for it."""
        return self._transact(account, "acknowledge", incident, notice)

    def switch_off(self, account: Account) -> Receipt:
        """End the path where something is or was overdue. Anybody may."""
        return self._transact(account, "switchOff")

    def _transact(self, account: Account, function: str, *words: Any) -> Receipt:
        with explained():
            return self._client.transact(account, "emergency_gate", function, *words)


def _declared(event: Log) -> Declared:
    values = event.arguments
    return Declared(
        incident=digest(values["incident"]),
        plan_hash=digest(values["planHash"]),
        subject=digest(values["subject"]),
        obligation=digest(values["obligation"]),
        reason=digest(values["reason"]),
        seats=values["seats"],
        out_of=values["outOf"],
        block_number=event.block_number,
        transaction=event.transaction,
    )
