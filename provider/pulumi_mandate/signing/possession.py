"""A key that shows that it answers: it signs a text that somebody else chose, and nothing else."""

from __future__ import annotations

from typing import NoReturn

from ..errors import SignerError
from ..models import Address, possession_digest
from ._gate import Signer


class ProofKey:
    """Signs an asker's challenge (EIP-712 `Possession`) as 65 bytes r‖s‖v."""

    __slots__ = ("__signer",)

    def __init__(self, signer: Signer) -> None:
        self.__signer = signer

    @property
    def address(self) -> Address:
        """Which key answers."""
        return self.__signer.address

    def prove(self, challenge: str) -> bytes:
        """The answer. Raises `SignerError`, above all where the key may not sign any more."""
        if type(challenge) is not str:
            raise SignerError("only a text is answered")
        return self.__signer.sign(possession_digest(self.address, challenge)).to_bytes()

    def __repr__(self) -> str:
        return f"ProofKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised", meaning="It would travel with the program.")
