"""Key URIs: `scheme:///path?name=value`. Strict, because they come from a machine's trust file."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import UsageError

OPAQUE = ("pkcs11",)
"""Schemes whose path is a list of attributes: their bytes are percent-encoded one by one."""


@dataclass(frozen=True, slots=True)
class KeyUri:
    """A parsed key URI. It holds no secret: a passphrase is named by file or variable."""

    scheme: str
    path: str
    """Percent-decoded, with its leading slash; of `pkcs11` the attributes as they stand."""
    options: Mapping[str, str]


def parse_key_uri(uri: str) -> KeyUri:
    """Split a key URI; a host, a user, a fragment, a repeated or an empty option refuses.

    Raises `UsageError`. The text of the URI is not repeated in the error: somebody may have put a
    passphrase into it.
    """
    if not isinstance(uri, str):
        raise UsageError(f"a key URI is text, not a value of type {type(uri).__name__}")
    try:
        parts = urlsplit(uri)
        pairs = (
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
            if parts.query
            else []
        )
    except ValueError:
        raise UsageError("the key URI cannot be parsed", next_step=_SHAPES) from None
    options = dict(pairs)
    opaque = parts.scheme in OPAQUE
    if parts.netloc or parts.fragment or parts.path.startswith("/") is opaque or not parts.path[1:]:
        raise UsageError(
            "the key URI has a host, a fragment or no path",
            meaning=_SHAPES,
            next_step="write three slashes",
        )
    if len(options) != len(pairs) or not all(options.values()):
        raise UsageError("the key URI has a repeated or an empty option", next_step=_SHAPES)
    path = parts.path if opaque else unquote(parts.path)
    return KeyUri(parts.scheme, path, MappingProxyType(options))


def only(uri: KeyUri, *allowed: str) -> None:
    """Refuse options that the scheme does not know: a misspelt one must not be ignored."""
    if unknown := set(uri.options) - set(allowed):
        raise UsageError(
            f"the {uri.scheme} key URI has unknown options: {', '.join(sorted(unknown))}",
            meaning=f"Known are: {', '.join(allowed)}.",
        )


def is_loopback(host: str | None) -> bool:
    """Whether only this machine answers there: then it is an emulator, with development keys."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


_SHAPES = (
    "awskms:///KEY-ID?region=REGION, awskms:///alias/NAME?region=REGION, "
    "gcpkms:///projects/…/cryptoKeyVersions/N, azurekeyvault:///VAULT-HOST/KEY/VERSION, "
    "keystore:///FILE?passphrase-file=FILE, broker:///CLIENT-FILE, or "
    "pkcs11:token=LABEL;object=LABEL?module-path=FILE&pin-source=file:FILE"
)
