"""`azurekeyvault:///VAULT-HOST/KEY/VERSION`: a secp256k1 key that Azure Key Vault never gives away.

Unproven: the official client has spoken with a stand-in, never with Azure. The digest is made here;
the vault sees the 32 bytes only. The identity needs the permissions `get` and `sign` for keys. The
key is made as `EC` or `EC-HSM` on the curve `P-256K`; a version never changes, so a rotation is a
new version, a new URI and a new enrolment.

The vault's host comes from the URI alone and is one of Azure's; a host on the loopback is an
emulator, which gets a made-up token.

Source: https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign
"""

from __future__ import annotations

import re
import threading
import time
from typing import Any, NoReturn
from urllib.parse import urlsplit

from ..errors import SignerError, UsageError
from ..models import Address, Digest
from ._curve import address_of
from ._uri import KeyUri, is_loopback, only

_HOST = re.compile(
    r"[a-z0-9-]{3,24}\.(vault|managedhsm)\.(azure\.net|azure\.cn|usgovcloudapi\.net)"
)
_KEY = re.compile(
    r"(?P<host>[a-z0-9.:-]{1,100})/(?P<name>[A-Za-z0-9-]{1,127})/(?P<version>[0-9a-f]{32})"
)
_CURVE = "P-256K"
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 10
"""Seconds. A signature takes milliseconds; somebody is waiting."""
RETRIES = 2

_ACTIONS = {
    401: ("The credentials are not valid.", "renew them"),
    403: (
        "This identity may not use the key, or the key is disabled.",
        "find out who changed it; the identity needs get and sign for keys",
    ),
    404: ("No such key version here, or it was deleted.", "check the key URI in the trust file"),
    409: ("The key is being deleted or recovered.", "find out who did it before undoing it"),
    429: ("Too many requests to the vault.", "try again in a minute"),
}
_NO_ANSWER = ("Nothing was signed, or the answer was lost; nothing was used.", "check the network")


class AzureKeyVaultBackend:
    """One key version in Azure Key Vault."""

    __slots__ = ("_client", "_host", "_lock", "_name", "_version")

    def __init__(self, host: str, name: str, version: str) -> None:
        self._host, self._name, self._version = host, name, version
        self._client: Any = None
        self._lock = threading.Lock()

    @classmethod
    def from_uri(cls, uri: KeyUri) -> AzureKeyVaultBackend:
        """Check the parts; nothing is asked of Azure yet. Raises `UsageError`."""
        only(uri)
        found = _KEY.fullmatch(uri.path.removeprefix("/"))
        if found is None or not (_HOST.fullmatch(found["host"]) or _is_emulator(found["host"])):
            raise UsageError(
                "the azurekeyvault key URI names no vault, key and version",
                next_step="azurekeyvault:///NAME.vault.azure.net/KEY/VERSION",
            )
        return cls(found["host"], found["name"], found["version"])

    @property
    def development_only(self) -> bool:
        return _is_emulator(self._host)

    def public_address(self) -> Address:
        found = self._ask("get", lambda client: client.get_key(self._name, self._version))
        key = found.key
        if key.crv != _CURVE or key.kty not in ("EC", "EC-HSM"):
            raise SignerError(
                "the vault's key is not a secp256k1 signing key",
                next_step=f"create one of type EC-HSM on the curve {_CURVE}",
            )
        x, y = (part or b"" for part in (key.x, key.y))
        return address_of(x.rjust(32, b"\0") + y.rjust(32, b"\0"))

    def sign_raw(self, digest: Digest) -> tuple[int, int]:
        def sign(client: Any) -> bytes:
            from azure.keyvault.keys.crypto import SignatureAlgorithm

            crypto = client.get_cryptography_client(self._name, key_version=self._version)
            return bytes(crypto.sign(SignatureAlgorithm.es256_k, bytes(digest)).signature)

        signature = self._ask("sign", sign)
        if len(signature) != 64:
            raise SignerError("the vault returned something that is no signature")
        return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")

    def _ask(self, operation: str, act: Any) -> Any:
        try:
            return act(self._connect())
        except ImportError:
            raise SignerError(
                "the client library of Azure Key Vault is not installed",
                next_step="pip install 'pulumi-mandate[azurekeyvault]'",
            ) from None
        # `from None`: the library's texts hold the caller's identity and the request
        except Exception as error:
            status = getattr(error, "status_code", None)
            what = f"{type(error).__name__}, {status}" if status else type(error).__name__
            meaning, next_step = _ACTIONS.get(status or 0, _NO_ANSWER)
            raise SignerError(
                f"the vault's {operation} with {self._name} at {self._host} failed: {what}",
                meaning=meaning,
                next_step=next_step,
            ) from None

    def _connect(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = _make_client(self._host)
            return self._client

    def __repr__(self) -> str:
        return f"AzureKeyVaultBackend({self._host}, {self._name})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised")


def _make_client(host: str) -> Any:
    from azure.keyvault.keys import KeyClient

    emulator = _is_emulator(host)
    return KeyClient(
        vault_url=f"https://{host}",
        credential=_MadeUp() if emulator else _credential(),
        verify_challenge_resource=not emulator,
        connection_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retry_total=RETRIES,
    )


def _credential() -> Any:
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


class _MadeUp:
    """For an emulator: it must never see a real token."""

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("emulator", int(time.time()) + 3600)


def _is_emulator(host: str) -> bool:
    return is_loopback(urlsplit(f"//{host}").hostname)
