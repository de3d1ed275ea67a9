"""Keys that sign bundles: Ed25519 or P-256, in PEM. Not the executor's: that one stays in its KMS.

A key id is the SHA-256 of the public key's SubjectPublicKeyInfo in DER, as 64 hex digits.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from pulumi_mandate.errors import SignerError

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
_ECDSA = ec.ECDSA(hashes.SHA256())
_MAX_FILE = 1 << 16


class SigningKey:
    """A private key of this machine. It signs; it cannot be printed or sent anywhere."""

    __slots__ = ("__key", "key_id")

    def __init__(self, key: PrivateKey) -> None:
        self.__key = key
        self.key_id = key_id(key.public_key())

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Read a PKCS#8 PEM file that belongs to this user alone.

        Raises `SignerError`; its text never holds what the file holds.
        """
        try:
            key = serialization.load_pem_private_key(_read_private(path), password=None)
        except (ValueError, TypeError):
            raise SignerError(f"{path} is not an unencrypted PKCS#8 key in PEM") from None
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and _is_p256(key.public_key()):
            return cls(key)
        raise SignerError(f"{path} is neither an Ed25519 nor a P-256 key")

    def sign(self, message: bytes) -> bytes:
        """Ed25519: 64 bytes. P-256: ECDSA over SHA-256, DER."""
        if isinstance(self.__key, ed25519.Ed25519PrivateKey):
            return self.__key.sign(message)
        return self.__key.sign(message, _ECDSA)

    def public_pem(self) -> bytes:
        """What the agents get."""
        return self.__key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id[:16]}…)"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised", meaning="It would travel with the program.")


def key_id(key: PublicKey) -> str:
    """64 hex digits."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def is_signature(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether `key` signed exactly `message`."""
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, _ECDSA)
    except InvalidSignature:
        return False
    return True


def create_signing_key(path: Path) -> SigningKey:
    """Make an Ed25519 key and write it to `path` (0600, never over a file).

    Raises `SignerError`.
    """
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise SignerError(f"{path} exists", meaning="A key is never overwritten.") from None
    except OSError as error:
        raise SignerError(f"{path} cannot be created: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return SigningKey(key)


def load_trusted_keys(path: Path) -> Mapping[str, PublicKey]:
    """Public keys by key id: from one PEM file, or from every `*.pem` of a folder.

    Raises `SignerError`, also where there is none at all: no key must never mean any key.
    """
    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    keys = [_load_public(file) for file in files]
    if not keys:
        raise SignerError(f"{path} holds no public key, so no bundle can be believed")
    return {key_id(key): key for key in keys}


def _load_public(path: Path) -> PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise SignerError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise SignerError(f"{path} is not a public key in PEM") from None
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and _is_p256(key):
        return key
    raise SignerError(f"{path} is neither an Ed25519 nor a P-256 key")


def _is_p256(key: ec.EllipticCurvePublicKey) -> bool:
    return isinstance(key.curve, ec.SECP256R1)


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SignerError(
            f"the signing key {path} cannot be opened: {error.strerror}",
            next_step="check MANDATE_EDGE_KEY; links are not followed",
        ) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SignerError(f"the signing key {path} is not a regular file")
        if status.st_mode & 0o077 or status.st_uid not in (os.geteuid(), 0):
            raise SignerError(
                f"the signing key {path} is open to others",
                meaning="It must belong to this user with mode 0600.",
                next_step=f"chmod 600 {path}, and consider the key known to whoever could read it",
            )
        return os.read(descriptor, _MAX_FILE)
    finally:
        os.close(descriptor)
