"""TLS as our parts speak it: version 1.3, one authority, a certificate on both sides.

Host names are not compared: a part's name is its SPIFFE id, and `peer_of` reads that.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from pulumi_mandate.errors import SignerError, UsageError


@dataclass(frozen=True, slots=True)
class Files:
    """Where a part's identity lies, all PEM."""

    authority: Path
    """The one root that signs for our trust domain."""
    certificate: Path
    key: Path
    """Private: readable by its owner only."""


def server_context(files: Files) -> ssl.SSLContext:
    """For who is asked. A caller without a certificate of our authority ends in the handshake.

    Raises `UsageError` for files that cannot be used, `SignerError` for a key open to others.
    """
    return _context(ssl.PROTOCOL_TLS_SERVER, files)


def client_context(files: Files) -> ssl.SSLContext:
    """For who asks. Raises as `server_context`."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, files)


def _context(protocol: ssl._SSLMethod, files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        if files.key.stat().st_mode & 0o077:
            raise SignerError(
                f"the private key {files.key} is open to others",
                next_step=f"chmod 600 {files.key}, and have a new certificate issued",
            )
        context.load_verify_locations(cafile=files.authority)
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"the identity of this machine cannot be used: {type(error).__name__}",
            meaning=f"Needed are {files.authority}, {files.certificate} and {files.key}, in PEM.",
            next_step="have a certificate issued: mandate certificates issue --help",
        ) from None
    return context
