"""The one byte string of a value: RFC 8785 (JCS). Source: https://www.rfc-editor.org/rfc/rfc8785

Numbers are IEEE doubles, as on Pulumi's own wire; text is kept as it is (no Unicode normalisation).
`orjson` writes the same bytes much faster wherever a survey of the value proves that it must; the
reference implementation writes all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson
import rfc8785

from pulumi_mandate.errors import InvalidDocument

JSON = Any
"""None, bool, int, float, str, list of JSON, or dict of str to JSON."""

LARGEST_INTEGER = 2**53 - 1
_SCALARS = frozenset({str, int, bool, type(None)})
_CONTAINERS = frozenset({dict, list})
_KNOWN = _SCALARS | _CONTAINERS | {float}
_LAST_BMP = "\uffff"
_FIRST_SURROGATE, _LAST_SURROGATE = "\ud800", "\udfff"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader accepts; part of the schema, so that every implementation refuses the same."""

    size: int = 256 * 1024 * 1024
    """Bytes of the whole document."""
    depth: int = 64
    """Containers inside containers."""
    operations: int = 200_000


LIMITS = Limits()


def canonical_bytes(value: JSON, limits: Limits = LIMITS) -> bytes:
    """Serialise `value` as RFC 8785 says.

    Raises `InvalidDocument` for what has no canonical form: NaN and infinities, integers a double
    cannot hold for certain (beyond 2^53 - 1), keys that are not strings, lone surrogates, foreign
    types, and nesting deeper than the limit.
    """
    if is_plain(value, limits):
        return plain_bytes(value)
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise _no_form(error) from None


def is_plain(value: JSON, limits: Limits = LIMITS) -> bool:
    """Whether `plain_bytes` may write this value, or any part of it.

    Raises `InvalidDocument` for most of what has no canonical form.
    """
    return _survey(value, limits.depth, read=False)


def parse(data: bytes, limits: Limits = LIMITS) -> JSON:
    """Read canonical bytes, and only those. Raises `InvalidDocument`."""
    return read(data, limits)[0]


def read(data: bytes, limits: Limits = LIMITS) -> tuple[JSON, bool]:
    """Read canonical bytes, and say whether `plain_bytes` may write any part of the value again.

    The value is serialised again and compared byte for byte: that one comparison refuses duplicate
    keys, NaN, 2^64, reordering and padding.

    Raises `InvalidDocument`.
    """
    if len(data) > limits.size:
        raise InvalidDocument(f"the document has {len(data)} bytes, the limit is {limits.size}")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidDocument(f"the document is not JSON: {error.msg}") from None
    plain = _survey(value, limits.depth, read=True)
    if plain:
        again = plain_bytes(value)
    else:
        value = _as_doubles(value)
        again = canonical_bytes(value, limits)
    if again != data:
        raise InvalidDocument(
            "the document is JSON, but not in its canonical form",
            meaning="Two readers could understand it differently.",
            next_step="fetch the stored document again; do not reformat it",
        )
    return value, plain


def plain_bytes(value: JSON) -> bytes:
    """The canonical bytes of a plain value. Raises `InvalidDocument` for a lone surrogate."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise _no_form(error) from None


def _survey(value: JSON, depth: int, *, read: bool) -> bool:
    """True where orjson must write the bytes of RFC 8785; raises for what nobody may write.

    Level by level, so that the work is done by set, map and chain and not by Python frames. A large
    integer that was `read` is a double that happens to have no fraction.
    """
    plain = True
    level = [value]
    for deep in range(depth + 1):
        kinds = set(map(type, level))
        if not kinds <= _KNOWN:
            foreign = sorted(kind.__name__ for kind in kinds - _KNOWN)
            raise InvalidDocument(f"a value has no canonical form: type {foreign[0]}")
        if float in kinds:
            plain = False
        if int in kinds and _has_large_integer(level):
            if not read:
                raise InvalidDocument("a value has no canonical form: an integer beyond 2^53 - 1")
            plain = False
        objects = [item for item in level if type(item) is dict] if dict in kinds else []
        arrays = [item for item in level if type(item) is list] if list in kinds else []
        if not objects and not arrays:
            return plain
        if deep == depth:
            break
        if objects and not _plain_keys(objects):
            plain = False
        level = list(chain(chain.from_iterable(map(dict.values, objects)),
                           chain.from_iterable(arrays)))  # fmt: skip
        if not level:
            return plain
    raise _too_deep(depth)


def _has_large_integer(level: list[JSON]) -> bool:
    return any(
        type(item) is int and not -LARGEST_INTEGER <= item <= LARGEST_INTEGER for item in level
    )


def _plain_keys(objects: list[dict[str, JSON]]) -> bool:
    """Code point order and UTF-16 order agree as long as no key leaves the first plane."""
    try:
        text = "".join(chain.from_iterable(objects))
    except TypeError:
        raise InvalidDocument("a value has no canonical form: a key is not a string") from None
    if text.isascii():
        return True
    highest = max(text)
    if any(_FIRST_SURROGATE <= char <= _LAST_SURROGATE for char in text):
        raise InvalidDocument("a value has no canonical form: a key holds a lone surrogate")
    return highest <= _LAST_BMP


def _too_deep(depth: int) -> InvalidDocument:
    return InvalidDocument(f"the document is nested deeper than {depth}")


def _as_doubles(value: JSON) -> JSON:
    """Read big integers as the doubles they are everywhere else. Depth is already bounded."""
    if type(value) is dict:
        return {key: _as_doubles(item) for key, item in value.items()}
    if type(value) is list:
        return [_as_doubles(item) for item in value]
    if type(value) is int and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        return float(value)
    return value


def _no_form(error: Exception) -> InvalidDocument:
    # Only the error's kind: its message may quote a value that is a secret.
    return InvalidDocument(f"a value has no canonical form: {type(error).__name__}")
