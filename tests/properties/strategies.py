"""What Hypothesis draws: JSON values, engine values and changes of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.plan.samples import UNKNOWN, secret

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXT
KEYS = TEXT | st.just("mandate:v1")
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=5)

UNKNOWN_MARKERS = st.sampled_from(
    [{"mandate:v1": "unknown", "secret": False}, {"mandate:v1": "unknown", "secret": True}]
)
SECRET_MARKERS = st.sampled_from(
    [{"mandate:v1": "secret", "commitment": "0x" + digit * 64} for digit in "12"]
)
DOCUMENT_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"])
    | UNKNOWN_MARKERS | SECRET_MARKERS,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip
"""A small world, so that two drawn values are often related."""

ENGINE_VALUES = st.recursive(
    SCALARS | st.just(UNKNOWN) | SCALARS.map(secret),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)


def reordered(value: Any) -> Any:
    """The same value with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(list(value))}
    if isinstance(value, list):
        return [reordered(item) for item in value]
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every scalar."""
    if isinstance(value, dict):
        return [place for key, item in value.items() for place in places(item, (*path, key))]
    if isinstance(value, list):
        return [place for i, item in enumerate(value) for place in places(item, (*path, i))]
    return [path]


def mutated(value: Any) -> Any:
    """A scalar that is not `value` in any JSON sense."""
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, bool) or value is None:
        return 7
    return "x" if isinstance(value, float) else value + (1 if value < 0 else -1)
