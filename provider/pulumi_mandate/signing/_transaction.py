"""EIP-1559 transactions as bytes: what is hashed and signed, and what is sent. No I/O.

eth_account does this too, but importing it takes half a second, while a run waits for its
signature; tests compare us with it. RLP itself is its own library's.
Sources: https://eips.ethereum.org/EIPS/eip-1559, https://eips.ethereum.org/EIPS/eip-2930.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..models import Digest, checksum, keccak
from ._curve import V_VALUES, Signature

_TYPE = b"\x02"
_COUNTS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")
_WORD = 32

Item = bytes | list["Item"]


def digest_of(fields: Mapping[str, Any]) -> Digest:
    """What the sender signs. `fields` as `AccountKey.sign_transaction` takes them, checked.

    Raises `ValueError`, `TypeError` for a member of the wrong type or range.
    """
    return keccak(_encoded(_members(fields)))


def signed(fields: Mapping[str, Any], signature: Signature) -> bytes:
    """What is sent. Raises as `digest_of`."""
    # A transaction carries the parity, not 27 or 28.
    proof = (signature.v - V_VALUES[0], signature.r, signature.s)
    return _encoded([*_members(fields), *map(_number, proof)])


def _encoded(members: list[Item]) -> bytes:
    # With eth_utils it takes 0.1 s, and by the time one signs eth_abi has loaded that.
    from rlp import encode

    return _TYPE + bytes(encode(members))


def _members(fields: Mapping[str, Any]) -> list[Item]:
    """In the order of EIP-1559."""
    to = fields.get("to")
    return [
        *(_number(fields[name]) for name in _COUNTS),
        b"" if to is None else _address(to),
        _number(fields["value"]),
        _data(fields["data"]),
        [
            [_address(entry["address"]), [_word(key) for key in entry["storageKeys"]]]
            for entry in fields.get("accessList", ())
        ],
    ]


def _number(value: int) -> bytes:
    if value.bit_length() > 8 * _WORD:
        raise ValueError("a number is larger than a word")
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _address(value: str) -> bytes:
    return bytes.fromhex(checksum(value)[2:])


def _word(value: str | bytes) -> bytes:
    data = _data(value)
    if len(data) != _WORD:
        raise ValueError(f"a storage key has {len(data)} bytes")
    return data


def _data(value: object) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, str) and value.startswith("0x"):
        return bytes.fromhex(value[2:])
    raise TypeError("data is bytes, or 0x and hex digits")
