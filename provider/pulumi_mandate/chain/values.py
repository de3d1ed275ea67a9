"""What the chain layer hands out: frozen, decoded, and nothing of any library's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.models import Address, Digest


class Account(Protocol):
    """Whoever pays for a transaction. The signing layer implements it; no key is seen here."""

    @property
    def address(self) -> Address:
        """The sender."""

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Raw bytes of a type-2 transaction with exactly these members."""


@dataclass(frozen=True, slots=True)
class Contract:
    """An address and the interface it is believed to have."""

    name: str
    address: Address
    abi: Abi = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class BlockRef:
    """One block, named so that it cannot be mistaken for another one of the same height."""

    number: int
    hash: Digest
    timestamp: int
    """Seconds since the epoch, chain time."""


@dataclass(frozen=True, slots=True)
class Log:
    """A decoded event and where it stands."""

    name: str
    arguments: Mapping[str, Any]
    """By Solidity parameter name."""
    block_number: int
    block_hash: Digest
    transaction: Digest
    index: int
    """Position of the log in its block."""


@dataclass(frozen=True, slots=True)
class RawLog:
    """An event as the node gives it."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: Digest
    transaction: Digest
    index: int

    def decode(self, abi: Abi) -> Log | None:
        """None where the ABI does not know the event."""
        found = abi.decode_log(self.topics, self.data)
        if found is None:
            return None
        name, arguments = found
        return Log(
            name, arguments, self.block_number, self.block_hash, self.transaction, self.index
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """A mined transaction as it was sent: what an auditor reads again."""

    transaction: Digest
    sender: Address
    to: Address | None
    data: bytes = field(repr=False)
    succeeded: bool
    block: BlockRef


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction that did what it was asked."""

    transaction: Digest
    block: BlockRef
    sender: Address
    to: Address | None
    """None: it created `contract_address`."""
    contract_address: Address | None
    gas_used: int
    logs: tuple[RawLog, ...] = field(repr=False)

    def events(self, contract: Contract) -> list[Log]:
        """The events that `contract` emitted in this transaction, decoded."""
        mine = [log.decode(contract.abi) for log in self.logs if log.address == contract.address]
        return [log for log in mine if log is not None]
