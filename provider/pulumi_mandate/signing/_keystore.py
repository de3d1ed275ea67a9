"""`keystore:///FILE?passphrase-file=FILE` (or `passphrase-env=NAME`): development chains only.

Web3 secret storage version 3, scrypt. Whoever can run code as this user can read the key, so the
backend says `development_only` and `ExecutorKey` refuses it elsewhere.
Source: https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage/
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any, NoReturn

import coincurve
import orjson

from ..errors import SignerError, UsageError
from ..models import Address, Digest, keccak
from ._curve import address_of
from ._private_file import read_line, read_private
from ._uri import KeyUri, only

DEFAULT_SCRYPT_N = 1 << 18
"""About 0.7 s and 256 MiB for one guess."""
MAX_SCRYPT_MEMORY = 1 << 30
"""A hostile file must not make us allocate more (bytes; scrypt takes 128 · n · r)."""
_HALF = 16
"""Bytes of the derived key that encrypt; as many after them vouch for the ciphertext."""


class KeystoreBackend:
    """A decrypted key in this process's memory."""

    __slots__ = ("__key",)

    def __init__(self, private_key: bytes) -> None:
        self.__key = coincurve.PrivateKey(private_key)

    @classmethod
    def from_uri(cls, uri: KeyUri) -> KeystoreBackend:
        """Read and decrypt. Raises `UsageError`, `SignerError`."""
        only(uri, "passphrase-file", "passphrase-env")
        passphrase = _passphrase(uri)
        return cls(_decrypt(read_private(Path(uri.path), "keystore"), passphrase))

    @property
    def development_only(self) -> bool:
        return True

    def public_address(self) -> Address:
        return address_of(self.__key.public_key.format(compressed=False))

    def sign_raw(self, digest: Digest) -> tuple[int, int]:
        """Deterministic (RFC 6979)."""
        data = self.__key.sign_recoverable(digest, hasher=None)
        return int.from_bytes(data[:32], "big"), int.from_bytes(data[32:64], "big")

    def __repr__(self) -> str:
        return "KeystoreBackend()"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised")


def create_keystore(path: Path, passphrase: str, *, scrypt_n: int = DEFAULT_SCRYPT_N) -> Address:
    """Make a new key, write it encrypted to `path` (0600, never over a file), give its address.

    Raises `UsageError` for an empty passphrase, `SignerError` where the file cannot be made.
    """
    from eth_keyfile.keyfile import create_keyfile_json

    if not passphrase:
        raise UsageError("a keystore needs a passphrase")
    key = coincurve.PrivateKey()
    content = create_keyfile_json(
        key.secret, passphrase.encode(), kdf="scrypt", iterations=scrypt_n
    )
    address = address_of(key.public_key.format(compressed=False))
    content["address"] = address[2:].lower()
    _write_private(path, json.dumps(content).encode())
    return address


def _write_private(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise SignerError(
            f"{path} exists", meaning="A key is never overwritten.", next_step="choose another name"
        ) from None
    except OSError as error:
        raise SignerError(f"{path} cannot be created: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _passphrase(uri: KeyUri) -> bytes:
    file, variable = uri.options.get("passphrase-file"), uri.options.get("passphrase-env")
    if (file is None) == (variable is None):
        raise UsageError(
            "a keystore URI names either passphrase-file or passphrase-env",
            meaning="The passphrase itself is never part of a URI.",
        )
    if file is not None:
        passphrase = read_line(Path(file), "passphrase")
    else:
        passphrase = os.environb.get(str(variable).encode(), b"")
    if not passphrase:
        raise SignerError(
            "the passphrase is empty",
            meaning="The file has no text, or the variable is not set.",
            next_step="check what the key URI names",
        )
    return passphrase


def _decrypt(data: bytes, passphrase: bytes) -> bytes:
    content = _checked_content(data)
    try:
        key = _opened(content, passphrase)
    except Exception:  # a library's texts are not ours to vouch for; none may carry key material
        raise SignerError(
            "the keystore cannot be decrypted",
            meaning="The passphrase is wrong, or the file is damaged.",
            next_step="check which passphrase belongs to it",
        ) from None
    claimed = content.get("address")
    if claimed is not None:
        found = address_of(coincurve.PrivateKey(key).public_key.format(compressed=False))
        if str(claimed).lower().removeprefix("0x") != found[2:].lower():
            raise SignerError("the keystore holds another key than the address in it says")
    return key


def _opened(content: dict[str, Any], passphrase: bytes) -> bytes:
    """The secret in it. Raises `ValueError`, `KeyError`, `TypeError`, or what eth_keyfile raises.

    eth_keyfile does all of it, but its import computes pairings of BLS12-381: 0.3 s of each process
    that signs. So it is left the files alone whose cost RFC 7914 rules out, and OpenSSL with it.
    """
    crypto = content.get("crypto") or content["Crypto"]
    params = crypto["kdfparams"]
    n, r, p = int(params["n"]), int(params["r"]), int(params["p"])
    if n.bit_length() > 16 * r:
        from eth_keyfile.keyfile import decode_keyfile_json

        return bytes(decode_keyfile_json(content, passphrase))
    derived = hashlib.scrypt(
        passphrase,
        salt=_unhex(params["salt"]),
        n=n,
        r=r,
        p=p,
        dklen=int(params["dklen"]),
        maxmem=MAX_SCRYPT_MEMORY * 3 // 2,  # and what it needs beside the 128 · n · r
    )
    hidden = _unhex(crypto["ciphertext"])
    if crypto["cipher"] != "aes-128-ctr" or len(derived) < 2 * _HALF:
        raise ValueError("another cipher")
    vouched = keccak(derived[_HALF : 2 * _HALF] + hidden)
    if not hmac.compare_digest(vouched, _unhex(crypto["mac"])):
        raise ValueError("another passphrase, or a damaged file")
    return _decrypted(hidden, derived[:_HALF], _unhex(crypto["cipherparams"]["iv"]))


def _decrypted(hidden: bytes, key: bytes, iv: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    decryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).decryptor()
    return decryptor.update(hidden) + decryptor.finalize()


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _checked_content(data: bytes) -> dict[str, Any]:
    """Version 3 with scrypt of bearable cost; anything else is refused before the first hash."""
    try:
        content = orjson.loads(data)  # bounds the depth by itself, json does not
        crypto = content.get("crypto") or content.get("Crypto")
        kdf, params = crypto["kdf"], crypto["kdfparams"]
        n, r, p = int(params["n"]), int(params["r"]), int(params["p"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SignerError("the keystore is not web3 secret storage") from None
    if content.get("version") != 3 or kdf != "scrypt":
        raise SignerError("the keystore is not version 3 with scrypt")
    if n < 2 or r < 1 or not 1 <= p <= 16 or 128 * n * r > MAX_SCRYPT_MEMORY:
        raise SignerError("the keystore asks for an unreasonable scrypt cost")
    return dict(content)
