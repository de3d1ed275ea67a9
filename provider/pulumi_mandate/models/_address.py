"""Accounts and contracts by their addresses, in the one form in which they are compared.

Source: https://eips.ethereum.org/EIPS/eip-55.
"""

from __future__ import annotations

from typing import NewType

from ._digest import keccak

Address = NewType("Address", str)
"""Checksummed, with 0x."""
_DIGITS = 40


def checksum(address: str) -> Address:
    """EIP-55. Raises `ValueError` for anything but 0x and 40 hex digits."""
    if len(address) != 2 + _DIGITS or not address.startswith("0x"):
        raise ValueError(f"an address is 0x and 40 hex digits, not {len(address)} characters")
    bare = address[2:].lower()
    if not set(bare) <= set("0123456789abcdef"):
        raise ValueError("an address is 0x and 40 hex digits")
    mask = keccak(bare.encode()).hex()
    return Address(
        "0x" + "".join(c.upper() if int(mask[i], 16) > 7 else c for i, c in enumerate(bare))
    )


def is_address(value: object) -> bool:
    """Whether this is `0x` and 40 hex digits, their case as EIP-55 asks.

    eth_abi encodes an address whose checksum is wrong, which is one that somebody mistyped.
    """
    try:
        return isinstance(value, str) and value == checksum(value)
    except ValueError:
        return False
