"""Names that are drawn from the seed of a plan's entry, computed again. Pure.

The plan file holds a random seed for every resource, another one in every preview, and the engine
hands it to the provider for the names that it chooses. Two ways of drawing a name are known here:
`resource.NewUniqueName` of Pulumi's SDK, which providers call, and `${hex(n)}` at the end of the
engine's own `pulumi:autonaming` pattern. Both read Go's ChaCha8 generator (as providers built with
`lukechampine.com/frand` 1.5 or newer do). A text that ends in the very digits of its own seed was
drawn from it: nobody can type them, because the seed is not known to the program.

Sources: `sdk/go/common/resource/resource_id.go` and `pkg/resource/autonaming/strategy.go` of Pulumi
v3.259.0; Go's `internal/chacha8rand`, described in https://c2sp.org/chacha8rand.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct

FEWEST = 6
"""Digits that are believed: six are met by chance once in sixteen million texts."""
_MASK = 0xFFFFFFFF
_CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")
_DOUBLE_ROUND = (
    *((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)),
    *((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)),
)
_PATTERN = re.compile(r"hex\(([1-9][0-9]?)\)")
_HEX = re.compile(r"[0-9a-f]+")
_COULD_BE_DRAWN = re.compile(rf"[0-9a-f]{{{FEWEST}}}\Z")


def could_be_drawn(text: str) -> bool:
    """Whether it is worth a look: it ends in enough hexadecimal digits."""
    return _COULD_BE_DRAWN.search(text) is not None


def digits_of(seed: str) -> tuple[str, ...]:
    """The digits that each known way draws from a seed (base64, as in a plan file), 32 or more.

    None for what is no seed.
    """
    try:
        drawn = base64.b64decode(seed, validate=True)
    except (binascii.Error, ValueError):
        return ()
    if not drawn:
        return ()
    values = _first_values(drawn)
    by_digit = "".join(f"{value % 16:x}" for value in values)
    return by_digit, struct.pack(f"<{len(values)}Q", *values).hex()


def drawn_digits(text: str, drawn: tuple[str, ...]) -> int:
    """How many of the drawn digits a text ends in, counted from the first; 0 where too few."""
    for digits in drawn:
        for count in range(min(len(digits), len(text)), FEWEST - 1, -1):
            if text.endswith(digits[:count]):
                return count
    return 0


def is_like(text: object, prefix: str, drawn: str) -> bool:
    """Whether a text is this prefix and what was `drawn`: as many digits as `hex(7)` says."""
    pattern = _PATTERN.fullmatch(drawn)
    if pattern is None or not isinstance(text, str) or not text.startswith(prefix):
        return False
    rest = text.removeprefix(prefix)
    return len(rest) == int(pattern[1]) and _HEX.fullmatch(rest) is not None


def _first_values(seed: bytes) -> list[int]:
    """The generator's first 32 numbers: four blocks of ChaCha8, interleaved word by word.

    A number too large for a digit without bias would be drawn again: one in 2^60, left out here.
    """
    key = struct.unpack("<8I", hashlib.sha256(seed).digest())
    blocks = [_block(key, counter) for counter in range(4)]
    words = [block[index] for index in range(16) for block in blocks]
    return [low | high << 32 for low, high in zip(words[::2], words[1::2], strict=True)]


def _block(key: tuple[int, ...], counter: int) -> list[int]:
    state = [*_CONSTANTS, *key, counter, 0, 0, 0]
    for _ in range(4):
        for a, b, c, d in _DOUBLE_ROUND:
            for one, two, mixed, left in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                state[one] = (state[one] + state[two]) & _MASK
                crossed = state[mixed] ^ state[one]
                state[mixed] = (crossed << left | crossed >> (32 - left)) & _MASK
    for index, word in enumerate(key):
        state[4 + index] = (state[4 + index] + word) & _MASK
    return state
