"""`broker:///CLIENT-FILE`: the executor's key behind the broker.

Whoever runs `pulumi up` then needs no right on the key. The broker is told the message, not its
digest: it reads the chain and the document itself, and signs an order only for a mandate that
stands (`pulumi_mandate.broker`). Its answer goes through the gate as every backend's does, against
the digest that was computed here, so it cannot have signed something else.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from ..errors import SignerError
from ..models import Address, Digest, Domain, ExecutionOrder, Outcome, Renewal, to_hex
from ..svid import BrokerCaller, read_client
from ._curve import checked_address
from ._uri import KeyUri, only

KINDS: dict[type, str] = {ExecutionOrder: "order", Renewal: "renewal", Outcome: "outcome"}
"""What the broker signs, and what each is called when it is asked."""


class BrokerBackend:
    """The broker's executor key. Safe to share between threads."""

    __slots__ = ("_caller",)

    development_only = False
    """The key is the broker's, which refuses to start on a development key elsewhere."""

    def __init__(self, caller: BrokerCaller) -> None:
        self._caller = caller

    @classmethod
    def from_uri(cls, uri: KeyUri) -> BrokerBackend:
        """Raises `UsageError`, `Refused` for a client file that cannot be used."""
        only(uri)
        return cls(BrokerCaller(read_client(Path(uri.path))))

    def public_address(self) -> Address:
        answer = self._caller.ask("/v1/executor", {})
        try:
            return checked_address(str(answer["address"]))
        except KeyError:
            raise SignerError("the broker names no address of its executor") from None

    def sign_raw(self, digest: Digest) -> NoReturn:
        raise SignerError(
            "the broker signs orders, renewals and outcomes, and no digest that it cannot read",
            meaning="A digest could be of anything.",
            next_step="use the key of an account for transactions, proofs and votes",
        )

    def sign_message(
        self, domain: Domain, message: ExecutionOrder | Renewal | Outcome
    ) -> tuple[int, int]:
        """Raises `Refused` with the broker's reason, `SignerError` where it cannot be asked."""
        question = {"kind": KINDS[type(message)], "message": as_json(message)}
        answer = self._caller.ask("/v1/sign", question)
        try:
            signature = bytes.fromhex(str(answer["signature"]).removeprefix("0x"))
        except (KeyError, ValueError):
            signature = b""
        if len(signature) != 65:
            raise SignerError("the broker returned something that is no signature")
        return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")

    def __repr__(self) -> str:
        return "BrokerBackend()"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised")


def as_json(message: ExecutionOrder | Renewal | Outcome) -> dict[str, Any]:
    """Its members by name; digests as 0x and hex digits."""
    return {
        name: to_hex(Digest(value)) if isinstance(value, bytes) else value
        for name, value in asdict(message).items()
    }
