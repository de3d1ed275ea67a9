"""Secrets in a public plan: a commitment per property, so that equal secrets do not look equal.

`HMAC-SHA-256(HKDF(subject key, urn and property path), type and value)`. Whoever has the subject
key (everybody who can decrypt the stack) can recompute every commitment; nobody else can test a
guess, and a pull request that previews in CI is no oracle for another property's value.
HKDF: https://www.rfc-editor.org/rfc/rfc5869
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Digest, keccak, to_hex

from .canonical import JSON, canonical_bytes
from .markers import secret

KEY_SIZE = 32
_SALT = b"mandate/secret/v1"
_KEY_ID = b"mandate/key-id"

Path = Sequence[str | int]
"""Keys and indices from the top of a resource's properties down to one value."""


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The commitment key of one stack: its secret config value `mandate:commitmentKey`."""

    secret: bytes = field(repr=False)
    """Exactly 32 random bytes."""

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_SIZE:
            raise UsageError(
                f"the commitment key has {len(self.secret)} bytes instead of {KEY_SIZE}",
                next_step="pulumi config set --secret mandate:commitmentKey "
                '"$(openssl rand -hex 32)"',
            )

    @classmethod
    def from_hex(cls, text: str) -> SubjectKey:
        """Read 64 hex digits, with or without `0x`. Raises `UsageError` and never quotes them."""
        try:
            raw = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            raise UsageError("the commitment key is not hexadecimal") from None
        return cls(raw)

    @property
    def id(self) -> Digest:
        """Names the key on chain and in documents without helping to find it."""
        return keccak(_KEY_ID + hmac.digest(self.secret, _KEY_ID, hashlib.sha256))


def commitment(key: SubjectKey, urn: str, path: Path, value: JSON) -> bytes:
    """The 32 bytes that stand for `value` at this place; `value` may hold any JSON."""
    place = canonical_bytes([urn, list(path)])
    extracted = hmac.digest(_SALT, key.secret, hashlib.sha256)
    derived = hmac.digest(extracted, place + b"\x01", hashlib.sha256)
    return hmac.digest(derived, canonical_bytes([_type_name(value), value]), hashlib.sha256)


def commit(key: SubjectKey, urn: str, path: Path, value: JSON) -> dict[str, JSON]:
    """The marker that takes the secret's place in the document."""
    return secret(to_hex(commitment(key, urn, path, value)))


def _type_name(value: JSON) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
