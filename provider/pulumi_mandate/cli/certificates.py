"""`mandate certificates`: the internal authority and the short-lived identities that it signs."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ._command import Call, Callback, TeachingGroup, command
from ._output import Answer

if TYPE_CHECKING:
    from cryptography import x509

    from ..signing.authority import AuthorityKey

_KEY = "'pkcs11:token=T;object=authority?module-path=/lib/hsm.so&pin-source=file:/etc/pin'"


@click.group(
    "certificates",
    cls=TeachingGroup,
    short_help="Identities of our own parts.",
    examples=(
        "mandate certificates request --key runner.key --out runner.csr",
        "mandate certificates show runner.pem",
    ),
)
def certificates() -> None:
    """SPIFFE ids in certificates that live an hour, signed by a key that stays on its token.

    Brokers and runners know each other by these. Nobody revokes one: it ends.
    """


def _file(name: str, summary: str) -> Callable[[Callback], Callback]:
    return click.option(
        f"--{name}",
        type=click.Path(path_type=Path, dir_okay=False),
        required=True,
        help=summary,
    )


_authority_key = click.option(
    "--authority-key", "uri", required=True, metavar="URI", help="The authority's key, on a token."
)


@command(
    "root",
    "Make the authority's own certificate.",
    examples=(f"mandate certificates root acme.example --authority-key {_KEY} --out ca.pem",),
)
@click.argument("domain")
@_authority_key
@_file("out", "Where the certificate goes.")
def root(call: Call, domain: str, uri: str, out: Path) -> Answer:
    """Make the self-signed certificate that every part of a trust domain is given.

    Whoever has its key can be anybody: it is made on a token and never leaves it.
    """
    from ..broker.certificates import root as make
    from ..svid import SpiffeId

    _spiffe(f"spiffe://{domain}/any", SpiffeId.parse)
    return _written(make(_open(uri), domain), out)


@command(
    "request",
    "Make a key, and a request for a certificate.",
    examples=("mandate certificates request --key runner.key --out runner.csr",),
)
@_file("key", "The private key; made where it is not there. It stays here.")
@_file("out", "Where the request goes.")
def request(call: Call, key: Path, out: Path) -> Answer:
    """Write a request to send to whoever has the authority. It asks for no name."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from ..broker.certificates import request_for

    if key.exists():
        private = _parsed(key, lambda data: serialization.load_pem_private_key(data, None))
    else:
        private = ec.generate_private_key(ec.SECP256R1())
        encoded = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(encoded)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise UsageError(f"{key} holds no key of an elliptic curve")
    out.write_bytes(request_for(private).public_bytes(serialization.Encoding.PEM))
    text = f"{out}\nnext: mandate certificates issue SPIFFE-ID --request {out}"
    return Answer({"key": str(key), "request": str(out)}, text)


@command(
    "issue",
    "Sign a request.",
    examples=(
        "mandate certificates issue spiffe://acme.example/controller --request runner.csr "
        f"--authority ca.pem --authority-key {_KEY} --out runner.pem",
    ),
)
@click.argument("identity", metavar="SPIFFE-ID")
@_file("request", "What the part sent.")
@_file("authority", "The authority's certificate.")
@_authority_key
@click.option("--minutes", type=click.IntRange(2, 1440), default=60, show_default=True)
@_file("out", "Where the certificate goes.")
def issue(  # noqa: PLR0913, PLR0917  # one argument an option
    call: Call, identity: str, request: Path, authority: Path, uri: str, minutes: int, out: Path
) -> Answer:
    """Give a part its name. Look twice at who asks: the name is what the broker believes."""
    from cryptography import x509

    from ..broker.certificates import issue as sign
    from ..svid import SpiffeId

    made = sign(
        _open(uri),
        _parsed(authority, x509.load_pem_x509_certificate),
        _parsed(request, x509.load_pem_x509_csr),
        _spiffe(identity, SpiffeId.parse),
        life=timedelta(minutes=minutes),
    )
    return _written(made, out)


@command(
    "show",
    "Say whose a certificate is, and until when.",
    examples=("mandate certificates show runner.pem",),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def show(call: Call, file: Path) -> Answer:
    """Show names, dates, fingerprint and the digest of the public key."""
    from cryptography import x509

    return _shown(_parsed(file, x509.load_pem_x509_certificate))


for _subcommand in (root, request, issue, show):
    certificates.add_command(_subcommand)


def _open(uri: str) -> AuthorityKey:
    from ..signing.authority import AuthorityKey

    return AuthorityKey(uri)


def _written(made: x509.Certificate, out: Path) -> Answer:
    from cryptography.hazmat.primitives.serialization import Encoding

    out.write_bytes(made.public_bytes(Encoding.PEM))
    return _shown(made)


def _shown(found: x509.Certificate) -> Answer:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    from ..broker.identity import key_digest

    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    data = {
        "names": uris,
        "from": found.not_valid_before_utc.isoformat(),
        "until": found.not_valid_after_utc.isoformat(),
        "fingerprint": found.fingerprint(SHA256()).hex(),
        "key": key_digest(found),
    }
    text = f"{', '.join(uris) or 'no name'}\nuntil {data['until']}\nSHA-256 {data['fingerprint']}"
    return Answer(data, f"{text}\nof its public key {data['key']}")


def _parsed(file: Path, read: Callable[[bytes], Any]) -> Any:
    try:
        return read(file.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{file} cannot be read: {type(error).__name__}") from None


def _spiffe(text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no SPIFFE id: {error}") from None
