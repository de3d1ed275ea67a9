"""The one door for hashes: every digest is exactly 32 bytes, made or checked here."""

from __future__ import annotations

import re
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


def is_address(value: object) -> bool:
    """Whether this is `0x` and 40 hex digits, their case as EIP-55 asks.

    Source: https://eips.ethereum.org/EIPS/eip-55. eth_abi encodes an address whose checksum is
    wrong, which is one that somebody mistyped.
    """
    if not isinstance(value, str) or not re.fullmatch("0x[0-9a-fA-F]{40}", value):
        return False
    sums = keccak(value[2:].lower().encode()).hex()
    return all(
        char.isdigit() or char.isupper() == (int(sums[at], 16) >= 8)
        for at, char in enumerate(value[2:])
    )
