"""The key of the internal authority: it signs certificates, and lives on a token.

Another curve than an executor's (P-256: TLS libraries take no secp256k1 in an authority), so it is
opened by itself and neither can be used in the other's place. `cryptography` builds certificates
with any `EllipticCurvePrivateKey`; this one hands the digest to the token and has no number to give
away.
"""

from __future__ import annotations

import hashlib
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ..errors import SignerError, UsageError
from ..models import Digest
from ._pkcs11 import Pkcs11Backend
from ._uri import parse_key_uri

P256 = bytes.fromhex("06082a8648ce3d030107")
"""The OID 1.2.840.10045.3.1.7 in DER, as CKA_EC_PARAMS holds it."""


class AuthorityKey(ec.EllipticCurvePrivateKey):
    """A P-256 key on a token, as `CertificateBuilder.sign` wants one."""

    def __init__(self, uri: str) -> None:
        """Log in and find the key. Raises `UsageError` for another scheme, `SignerError`."""
        parsed = parse_key_uri(uri)
        if parsed.scheme != "pkcs11":
            raise UsageError(
                "the authority's key lives on a token",
                meaning="Whoever has it can be anybody; a file is copied without a trace.",
                next_step="pkcs11:token=LABEL;object=LABEL?module-path=FILE&pin-source=file:FILE",
            )
        self._backend = Pkcs11Backend.from_uri(parsed)
        point = self._backend.point(P256, "P-256", "1.2.840.10045.3.1.7")
        self._public = ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), b"\x04" + point[-64:]
        )

    @property
    def development_only(self) -> bool:
        """True for a token made of files, and for a key that was or could be outside of one."""
        return self._backend.development_only

    @property
    def curve(self) -> ec.EllipticCurve:
        return ec.SECP256R1()

    @property
    def key_size(self) -> int:
        return 256

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """DER signature of the SHA-256 of `data`, checked. Raises `SignerError`."""
        if not isinstance(signature_algorithm.algorithm, hashes.SHA256):
            raise SignerError("the authority's key signs SHA-256 digests only")
        digest = Digest(hashlib.sha256(data).digest())
        signature = encode_dss_signature(*self._backend.sign_raw(digest))
        try:
            self._public.verify(signature, data, signature_algorithm)
        except InvalidSignature:
            raise SignerError("the token signed something else than it was given") from None
        return signature

    def exchange(self, *_: object) -> NoReturn:
        raise SignerError("the authority's key signs, and nothing else")

    def private_numbers(self) -> NoReturn:
        raise SignerError("the authority's key never leaves its token")

    def private_bytes(self, *_: object) -> NoReturn:
        raise SignerError("the authority's key never leaves its token")

    def __copy__(self) -> AuthorityKey:
        return self

    def __deepcopy__(self, memo: object) -> AuthorityKey:
        return self

    def __repr__(self) -> str:
        return f"AuthorityKey({self._backend!r})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised")
