"""The council's word: a call that enough of its seats have signed, sent by whoever signs last.

The signatures stand in one small file that goes from seat to seat. Each seat checks it before it
signs, and what is sent was checked as the chain will:

(1) place      of this chain, for the council of the trust file
(2) call       the one that the seat means, and none that the file would rather have
(3) time       the council's next call, before its deadline
(4) signatures of seats, each once, over this call
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pulumi_mandate.chain import Account, ChainClient, Log, Receipt
from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.governance.refusals import explained
from pulumi_mandate.models import (
    ZERO,
    Address,
    CouncilCall,
    Digest,
    checksum,
    council_digest,
    digest,
    keccak,
)
from pulumi_mandate.signing import SeatKey, recover

VALID_FOR = 86_400
"""Seconds from the first signature; then the seats have to agree anew."""
_VERSION = 1
ADDRESS_BYTES = 20


@dataclass(frozen=True, slots=True)
class Agreement:
    """A call, and the seats that have signed it."""

    call: CouncilCall
    signatures: Mapping[Address, bytes] = field(default_factory=dict)

    def text(self) -> str:
        """The file's content; `read_agreement` reads it back to an equal value."""
        content = {
            "version": _VERSION,
            "chainId": self.call.chain_id,
            "council": self.call.council,
            "target": self.call.target,
            "data": "0x" + self.call.data.hex(),
            "nonce": self.call.nonce,
            "deadline": self.call.deadline,
            "signatures": {seat: "0x" + made.hex() for seat, made in self.signatures.items()},
        }
        return json.dumps(content, indent=1) + "\n"


def read_agreement(text: str) -> Agreement:
    """Raises `UsageError` for anything that is not one."""
    try:
        content: Any = json.loads(text)
        if content.pop("version") != _VERSION:
            raise ValueError("its version is unknown")
        signatures = content.pop("signatures")
        call = CouncilCall(
            chain_id=int(content.pop("chainId")),
            council=checksum(content.pop("council")),
            target=checksum(content.pop("target")),
            data=bytes.fromhex(content.pop("data").removeprefix("0x")),
            nonce=int(content.pop("nonce")),
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
            f"this is no agreement of a council: {error}",
            next_step="begin another: name a file that does not exist yet",
        ) from error
    return Agreement(call, made)


@dataclass(frozen=True, slots=True)
class Rotation:
    """Other seats, announced: ERC-7913 keys, how many act then, and from when (chain time)."""

    added: Sequence[bytes]
    removed: Sequence[bytes]
    threshold: int
    ready_at: int


def in_order(signatures: Mapping[Address, bytes]) -> tuple[list[bytes], list[bytes]]:
    """(seats, their signatures), in the order that the chain wants.

    Of a key with a seat: ERC-7913 names an account by its 20 bytes.
    """
    by_seat = {bytes.fromhex(seat[2:]): made for seat, made in signatures.items()}
    seats = sorted(by_seat, key=keccak)
    return seats, [by_seat[seat] for seat in seats]


