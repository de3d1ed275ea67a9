"""SPIFFE ids, and what a certificate must look like before its id is believed.

TLS checks the chain and the dates. It does not check what makes a certificate an identity of ours:
exactly one URI, of our trust domain, on a leaf that can sign nothing else and does not live long.

Sources: https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md and X509-SVID.md there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from pulumi_mandate.errors import Refused

if TYPE_CHECKING:
    from cryptography import x509

MAX_BYTES = 2048
_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+")
_Extension = TypeVar("_Extension", bound="x509.ExtensionType")


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """`spiffe://trust-domain/path` of a part; an id without a path names a domain and no part."""

    domain: str
    path: str
    """With its leading slash."""

    @classmethod
    def parse(cls, text: str) -> SpiffeId:
        """Strict: nothing is lower-cased, decoded or shortened. Raises `ValueError`."""
        if not isinstance(text, str) or not text.startswith("spiffe://"):
            raise ValueError("a SPIFFE id begins with spiffe://")
        domain, slash, path = text.removeprefix("spiffe://").partition("/")
        segments = path.split("/")
        if not _DOMAIN.fullmatch(domain):
            raise ValueError("the trust domain of the SPIFFE id is malformed")
        if not slash or not all(
            _SEGMENT.fullmatch(one) and one not in (".", "..") for one in segments
        ):
            raise ValueError("the path of the SPIFFE id is missing or malformed")
        if len(text.encode()) > MAX_BYTES:
            raise ValueError("the SPIFFE id is too long")
        return cls(domain, f"/{path}")

    def __str__(self) -> str:
        return f"spiffe://{self.domain}{self.path}"


def peer_of(certificate: bytes, domain: str, longest: timedelta) -> SpiffeId:
    """Who presented this certificate (DER) in a handshake that verified its chain and its dates.

    `longest` is how long a certificate may live from its first to its last second: nobody revokes
    one, so a short life is what ends a stolen one. Raises `Refused`.
    """
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(certificate)
        _check_leaf(found)
        identity = SpiffeId.parse(_only_uri(found))
    except (ValueError, x509.ExtensionNotFound) as error:
        reason = "an extension is missing" if not isinstance(error, ValueError) else str(error)
        raise _stranger(f"the certificate is no identity of ours: {reason}") from None
    if identity.domain != domain:
        raise _stranger(f"{identity} is of another trust domain than {domain}")
    if found.not_valid_after_utc - found.not_valid_before_utc > longest:
        raise _stranger(f"the certificate of {identity} lives longer than {longest}")
    return identity


def _only_uri(certificate: x509.Certificate) -> str:
    from cryptography import x509

    names = list(_extension(certificate, x509.SubjectAlternativeName))
    if len(names) != 1 or not isinstance(names[0], x509.UniformResourceIdentifier):
        raise ValueError(f"it has {len(names)} names, where one SPIFFE id is wanted")
    return names[0].value


def _check_leaf(certificate: x509.Certificate) -> None:
    """It identifies, for a client or a server, and signs nothing."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    usage = _extension(certificate, x509.KeyUsage)
    if _extension(certificate, x509.BasicConstraints).ca or usage.key_cert_sign or usage.crl_sign:
        raise ValueError("it may sign other certificates")
    if not usage.digital_signature:
        raise ValueError("its key may not sign a handshake")
    purposes = set(_extension(certificate, x509.ExtendedKeyUsage))
    if not purposes & {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}:
        raise ValueError("it is for something else than TLS")


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension:
    return certificate.extensions.get_extension_for_class(kind).value


def _stranger(happened: str) -> Refused:
    return Refused(
        0,
        happened,
        meaning="Nobody is let in by a certificate that does not say exactly who he is.",
        next_step="have one issued: mandate certificates issue --help",
    )
