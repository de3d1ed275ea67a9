"""The executor's key: it signs the protocol's three messages and knows no other verb."""

from __future__ import annotations

from typing import NoReturn

from ..errors import SignerError
from ..models import Address, Domain, ExecutionOrder, Outcome, Renewal, signing_digest
from ._gate import Signer


class ExecutorKey:
    """Signs `ExecutionOrder`, `Renewal` and `Outcome` (EIP-712), each as 65 bytes r‖s‖v.

    There is no method that takes a digest, a text or a transaction. The digest of a message starts
    from 0x1901 and the registry's own domain, so it is never the digest of a transaction (0x02).

    Raises `SignerError` where the backend is for development and `development` is not True.
    """

    __slots__ = ("__signer",)

    def __init__(self, signer: Signer, *, development: bool = False) -> None:
        if signer.development_only and development is not True:
            raise SignerError(
                f"the executor's key {signer.address} is in a development backend",
                meaning="A keystore file or an emulated KMS can be read by whoever runs this "
                "process. It may sign orders on a development chain only.",
                next_step="enrol a key in AWS KMS, or set development = true in the trust file "
                "of a development chain",
            )
        self.__signer = signer

    @property
    def address(self) -> Address:
        """The enrolled executor's address."""
        return self.__signer.address

    def sign_order(self, domain: Domain, order: ExecutionOrder) -> bytes:
        """The signature that spends a mandate. Raises `SignerError`."""
        return self.__sign(domain, order, ExecutionOrder)

    def sign_renewal(self, domain: Domain, renewal: Renewal) -> bytes:
        """The signature that extends the lease of a run. Raises `SignerError`."""
        return self.__sign(domain, renewal, Renewal)

    def sign_outcome(self, domain: Domain, outcome: Outcome) -> bytes:
        """The signature under a statement of fact about a run. Raises `SignerError`."""
        return self.__sign(domain, outcome, Outcome)

    def __sign(
        self,
        domain: Domain,
        message: ExecutionOrder | Renewal | Outcome,
        expected: type[ExecutionOrder | Renewal | Outcome],
    ) -> bytes:
        if type(message) is not expected:
            raise SignerError(f"expected a {expected.__name__}, not a {type(message).__name__}")
        if type(domain) is not Domain:
            raise SignerError(f"expected a Domain, not a {type(domain).__name__}")
        try:
            digest = signing_digest(domain, message)
        except Exception as error:
            # eth_abi's own errors quote the value; the class is enough to find the field
            raise SignerError(
                f"the {expected.__name__} cannot be encoded ({type(error).__name__})",
                meaning="A member is missing, too large, or not 32 bytes long.",
            ) from None
        return self.__signer.sign(digest, (domain, message)).to_bytes()

    def __repr__(self) -> str:
        return f"ExecutorKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised", meaning="It would travel with the program.")
