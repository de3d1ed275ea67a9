"""Strict recovery and the one digest gate, against backends that lie."""

from __future__ import annotations

from dataclasses import dataclass

import coincurve
import pytest

from pulumi_mandate.errors import SignerError
from pulumi_mandate.models import Address, Digest, keccak
from pulumi_mandate.signing import Signature, recover
from pulumi_mandate.signing._curve import ORDER, address_of
from pulumi_mandate.signing._gate import GatedSigner

KEY = coincurve.PrivateKey(b"\x46" * 32)
ADDRESS = address_of(KEY.public_key.format(compressed=False))


def raw(digest: bytes, key: coincurve.PrivateKey = KEY) -> tuple[int, int]:
    data = key.sign_recoverable(digest, hasher=None)
    return int.from_bytes(data[:32], "big"), int.from_bytes(data[32:64], "big")


@dataclass
class Lying:
    """A backend whose answer the test chooses."""

    answer: object
    development_only: bool = False
    asked: int = 0

    def public_address(self) -> Address:
        return ADDRESS

    def sign_raw(self, digest: Digest) -> tuple[int, int]:
        self.asked += 1
        return self.answer(digest) if callable(self.answer) else self.answer  # type: ignore[return-value]


def test_the_address_of_a_known_key() -> None:
    # the key of EIP-155's own example
    assert ADDRESS == "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"


def test_a_high_s_from_the_backend_is_brought_low(digest: Digest) -> None:
    def high(value: bytes) -> tuple[int, int]:
        r, s = raw(value)
        return r, ORDER - s

    assert GatedSigner(Lying(high), ADDRESS).sign(digest).s == raw(digest)[1]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda d: raw(keccak(d)), id="hashed again with keccak"),
        pytest.param(lambda d: raw(__import__("hashlib").sha256(d).digest()), id="hashed again"),
        pytest.param(lambda d: raw(d, coincurve.PrivateKey(b"\x45" * 32)), id="another key"),
        pytest.param(lambda d: raw(keccak(b"prepared")), id="a prepared signature"),
        pytest.param((0, 1), id="r is zero"),
        pytest.param((1, 0), id="s is zero"),
        pytest.param((ORDER, 1), id="r is the order"),
        pytest.param((1, ORDER), id="s is the order"),
        pytest.param((-1, 5), id="r is negative"),
        pytest.param((1 << 256, 5), id="r has 257 bits"),
        pytest.param((5, 5), id="r is no point"),
    ],
)
def test_a_lying_backend_is_caught_and_asked_once(answer: object, digest: Digest) -> None:
    backend = Lying(answer)

    with pytest.raises(SignerError):
        GatedSigner(backend, ADDRESS).sign(digest)
    assert backend.asked == 1


def test_a_wrong_digest_never_reaches_the_key() -> None:
    backend = Lying(raw)

    with pytest.raises(SignerError):
        GatedSigner(backend, ADDRESS).sign(Digest(b"short"))
    assert backend.asked == 0


@pytest.mark.parametrize("length", [0, 1, 32, 63, 64, 66, 130])
def test_a_signature_of_another_length_is_refused(length: int, digest: Digest) -> None:
    with pytest.raises(SignerError, match="65 bytes"):
        recover(digest, bytes([1]) * length)


@pytest.mark.parametrize("v", [0, 1, 26, 29, 35, 36, 255])
def test_another_v_is_refused(v: int, digest: Digest) -> None:
    with pytest.raises(SignerError, match="27 and 28"):
        recover(digest, Signature(*raw(digest), v))


@pytest.mark.parametrize(
    ("r", "s"), [(0, 1), (ORDER, 1), (1, 0), (1, ORDER), (1, ORDER - 1), (5, 5)]
)
def test_numbers_out_of_range_are_refused(r: int, s: int, digest: Digest) -> None:
    with pytest.raises(SignerError):
        recover(digest, Signature(r, s, 27))


@pytest.mark.parametrize("wrong", ["0x" + "11" * 65, bytearray(65), None, 65])
def test_a_signature_of_another_type_is_refused(wrong: object, digest: Digest) -> None:
    with pytest.raises(SignerError):
        recover(digest, wrong)  # type: ignore[arg-type]


def test_the_zero_digest_is_refused() -> None:
    with pytest.raises(SignerError, match="all zero"):
        recover(bytes(32), Signature(*raw(keccak(b"x")), 27))


def test_bytes_and_back() -> None:
    signature = Signature(*raw(keccak(b"x")), 27)

    assert Signature.from_bytes(signature.to_bytes()) == signature
