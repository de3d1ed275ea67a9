"""What the demo's KMS needs beyond moto: digests signed as they are, keys that outlive a restart.

moto 5.2.5 ignores `MessageType=DIGEST` and hashes the digest again, so no signature of it recovers
to the key's address; it also signs with a disabled key, and it forgets every key when it stops.
`fix_digest` mends the first two and is guarded by a probe over HTTP: where moto already does it
right, nothing is patched. `KeyFolder` mends the third. This is an emulator on the loopback: whoever
owns the folder owns the keys, and the signers treat them as development keys.
"""

from __future__ import annotations

import contextvars
import hashlib
import json
import os
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import SignerError

_MESSAGE_TYPE: contextvars.ContextVar[str] = contextvars.ContextVar("MessageType", default="RAW")
_PROBE_REGION = "us-west-1"
_SPEC = "ECC_SECG_P256K1"
EMULATOR_CREDENTIALS = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}


def emulator_client(service: str, endpoint: str, region: str = "us-east-1") -> Any:
    """A boto3 client of the emulator, with made-up credentials: it must never see real ones."""
    import boto3
    from botocore.config import Config

    return boto3.session.Session(region_name=region, **EMULATOR_CREDENTIALS).client(
        service,
        endpoint_url=endpoint,
        config=Config(proxies={}, s3={"addressing_style": "path"}, retries={"mode": "standard"}),
    )


def create_executor_key(
    endpoint: str, alias: str = "alias/mandate-executor", region: str = "us-east-1"
) -> str:
    """Make a secp256k1 signing key with an alias through the KMS API, unless the alias exists.

    Returns its key URI, ready for `signing.enrol`.
    """
    client = emulator_client("kms", endpoint, region)
    try:
        client.describe_key(KeyId=alias)
    except client.exceptions.NotFoundException:
        made = client.create_key(
            KeySpec=_SPEC,
            KeyUsage="SIGN_VERIFY",
            Description="pulumi-mandate executor (development)",
        )
        client.create_alias(AliasName=alias, TargetKeyId=made["KeyMetadata"]["KeyId"])
    return f"awskms:///{alias}?region={region}&endpoint={endpoint}"


def fix_digest(endpoint: str) -> bool:
    """Patch this process's moto, which serves `endpoint`, unless it signs digests right already.

    True where the patch was needed. Raises `SignerError` where digests are still wrong afterwards:
    a demo whose signatures nobody can verify must not start.
    """
    if signs_digests(endpoint):
        return False
    _patch()
    if not signs_digests(endpoint):
        raise SignerError(
            "the emulated KMS does not sign digests as digests, and the fix for it has no effect",
            meaning="moto has changed inside; the demo's signatures would not verify.",
            next_step="install the moto version that this project pins",
        )
    return True


def signs_digests(endpoint: str) -> bool:
    """The probe: sign a known digest over HTTP and verify it against the public key, unhashed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.kms.models import kms_backends

    digest = hashlib.sha256(b"pulumi-mandate probe").digest()
    client = emulator_client("kms", endpoint, _PROBE_REGION)
    key = client.create_key(KeySpec=_SPEC, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    try:
        signature = client.sign(
            KeyId=key, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
        )["Signature"]
        public = load_der_public_key(client.get_public_key(KeyId=key)["PublicKey"])
        assert isinstance(public, ec.EllipticCurvePublicKey)  # noqa: S101  # narrows for mypy
        public.verify(signature, digest, ec.ECDSA(utils.Prehashed(SHA256())))
    except InvalidSignature:
        return False
    finally:
        kms_backends[DEFAULT_ACCOUNT_ID][_PROBE_REGION].delete_key(key)
    return True


def _patch() -> None:
    """Hand the request's MessageType to the key through a context variable, and honour it there."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from moto.kms.exceptions import ValidationException
    from moto.kms.responses import KmsResponse
    from moto.kms.utils import ECDSAPrivateKey

    algorithms = {
        "ECDSA_SHA_256": hashes.SHA256(),
        "ECDSA_SHA_384": hashes.SHA384(),
        "ECDSA_SHA_512": hashes.SHA512(),
    }

    def scheme(message: bytes, algorithm: str) -> ec.ECDSA:
        if algorithm not in algorithms:
            raise ValidationException(f"{algorithm} is no ECDSA algorithm")
        chosen = algorithms[algorithm]
        if _MESSAGE_TYPE.get() != "DIGEST":
            return ec.ECDSA(chosen)
        if len(message) != chosen.digest_size:
            raise ValidationException("Digest is invalid length for algorithm " + algorithm + ".")
        return ec.ECDSA(utils.Prehashed(chosen))

    def sign(self: Any, message: bytes, signing_algorithm: str) -> bytes:
        return bytes(self.private_key.sign(message, scheme(message, signing_algorithm)))

    def verify(self: Any, message: bytes, signature: bytes, signing_algorithm: str) -> bool:
        chosen = scheme(message, signing_algorithm)
        try:
            self.private_key.public_key().verify(signature, message, chosen)
        except InvalidSignature:
            return False
        return True

    key_class: Any = ECDSAPrivateKey
    key_class.sign = sign
    key_class.verify = verify
    for operation in ("sign", "verify"):
        setattr(KmsResponse, operation, _with_message_type(getattr(KmsResponse, operation)))


