"""secp256k1 as Ethereum uses it: signatures, addresses, and strict recovery.

Sources: https://eips.ethereum.org/EIPS/eip-2 (low-s), SEC 1 section 4.1.6 (recovery), EIP-55.
"""

from __future__ import annotations

from dataclasses import dataclass

import coincurve

from ..errors import SignerError
from ..models import ZERO, Address, Digest, checksum, is_address, keccak

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
HALF_ORDER = ORDER // 2
SIZE = 65
V_VALUES = (27, 28)


@dataclass(frozen=True, slots=True)
class Signature:
    """A recoverable signature in Ethereum's form. Not a key of anything: see `recover`."""

    r: int
    s: int
    """At most half of the curve's order: the other half says the same and is refused."""
    v: int
    """27 or 28."""

    def to_bytes(self) -> bytes:
        """65 bytes: r (32), s (32), v (1), as `ecrecover` and OpenZeppelin's ECDSA take them."""
        return self.r.to_bytes(32, "big") + self.s.to_bytes(32, "big") + bytes([self.v])

    @classmethod
    def from_bytes(cls, data: bytes) -> Signature:
        """The inverse of `to_bytes`; only the length is checked here, `recover` checks the rest.

        Raises `SignerError`.
        """
        if type(data) is not bytes or len(data) != SIZE:
            found = f"{len(data)} bytes" if isinstance(data, bytes) else type(data).__name__
            raise SignerError(
                f"a signature is {SIZE} bytes, not {found}",
                meaning="The compact 64-byte form and padded forms are refused on purpose.",
            )
        return cls(int.from_bytes(data[:32], "big"), int.from_bytes(data[32:64], "big"), data[64])


def checked_digest(value: object) -> Digest:
    """Exactly 32 bytes that are not all zero, or an error; nothing is padded, hashed or decoded.

    moto, PKCS#11's CKM_ECDSA and eth_account each let a wrong length pass. Zero is refused because
    anybody can make a signature of it for any public key.

    Raises `SignerError`.
    """
    if type(value) is not bytes:
        raise SignerError(f"a digest is 32 bytes, not a value of type {type(value).__name__}")
    if len(value) != len(ZERO):
        raise SignerError(f"a digest is 32 bytes, not {len(value)}")
    if value == ZERO:
        raise SignerError(
            "the digest is all zero", meaning="No message hashes to it: it was never set."
        )
    return Digest(value)


def checked_address(value: object) -> Address:
    """An EIP-55 checksummed address that is not zero, or an error.

    Raises `SignerError`.
    """
    if not isinstance(value, str) or not is_address(value) or int(value, 16) == 0:
        raise SignerError(
            f"{value!r} is not an address",
            meaning="An address is 0x and 40 hex digits in EIP-55's mix of cases, and not zero.",
            next_step="copy the address from the enrolment, not from memory",
        )
    return Address(value)


def address_of(point: bytes) -> Address:
    """The address of an uncompressed public key: 64 bytes x‖y, or 65 with the leading 4."""
    xy = point[1:] if len(point) == SIZE and point[0] == 4 else point
    if len(xy) != SIZE - 1:
        raise SignerError(f"an uncompressed public key is 64 bytes, not {len(xy)}")
    return checksum("0x" + keccak(xy)[-20:].hex())


def recover(digest: bytes, signature: Signature | bytes) -> Address:
    """The address whose key signed `digest` (32 bytes).

    Refuses what libraries and `ecrecover` itself let through: another length, r or s out of range,
    the high half of s, v other than 27 and 28. Never key a replay table by signature bytes.

    Raises `SignerError`.
    """
    checked = checked_digest(digest)
    sig = signature if isinstance(signature, Signature) else Signature.from_bytes(signature)
    if sig.v not in V_VALUES:
        raise SignerError(f"v is {sig.v}; only 27 and 28 exist")
    if not 0 < sig.r < ORDER:
        raise SignerError("r is outside the curve's order")
    if not 0 < sig.s <= HALF_ORDER:
        raise SignerError(
            "s is zero or in the high half of the curve's order",
            meaning="Every signature has a twin with the other s; only the low one counts (EIP-2).",
        )
    data = sig.to_bytes()[:64] + bytes([sig.v - V_VALUES[0]])
    try:
        key = coincurve.PublicKey.from_signature_and_message(data, checked, hasher=None)
    except Exception:  # coincurve raises plain Exception and ValueError alike
        raise SignerError("no public key fits the signature and the digest") from None
    return address_of(key.format(compressed=False))
