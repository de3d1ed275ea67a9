"""The scheme table: which backend answers to which URI.

One row and one file per key store. A new one passes `tests/signing/test_conformance.py` first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from types import MappingProxyType

from ..errors import SignerError, UsageError
from ..models import Address
from ._awskms import AwsKmsBackend
from ._azurekeyvault import AzureKeyVaultBackend
from ._broker import BrokerBackend
from ._curve import checked_address
from ._gate import Backend, GatedSigner, Signer
from ._gcpkms import GcpKmsBackend
from ._keystore import KeystoreBackend
from ._pkcs11 import Pkcs11Backend
from ._uri import KeyUri, parse_key_uri

SCHEMES: Mapping[str, Callable[[KeyUri], Backend]] = MappingProxyType(
    {
        "awskms": AwsKmsBackend.from_uri,
        "azurekeyvault": AzureKeyVaultBackend.from_uri,
        "gcpkms": GcpKmsBackend.from_uri,
        "broker": BrokerBackend.from_uri,
        "keystore": KeystoreBackend.from_uri,
        "pkcs11": Pkcs11Backend.from_uri,
    }
)
"""URI scheme → opener."""

UNPROVEN = frozenset({"azurekeyvault", "gcpkms"})
"""Schemes whose client has only ever spoken with a stand-in of ours."""


_CLIENTS: Mapping[str, str] = MappingProxyType(
    {
        "awskms": "boto3",
        "azurekeyvault": "azure.keyvault.keys.crypto",
        "gcpkms": "google.cloud.kms",
        "keystore": "cryptography.hazmat.primitives.ciphers",
        "pkcs11": "pkcs11",
    }
)
"""Scheme → the library that its backend imports when it is opened."""


def load_client(uri: str) -> None:
    """Import what opening this key will need, which takes up to a second; opens nothing.

    For callers that wait for something else anyway. What cannot be imported is said by
    `open_signer`.
    """
    name = _CLIENTS.get(uri.partition(":")[0])
    if name is not None:
        with suppress(ImportError):
            import_module(name)


def open_signer(uri: str, address: str) -> Signer:
    """Open a key whose address was pinned at enrolment.

    The public key is read once here, so a wrong key is found before anything is signed. There is no
    way to open a key without its address: "whatever key answers" is what an attacker would like.

    Raises `UsageError` for a URI of the wrong shape, `SignerError` for everything else.
    """
    pinned = checked_address(address)
    backend = _backend(uri)
    found = backend.public_address()
    if found != pinned:
        raise SignerError(
            f"the key is {found}, but {pinned} was enrolled",
            meaning="The alias points to another key, or the trust file names another one.",
            next_step="treat it as an incident; a rotation is a new enrolment",
        )
    return GatedSigner(backend, pinned)


def enrol(uri: str) -> tuple[str, Address]:
    """Read a key's public part once: (uri, address), to be pinned in the trust file and on chain.

    Raises `UsageError`, `SignerError`.
    """
    return uri, _backend(uri).public_address()


def _backend(uri: str) -> Backend:
    parsed = parse_key_uri(uri)
    opener = SCHEMES.get(parsed.scheme)
    if opener is None:
        raise UsageError(
            f"no key store answers to the scheme {parsed.scheme!r}",
            meaning=f"Known are: {', '.join(sorted(SCHEMES))}.",
        )
    return opener(parsed)
