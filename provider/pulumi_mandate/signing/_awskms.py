"""`awskms:///KEY?region=REGION[&endpoint=URL]`: a secp256k1 key that AWS KMS never gives away.

KEY is a key id, `alias/NAME` or an ARN. The digest is made here; KMS sees the 32 bytes only.

The role needs, on this one key: `kms:Sign` and `kms:GetPublicKey`. Bind it with the conditions
`kms:MessageType = DIGEST` and `kms:SigningAlgorithm = ECDSA_SHA_256`. The key is made with
`KeySpec=ECC_SECG_P256K1, KeyUsage=SIGN_VERIFY`; KMS does not rotate such keys, so a rotation is a
new key and a new enrolment.

Region and endpoint come from the URI alone: variables such as AWS_ENDPOINT_URL cannot lead the
signer to a stranger. Plain http is for an emulator on the loopback; it gets made-up credentials,
and the key counts as a development key.

Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
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

_KEY = re.compile(r"(alias/[A-Za-z0-9/_-]{1,250}|[A-Za-z0-9-]{1,64}|arn:[A-Za-z0-9:/_-]{1,2000})")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ALGORITHM = "ECDSA_SHA_256"
_EMULATOR_CREDENTIALS = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 10
"""Seconds. A signature takes milliseconds; somebody is waiting."""
ATTEMPTS = 3

_ACTIONS: dict[str, tuple[str, str]] = {
    "AccessDeniedException": (
        "This role may not use the key.",
        "ask the key's owner for kms:Sign and kms:GetPublicKey on it, with MessageType=DIGEST",
    ),
    "DisabledException": ("The key is disabled.", "find out who disabled it before enabling it"),
    "KMSInvalidStateException": (
        "The key is pending deletion, or not ready.",
        "find out who scheduled it; cancel the deletion or revoke the executor on chain",
    ),
    "NotFoundException": ("No such key or alias here.", "check key and region in the trust file"),
    "InvalidKeyUsageException": ("The key is not for signing.", "enrol an ECC_SECG_P256K1 key"),
    "DryRunOperationException": (
        "KMS only checked the right to sign: a dry run gives no signature.",
        "find out who made the request one; this client never does",
    ),
    "KeyUnavailableException": ("KMS cannot reach the key now.", "try again in a minute"),
    "DependencyTimeoutException": ("KMS was too slow.", "try again in a minute"),
    "KMSInternalException": ("KMS failed inside.", "try again in a minute"),
    "ThrottlingException": ("Too many requests to KMS.", "try again in a minute"),
    "LimitExceededException": ("A quota of KMS is used up.", "look at the account's quotas"),
    "ValidationException": ("KMS refused the request's form.", "report it: this is a defect here"),
    "UnrecognizedClientException": ("The credentials are not valid.", "renew the AWS session"),
    "InvalidSignatureException": ("The credentials or the clock are wrong.", "check both"),
    "ExpiredTokenException": ("The credentials have expired.", "renew the AWS session"),
}
_NO_ANSWER = (
    "Nothing was signed, or the answer was lost; nothing was used.",
    "check network and region",
)


class AwsKmsBackend:
    """One key in AWS KMS. Safe to share between threads: boto3 clients are."""

    __slots__ = ("_client", "_client_lock", "_endpoint", "_key", "_region")

    def __init__(self, key: str, region: str, endpoint: str | None, client: Any = None) -> None:
        self._key = key
        self._region = region
        self._endpoint = endpoint
        self._client = client
        self._client_lock = threading.Lock()

    @classmethod
    def from_uri(cls, uri: KeyUri) -> AwsKmsBackend:
        """Check the parts; nothing is asked of AWS yet. Raises `UsageError`."""
        only(uri, "region", "endpoint")
        key = uri.path.removeprefix("/")
        region = uri.options.get("region", "")
        if not _KEY.fullmatch(key):
            raise UsageError("the awskms key URI names no key id, alias/NAME or ARN")
        if not _REGION.fullmatch(region):
            raise UsageError(
                "the awskms key URI needs region=REGION, for example region=eu-central-1"
            )
        return cls(key, region, _checked_endpoint(uri.options.get("endpoint")))

    @property
    def development_only(self) -> bool:
        return _is_emulator(self._endpoint)

    def public_address(self) -> Address:
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        answer = self._call("get_public_key", KeyId=self._key)
        # CustomerMasterKeySpec is the older name of the same member; moto knows only that one
        spec = answer.get("KeySpec", answer.get("CustomerMasterKeySpec"))
        if spec != "ECC_SECG_P256K1" or answer.get("KeyUsage") != "SIGN_VERIFY":
            raise SignerError(
                "the KMS key is not a secp256k1 signing key",
                next_step="create one with KeySpec=ECC_SECG_P256K1, KeyUsage=SIGN_VERIFY",
            )
        try:
            public = load_der_public_key(answer["PublicKey"])
        except Exception:
            raise SignerError("KMS returned a public key that cannot be read") from None
        if not isinstance(public, EllipticCurvePublicKey) or not isinstance(
            public.curve, SECP256K1
        ):
            raise SignerError("KMS returned a public key of another curve")
        point = public.public_numbers()
        return address_of(point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"))

    def sign_raw(self, digest: Digest) -> tuple[int, int]:
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        answer = self._call(
            "sign",
            KeyId=self._key,
            Message=digest,
            MessageType="DIGEST",
            SigningAlgorithm=_ALGORITHM,
        )
        try:
            return decode_dss_signature(answer["Signature"])
        except (KeyError, TypeError, ValueError):
            raise SignerError("KMS returned something that is no DER signature") from None

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return dict(getattr(self._connect(), operation)(**arguments))
        # `from None`: botocore's texts and requests hold the digest and the caller's identity
        except ClientError as error:
            raise self._refusal(operation, error.response) from None
        except BotoCoreError as error:
            raise self._error(operation, type(error).__name__, _NO_ANSWER) from None

    def _refusal(self, operation: str, response: Any) -> SignerError:
        code = str(response.get("Error", {}).get("Code", "an unknown error"))
        request = response.get("ResponseMetadata", {}).get("RequestId", "")
        known = _ACTIONS.get(code, ("KMS refused.", "look the request id up in CloudTrail"))
        return self._error(operation, f"{code}, request {request}" if request else code, known)

    def _error(self, operation: str, what: str, texts: tuple[str, str]) -> SignerError:
        return SignerError(
            f"KMS {operation} with {self._key} in {self._region} failed: {what}",
            meaning=texts[0],
            next_step=texts[1],
        )

    def _connect(self) -> Any:
        with self._client_lock:  # making a client is not thread-safe in boto3, using one is
            if self._client is None:
                self._client = _make_client(self._region, self._endpoint)
            return self._client

    def __repr__(self) -> str:
        return f"AwsKmsBackend({self._key}, {self._region})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised")


def _make_client(region: str, endpoint: str | None) -> Any:
    import boto3
    from botocore.config import Config

    emulator = _is_emulator(endpoint)
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # the trust file alone says where the KMS is
        ignore_configured_endpoint_urls=True,
        **({"proxies": {}} if emulator else {}),
    )
    session = boto3.session.Session(
        region_name=region, **(_EMULATOR_CREDENTIALS if emulator else {})
    )
    return session.client("kms", endpoint_url=endpoint, config=config)


def _checked_endpoint(endpoint: str | None) -> str | None:
    if endpoint is None:
        return None
    parts = urlsplit(endpoint)
    whole = parts.hostname and not (parts.username or parts.query or parts.fragment)
    if whole and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    ):
        return endpoint
    raise UsageError(
        "the endpoint of the awskms key URI is neither https nor http on the loopback",
        meaning="A digest sent in the clear could be exchanged on its way.",
    )


def _is_emulator(endpoint: str | None) -> bool:
    return endpoint is not None and (
        urlsplit(endpoint).scheme == "http" or is_loopback(urlsplit(endpoint).hostname)
    )