def _with_message_type(original: Any) -> Any:
    def wrapped(self: Any) -> Any:
        _refuse_unusable(self.kms_backend, self._get_param("KeyId"))
        token = _MESSAGE_TYPE.set(self._get_param("MessageType") or "RAW")
        try:
            return original(self)
        finally:
            _MESSAGE_TYPE.reset(token)

    return wrapped


def _refuse_unusable(backend: Any, key_id: str) -> None:
    """As AWS does: neither a disabled key nor one pending deletion signs anything."""
    from moto.core.exceptions import JsonRESTError

    try:
        key = backend.describe_key(key_id)
    except Exception:  # an unknown id is moto's own to answer
        return
    if key.key_state == "Disabled":
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
    if key.key_state != "Enabled":
        raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is {key.key_state}.")


class KeyFolder:
    """Keeps the emulator's secp256k1 keys, with id, aliases and state, in a folder of mode 0700.

    One JSON file a key, replaced atomically and synced before the API answers, so that an address
    which somebody was told survives kill -9. Only these keys: symmetric ones are not kept.
    """

    _CHANGES = (
        "create_key",
        "create_alias",
        "update_alias",
        "delete_alias",
        "enable_key",
        "disable_key",
        "schedule_key_deletion",
        "cancel_key_deletion",
    )

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._lock = threading.Lock()

    def attach(self) -> int:
        """Restore every kept key into this process's moto, then keep what changes from now on.

        Returns the number of keys restored. Raises `SignerError` for a file that cannot be read:
        going on without an executor's key would only fail later and less clearly.
        """
        from moto.kms.models import KmsBackend

        files = sorted(self._folder.glob("*.json"))
        for file in files:
            self._restore(file)
        for name in self._CHANGES:
            setattr(KmsBackend, name, self._keeping(getattr(KmsBackend, name)))
        return len(files)

    def _keeping(self, original: Any) -> Any:
        def changed(backend: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(backend, *args, **kwargs)
            with self._lock:
                for key in list(backend.keys.values()):
                    if key.key_spec == _SPEC and backend.region_name != _PROBE_REGION:
                        self._keep(key)
            return result

        return changed

    def _keep(self, key: Any) -> None:
        from cryptography.hazmat.primitives import serialization

        pem = key.private_key.private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        content = {
            "id": key.id,
            "account": key.account_id,
            "region": key.region,
            "description": key.description,
            "aliases": sorted(key.aliases),
            "state": key.key_state,
            "deletion": key.deletion_date.isoformat() if key.deletion_date else None,
            "created": key.creation_date,
            "pem": pem.decode(),
        }
        data = json.dumps(content, indent=1, sort_keys=True).encode()
        file = self._folder / f"{key.id}.json"
        if not file.exists() or file.read_bytes() != data:
            replace_file(file, data)

    def _restore(self, file: Path) -> None:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from moto.kms.models import kms_backends

        try:
            content = json.loads(file.read_bytes())
            backend = kms_backends[content["account"]][content["region"]]
            private = load_pem_private_key(content["pem"].encode(), password=None)
            key: Any = backend.create_key(None, "SIGN_VERIFY", _SPEC, content["description"], None)
            backend.keys.pop(key.id)
            key.id, key.private_key.private_key = content["id"], private
            key.arn = key.arn.rsplit("/", 1)[0] + "/" + key.id
            key.key_state, key.enabled = content["state"], content["state"] == "Enabled"
            key.creation_date = content["created"]
            if content["deletion"]:
                key.deletion_date = datetime.fromisoformat(content["deletion"])
            backend.keys[key.id] = key
            for alias in content["aliases"]:
                backend.create_alias(key.id, alias)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SignerError(
                f"the kept key {file.name} cannot be restored ({type(error).__name__})",
                next_step="restore the file from a copy, or move it away and enrol a new executor",
            ) from None


def replace_file(file: Path, data: bytes) -> None:
    """Write beside, sync, rename, sync the folder: never half a file under the real name."""
    part = file.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
