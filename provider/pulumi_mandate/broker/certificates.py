"""The internal authority: it makes its own root, and signs short-lived leaves with a SPIFFE id.

Whoever wants a certificate keeps the private key and sends a request (PKCS#10) signed with it; the
name is chosen by who issues, never by the request. Nobody revokes a leaf: it lives an hour.

Source: https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.svid import SpiffeId

if TYPE_CHECKING:
    from pulumi_mandate.signing.authority import AuthorityKey

ROOT_DAYS = 366
SKEW = timedelta(minutes=1)
"""How far a clock may be behind the issuer's."""
LONGEST_LEAF = timedelta(days=1)
_OURS = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)


def request_for(key: ec.EllipticCurvePrivateKey) -> x509.CertificateSigningRequest:
    """A request: it shows that the private key is there, and asks for no name."""
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
    )


def root(key: AuthorityKey, domain: str, now: datetime | None = None) -> x509.Certificate:
    """A self-signed certificate of the authority of a trust domain."""
    now = now or datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"pulumi-mandate {domain}")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + timedelta(days=ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"spiffe://{domain}")]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )


def issue(  # noqa: PLR0913  # who signs, what was asked, what is said
    key: AuthorityKey,
    authority: x509.Certificate,
    wanted: x509.CertificateSigningRequest,
    identity: SpiffeId,
    *,
    life: timedelta,
    now: datetime | None = None,
) -> x509.Certificate:
    """A leaf that says `identity` and nothing else; `life` is from its first second to its last.

    Raises `UsageError`, `Refused`, `SignerError`.
    """
    now = now or datetime.now(UTC)
    _check_authority(key, authority, identity, now)
    _check_request(wanted)
    if not timedelta(0) < life <= LONGEST_LEAF:
        raise UsageError(f"a certificate lives at most {LONGEST_LEAF}, and longer than not at all")
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(str(identity))])
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(wanted.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(min(now - SKEW + life, authority.not_valid_after_utc))
        .add_extension(names, critical=True)  # there is no subject beside it
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_OURS), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )


def _check_authority(
    key: AuthorityKey, authority: x509.Certificate, identity: SpiffeId, now: datetime
) -> None:
    if authority.public_key() != key.public_key():
        raise UsageError("the authority's certificate is of another key than the token's")
    names = authority.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if names.get_values_for_type(x509.UniformResourceIdentifier) != [f"spiffe://{identity.domain}"]:
        raise UsageError(f"the authority is of another trust domain than {identity}")
    if now >= authority.not_valid_after_utc:
        raise UsageError(
            "the authority's certificate has expired",
            next_step="make a new one and have its rotation voted on: docs/runbooks/rotation.md",
        )


def _check_request(wanted: x509.CertificateSigningRequest) -> None:
    """Whoever asks has the private key, and it is of a kind that TLS takes."""
    try:
        key, holds = wanted.public_key(), wanted.is_signature_valid
    except (UnsupportedAlgorithm, ValueError):
        holds, key = False, None
    fits = isinstance(key, ed25519.Ed25519PublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey)
        and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1)
    )
    if not holds or not fits:
        raise Refused(
            0,
            "the request is not signed by the key it names, or the key is of another kind",
            meaning="P-256, P-384 and Ed25519 are taken.",
            next_step="make one: mandate certificates request --key FILE",
        )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
