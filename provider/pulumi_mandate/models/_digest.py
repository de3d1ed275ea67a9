"""The one door for hashes: every digest is exactly 32 bytes, made or checked here."""

from __future__ import annotations

from typing import NewType

import sha3

Digest = NewType("Digest", bytes)
"""Exactly 32 bytes."""

ZERO = Digest(bytes(32))
SIZE = 32


def keccak(data: bytes) -> Digest:
    """Keccak-256 as Ethereum uses it (not FIPS 202 SHA-3)."""
    return Digest(sha3.keccak_256(data).digest())


def digest(value: object) -> Digest:
    """Accept 32 bytes, or `0x` and 64 lower-case or upper-case hex digits; refuse everything else.

    Libraries pad short values in silence (eth_account takes `"hello"` as bytes32), and `bytes(32)`
    is 32 zeros: this never does either.

    Raises `ValueError`.
    """
    if isinstance(value, str):
        if len(value) != 2 + 2 * SIZE or not value.startswith("0x"):
            raise ValueError(
                f"a digest is 0x and {2 * SIZE} hex digits, not {len(value)} characters"
            )
        raw = bytes.fromhex(value[2:])
    elif isinstance(value, bytes | bytearray):
        raw = bytes(value)
    else:
        raise ValueError(f"a digest is not a {type(value).__name__}")
    if len(raw) != SIZE:
        raise ValueError(f"a digest is {SIZE} bytes, not {len(raw)}")
    return Digest(raw)


def to_hex(value: bytes) -> str:
    """`0x` and lower-case hex."""
    return "0x" + bytes(value).hex()
