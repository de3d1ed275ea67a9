"""An attestor's key: it signs that a plan was previewed again, or its result seen, and no more."""

from __future__ import annotations

from typing import NoReturn

from ..errors import SignerError
from ..models import Address, Attestation, Domain, Observed, signing_digest
from ._gate import Signer


class AttestorKey:
    """Signs `Attestation` and `Observed` (EIP-712) as 65 bytes r‖s‖v.

    `parties` are addresses that may not attest: the plan's proposer and the executor, who would be
    their own witnesses. Raises `SignerError`.
    """

    __slots__ = ("__signer",)

    def __init__(self, signer: Signer, *, parties: tuple[Address, ...]) -> None:
        if signer.address.lower() in {party.lower() for party in parties}:
            raise SignerError(
                f"{signer.address} proposes or runs this plan, so it cannot attest it",
                meaning="An attestation is somebody else's word.",
                next_step="sign with an account that is neither proposer nor executor",
            )
        self.__signer = signer

    @property
    def address(self) -> Address:
        """Who attests."""
        return self.__signer.address

    def sign_attestation(self, domain: Domain, attestation: Attestation) -> bytes:
        """The signature under one's own preview. Raises `SignerError`."""
        if type(attestation) is not Attestation or type(domain) is not Domain:
            raise SignerError("only an Attestation in a Domain is signed")
        return self.__signer.sign(signing_digest(domain, attestation)).to_bytes()

    def sign_observed(self, domain: Domain, observed: Observed) -> bytes:
        """The signature under what one saw after a run. Raises `SignerError`."""
        if type(observed) is not Observed or type(domain) is not Domain:
            raise SignerError("only an Observed in a Domain is signed")
        return self.__signer.sign(signing_digest(domain, observed)).to_bytes()

    def __repr__(self) -> str:
        return f"AttestorKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised", meaning="It would travel with the program.")
