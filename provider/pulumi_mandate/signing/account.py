"""An account's key: runner, proposer or voter. It signs EIP-1559 transactions and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from ..errors import SignerError
from ..models import Address
from ._gate import Signer
from ._transaction import digest_of, signed

_REQUIRED = frozenset(
    {"chainId", "nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas", "value", "data"}
)
_OPTIONAL = frozenset({"to", "type", "accessList", "from"})
_COUNTS = ("chainId", "nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas", "value")
_TYPE_2 = (2, "0x2", "0x02")


class AccountKey:
    """Signs type-2 (EIP-1559) transactions of one account.

    `executor`: the subject's executor, when the caller knows it; an account with the same address
    is refused, because the order key must never be able to move money or send a call.

    Raises `SignerError`.
    """

    __slots__ = ("__signer",)

    def __init__(self, signer: Signer, *, executor: Address | None = None) -> None:
        if executor is not None and signer.address.lower() == executor.lower():
            raise SignerError(
                f"{signer.address} is the executor's key and cannot send transactions",
                meaning="One key signs orders, another pays for them; they must not be the same.",
                next_step="enrol a separate runner account",
            )
        self.__signer = signer

    @property
    def address(self) -> Address:
        """The account that pays for and sends the transaction."""
        return self.__signer.address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Raw bytes ready for `eth_sendRawTransaction`.

        `transaction` has chainId, nonce, gas, maxFeePerGas, maxPriorityFeePerGas, value (all plain
        integers, fees and value in wei), data, and `to` unless it creates a contract. An unknown or
        missing member, a legacy `gasPrice`, or a `from` that is not this account refuses.

        Raises `SignerError`.
        """
        fields = self.__checked(transaction)
        try:
            digest = digest_of(fields)
        except Exception as error:
            raise SignerError(
                f"the transaction cannot be encoded ({type(error).__name__})",
                meaning="A member has the wrong type or range.",
            ) from None
        return signed(fields, self.__signer.sign(digest))

    def __checked(self, transaction: Mapping[str, Any]) -> dict[str, Any]:
        names = set(transaction)
        if missing := _REQUIRED - names:
            raise SignerError(f"the transaction lacks {', '.join(sorted(missing))}")
        if unknown := names - _REQUIRED - _OPTIONAL:
            raise SignerError(
                f"the transaction has members that are not signed: {', '.join(sorted(unknown))}"
            )
        if transaction.get("type", 2) not in _TYPE_2:
            raise SignerError("only type-2 (EIP-1559) transactions are signed")
        for name in _COUNTS:
            value = transaction[name]
            if type(value) is not int or value < 0:
                raise SignerError(f"{name} is not a whole number")
        if transaction["chainId"] == 0:
            # chain id 0 would be valid on no chain or, by a lax node, on any
            raise SignerError("the transaction names no chain")
        sender = transaction.get("from", self.address)
        if str(sender).lower() != self.address.lower():
            raise SignerError(f"the transaction is from {sender}, the key is {self.address}")
        return {name: transaction[name] for name in names - {"from"}} | {"type": 2}

    def __repr__(self) -> str:
        return f"AccountKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised", meaning="It would travel with the program.")
