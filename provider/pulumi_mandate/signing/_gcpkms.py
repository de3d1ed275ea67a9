"""`gcpkms:///projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N[?endpoint=URL]`: a
secp256k1 key that Google Cloud KMS never gives away.

Unproven: the official client has spoken with a stand-in, never with Google. The digest is made
here; KMS sees the 32 bytes only. The account needs `cloudkms.cryptoKeyVersions.useToSign` and
`cloudkms.cryptoKeyVersions.viewPublicKey` on this key. It is made with the algorithm
`EC_SIGN_SECP256K1_SHA256` and protection level HSM; a version never changes, so a rotation is a new
version, a new URI and a new enrolment.

The address of the service is Google's whatever the environment says; `endpoint` is for an emulator
on the loopback alone, which gets no credentials.

Source: https://cloud.google.com/kms/docs/reference/rpc/google.cloud.kms.v1
"""

from __future__ import annotations

import re
import threading
from typing import Any, NoReturn
from urllib.parse import urlsplit

from ..errors import SignerError, UsageError
from ..models import Address, Digest
from ._curve import address_of
from ._uri import KeyUri, is_loopback, only

_PART = r"[A-Za-z0-9_.:-]{1,100}"
_KEY = re.compile(
    rf"projects/{_PART}/locations/{_PART}/keyRings/{_PART}/cryptoKeys/{_PART}"
    r"/cryptoKeyVersions/[1-9][0-9]{0,9}"
)
_ALGORITHM = "EC_SIGN_SECP256K1_SHA256"
_SERVICE = "cloudkms.googleapis.com"
TIMEOUT = 10
"""Seconds. A signature takes milliseconds; somebody is waiting."""

_ACTIONS = {
    "PermissionDenied": (
        "This account may not use the key.",
        "ask the key's owner for cloudkms.signerVerifier on it",
    ),
    "Unauthenticated": ("The credentials are not valid.", "renew them"),
    "DefaultCredentialsError": ("This machine has no Google credentials.", "give it some"),
    "FailedPrecondition": (
        "The key is disabled, scheduled for destruction, or not ready.",
        "find out who did it before undoing it",
    ),
    "NotFound": ("No such key version here.", "check the key URI in the trust file"),
    "ResourceExhausted": ("Too many requests to KMS.", "try again in a minute"),
    "DeadlineExceeded": ("KMS was too slow.", "try again in a minute"),
    "ServiceUnavailable": ("KMS cannot be reached now.", "try again in a minute"),
}


class GcpKmsBackend:
    """One key version in Google Cloud KMS. Safe to share between threads: the channel is."""

    __slots__ = ("_client", "_client_lock", "_endpoint", "_key")

    def __init__(self, key: str, endpoint: str | None) -> None:
        self._key = key
        self._endpoint = endpoint
        self._client: Any = None
        self._client_lock = threading.Lock()

    @classmethod
    def from_uri(cls, uri: KeyUri) -> GcpKmsBackend:
        """Check the parts; nothing is asked of Google yet. Raises `UsageError`."""
        only(uri, "endpoint")
        key = uri.path.removeprefix("/")
        if not _KEY.fullmatch(key):
            raise UsageError(
                "the gcpkms key URI names no key version",
                next_step="gcpkms:///projects/P/locations/L/keyRings/R/cryptoKeys/K/"
                "cryptoKeyVersions/1",
            )
        return cls(key, _emulator(uri.options.get("endpoint")))

    @property
    def development_only(self) -> bool:
        return self._endpoint is not None

    def public_address(self) -> Address:
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        answer = self._call("get_public_key", {"name": self._key})
        try:
            public = load_pem_public_key(answer.pem.encode())
        except ValueError:
            raise SignerError("Google KMS returned a public key that cannot be read") from None
        if (
            answer.algorithm.name != _ALGORITHM
            or not isinstance(public, EllipticCurvePublicKey)
            or not isinstance(public.curve, SECP256K1)
        ):
            raise SignerError(
                "the Google KMS key is not a secp256k1 signing key",
                next_step=f"create one with the algorithm {_ALGORITHM}, protection level HSM",
            )
        point = public.public_numbers()
        return address_of(point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"))

    def sign_raw(self, digest: Digest) -> tuple[int, int]:
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        # No CRC is asked for: what comes back must recover to the pinned address.
        request = {"name": self._key, "digest": {"sha256": bytes(digest)}}
        answer = self._call("asymmetric_sign", request)
        try:
            return decode_dss_signature(answer.signature)
        except ValueError:
            raise SignerError("Google KMS returned something that is no DER signature") from None

    def _call(self, operation: str, request: dict[str, Any]) -> Any:
        client = self._connect()
        try:
            return getattr(client, operation)(request=request, retry=None, timeout=TIMEOUT)
        # `from None`: the library's texts hold the caller's identity and the request
        except Exception as error:
            raise self._refusal(operation, error) from None

    def _refusal(self, operation: str, error: Exception) -> SignerError:
        kind = type(error).__name__
        meaning, next_step = _ACTIONS.get(kind, ("KMS refused.", "look into its audit log"))
        return SignerError(
            f"Google KMS {operation} with {self._key} failed: {kind}",
            meaning=meaning,
            next_step=next_step,
        )

    def _connect(self) -> Any:
        with self._client_lock:
            if self._client is None:
                try:
                    self._client = _make_client(self._endpoint)
                except ImportError:
                    raise SignerError(
                        "the client library of Google KMS is not installed",
                        next_step="pip install 'pulumi-mandate[gcpkms]'",
                    ) from None
                except Exception as error:
                    raise self._refusal("credentials", error) from None
            return self._client

    def __repr__(self) -> str:
        return f"GcpKmsBackend({self._key})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised")


def _make_client(endpoint: str | None) -> Any:
    from google.cloud.kms_v1 import KeyManagementServiceClient
    from google.cloud.kms_v1.services.key_management_service.transports import (
        KeyManagementServiceGrpcTransport,
    )

    if endpoint is None:
        # Both are set, or a variable would choose them.
        return KeyManagementServiceClient(
            client_options={"api_endpoint": _SERVICE, "universe_domain": "googleapis.com"}
        )
    from grpc import insecure_channel

    channel = insecure_channel(urlsplit(endpoint).netloc)
    return KeyManagementServiceClient(transport=KeyManagementServiceGrpcTransport(channel=channel))


def _emulator(endpoint: str | None) -> str | None:
    if endpoint is None:
        return None
    parts = urlsplit(endpoint)
    if parts.scheme == "http" and is_loopback(parts.hostname) and not parts.path.strip("/"):
        return endpoint
    raise UsageError("the endpoint of a gcpkms key URI is an emulator's: http on the loopback")
