"""A voter's key for ballots that somebody else carries: it signs ballots and nothing else."""

from __future__ import annotations

from typing import NoReturn

from ..errors import SignerError
from ..models import Address, Ballot, ballot_digest
from ._gate import Signer


class VoterKey:
    """Signs OpenZeppelin's `Ballot` (EIP-712) as 65 bytes r‖s‖v."""

    __slots__ = ("__signer",)

    def __init__(self, signer: Signer) -> None:
        self.__signer = signer

    @property
    def address(self) -> Address:
        """Who votes."""
        return self.__signer.address

    def sign_ballot(self, ballot: Ballot) -> bytes:
        """The signature under one's own ballot. Raises `SignerError`."""
        if type(ballot) is not Ballot or ballot.voter.lower() != self.address.lower():
            raise SignerError("only a Ballot of the key's own is signed")
        return self.__signer.sign(ballot_digest(ballot)).to_bytes()

    def __repr__(self) -> str:
        return f"VoterKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised", meaning="It would travel with the program.")