class Council:
    """Agreeing and acting, on one chain."""

    def __init__(self, client: ChainClient) -> None:
        self._client = client

    @property
    def threshold(self) -> int:
        """How many seats have to agree."""
        return int(self._client.call("council", "threshold"))

    def cosigning(self, plan_hash: Digest) -> Agreement:
        """The yes to a plan of a tier that wants it; nobody has signed it yet."""
        return self._new("registry", "cosign", plan_hash)

    def admitting(self, executor: Address) -> Agreement:
        """The yes to an executor's key that was voted for; nobody has signed it yet."""
        return self._new("executor_registry", "admit", executor)

    def announcing(
        self, added: Sequence[Address], removed: Sequence[Address], threshold: int
    ) -> Agreement:
        """Other seats, to be made after the rotation's delay; nobody has signed it yet."""
        seats = [[bytes.fromhex(one[2:]) for one in some] for some in (added, removed)]
        return self._new("council", "announceRotation", *seats, threshold)

    def cancelling(self) -> Agreement:
        """No rotation after all; nobody has signed it yet."""
        return self._new("council", "cancelRotation")

    def members(self) -> list[Address]:
        """Whose seats there are; a key that is no account is left as the chain has it."""
        count = int(self._client.call("council", "getSignerCount"))
        return [_account(one) for one in self._client.call("council", "getSigners", 0, count)]

    def rotation(self) -> Rotation | None:
        """What is announced, from the event of it; None where nothing is."""
        rotation, ready_at = self._client.call("council", "announced")
        if digest(rotation) == ZERO:
            return None
        made = self._client.logs("council", "RotationAnnounced")[-1].arguments
        return Rotation(made["added"], made["removed"], made["threshold"], ready_at)

    def rotate(self, account: Account) -> Receipt:
        """Make the announced rotation, once its delay is over. Anybody may. Raises `Refused`."""
        found = self.rotation()
        if found is None:
            raise Refused(
                0,
                "no rotation of the council is announced",
                next_step="mandate council rotate --add ADDRESS --file FILE --as SEAT",
            )
        words = (found.added, found.removed, found.threshold)
        with explained():
            return self._client.transact(account, "council", "rotate", *words)

    def trail(self) -> list[Log]:
        """Every call of the council and every change of its seats, oldest first."""
        names = ("Acted", "RotationAnnounced", "RotationCancelled", "RotationMade")
        found = [log for name in names for log in self._client.logs("council", name)]
        return sorted(found, key=lambda log: (log.block_number, log.index))

    def agree(self, wanted: Agreement, given: Agreement | None, key: SeatKey) -> Agreement:
        """`given` with one more signature: (1) to (4). Without it, `wanted` with the first.

        Raises `Refused`.
        """
        if given is not None:
            self.check(given)
            ours, theirs = wanted.call, given.call
            if (ours.target, ours.data) != (theirs.target, theirs.data):
                raise Refused(
                    0,
                    "the file is about another call of the council",
                    meaning="Signing it would say yes to something else.",
                    next_step="ask who gave it to you; name another file to begin anew",
                )
            wanted = given
        signed = replace(
            wanted, signatures={**wanted.signatures, key.address: key.sign_call(wanted.call)}
        )
        self.check(signed)
        return signed

    def check(self, agreement: Agreement) -> None:
        """(1), (3) and (4). Raises `Refused`."""
        call, trust = agreement.call, self._client.trust
        if (call.chain_id, call.council) != (trust.chain_id, trust.council):
            raise Refused(
                0,
                "the file is for another chain or another council",
                next_step="sign on a machine with this trust file: `mandate trust show`",
                field="council",
                expected=f"chain {trust.chain_id}, {trust.council}",
                found=f"chain {call.chain_id}, {call.council}",
            )
        nonce, now = int(self._client.call("council", "nonce")), self._client.now()
        if call.nonce != nonce or now > call.deadline:
            raise Refused(
                0,
                "the file is out of date",
                meaning="The council has acted meanwhile, or its deadline is over.",
                next_step="begin anew, with a file that does not exist yet",
                field="nonce",
                expected=f"{nonce}, before {now}",
                found=f"{call.nonce}, until {call.deadline}",
            )
        self.require_seats(council_digest(call), agreement.signatures)

    def act(self, agreement: Agreement, account: Account) -> Receipt:
        """Carry what enough seats agreed on. Raises `Refused`, `ContractRefused`."""
        from eth_abi.abi import encode

        self.check(agreement)
        call, council = agreement.call, self._client.contract("council")
        packed = encode(["bytes[]", "bytes[]"], in_order(agreement.signatures))
        words = (call.target, call.data, call.nonce, call.deadline)
        self._client.check()
        with explained():
            return self._client.send(
                account,
                council.address,
                council.abi.encode_call("act", (words, packed)),
                doing="council.act",
                abi=self._abi_with_target(call.target),
            )

    def _new(self, contract: str, function: str, *arguments: Any) -> Agreement:
        target, trust = self._client.contract(contract), self._client.trust
        return Agreement(
            CouncilCall(
                chain_id=trust.chain_id,
                council=trust.council,
                target=target.address,
                data=target.abi.encode_call(function, arguments),
                nonce=int(self._client.call("council", "nonce")),
                deadline=self._client.now() + VALID_FOR,
            )
        )

    def require_seats(self, signed: Digest, signatures: Mapping[Address, bytes]) -> None:
        """(4) each by a member, over `signed`. Raises `Refused`."""
        for seat, signature in signatures.items():
            if not self._client.call("council", "isSigner", bytes.fromhex(seat[2:])):
                raise Refused(
                    0,
                    f"{seat} has no seat in the council",
                    meaning="Only its members say yes for it.",
                    next_step="`mandate council show` names them; sign with a member's key",
                )
            if recover(signed, signature).lower() != seat.lower():
                raise Refused(
                    0,
                    f"the signature of {seat} is not by that seat",
                    meaning="The file was changed after it was signed.",
                    next_step="begin anew, with a file that does not exist yet",
                )

    def _abi_with_target(self, target: Address) -> Abi:
        """What the council or the function that it calls may refuse with."""
        names = ("registry", "executor_registry")
        contracts = [self._client.contract(name) for name in names]
        called = [entry for one in contracts if one.address == target for entry in one.abi.entries]
        return Abi((*self._client.contract("council").abi.entries, *called))


def _account(seat: bytes) -> Address:
    """Of a seat's 20 bytes; a longer key is no account."""
    text = "0x" + bytes(seat).hex()
    return checksum(text) if len(seat) == ADDRESS_BYTES else Address(text)
