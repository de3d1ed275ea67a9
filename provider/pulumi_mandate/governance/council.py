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
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pulumi_mandate.chain import Account, ChainClient, Receipt
from pulumi_mandate.chain.abi import Abi, checksum
from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.governance.refusals import explained
from pulumi_mandate.models import Address, CouncilCall, Digest, council_digest, keccak
from pulumi_mandate.signing import SeatKey, recover

VALID_FOR = 86_400
"""Seconds from the first signature; then the seats have to agree anew."""
_VERSION = 1


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
        for seat, signature in agreement.signatures.items():
            self._require_seat(seat)
            if recover(council_digest(call), signature).lower() != seat.lower():
                raise Refused(
                    0,
                    f"the signature of {seat} is not by that seat",
                    meaning="The file was changed after it was signed.",
                    next_step="begin anew, with a file that does not exist yet",
                )

    def act(self, agreement: Agreement, account: Account) -> Receipt:
        """Carry what enough seats agreed on. Raises `Refused`, `ContractRefused`."""
        from eth_abi.abi import encode

        self.check(agreement)
        call, council = agreement.call, self._client.contract("council")
        # Of a key with a seat: ERC-7913 names an account by its 20 bytes.
        seats = sorted((bytes.fromhex(seat[2:]) for seat in agreement.signatures), key=keccak)
        by_bytes = {bytes.fromhex(seat[2:]): made for seat, made in agreement.signatures.items()}
        packed = encode(["bytes[]", "bytes[]"], [seats, [by_bytes[seat] for seat in seats]])
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

    def _require_seat(self, seat: Address) -> None:
        if not self._client.call("council", "isSigner", bytes.fromhex(seat[2:])):
            raise Refused(
                0,
                f"{seat} has no seat in the council",
                meaning="Only its members say yes for it.",
                next_step="`mandate trust show` names the council; sign with a member's key",
            )

    def _abi_with_target(self, target: Address) -> Abi:
        """What the council or the function that it calls may refuse with."""
        names = ("registry", "executor_registry")
        contracts = [self._client.contract(name) for name in names]
        called = [entry for one in contracts if one.address == target for entry in one.abi.entries]
        return Abi((*self._client.contract("council").abi.entries, *called))
