"""A releaser's key: it signs which build of the contracts is a release, and no more."""

from __future__ import annotations

from typing import NoReturn

from ..errors import SignerError
from ..models import Address, Digest, release_digest
from ._gate import Signer


class ReleaseKey:
    """Signs the digest of a release manifest (EIP-712 `Release`) as 65 bytes r‖s‖v."""

    __slots__ = ("__signer",)

    def __init__(self, signer: Signer) -> None:
        self.__signer = signer

    @property
    def address(self) -> Address:
        """Who releases."""
        return self.__signer.address

    def sign_release(self, manifest: Digest) -> bytes:
        """The signature. Raises `SignerError`."""
        return self.__signer.sign(release_digest(manifest)).to_bytes()

    def __repr__(self) -> str:
        return f"ReleaseKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised", meaning="It would travel with the program.")
