"""What the engine's wire does to values, undone: numbers become doubles, extra keys ride along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_INTERNAL = "__"


def plain(props: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without the engine's own keys (`__provider`) and nulls, whole doubles as integers."""
    return {
        key: _whole(value)
        for key, value in props.items()
        if not key.startswith(_INTERNAL) and value is not None
    }


def is_unknown(value: Any) -> bool:
    """Whether the engine does not know the value yet (a preview)."""
    from pulumi.output import Unknown

    return isinstance(value, Unknown)


def unknown() -> Any:
    """A value that the engine shall not know yet, because it follows from one that it does not."""
    from pulumi.output import Unknown

    return Unknown()  # type: ignore[no-untyped-call]


def holds_unknown(value: Any) -> bool:
    """Whether any part of the value is not known yet."""
    if isinstance(value, dict):
        return any(map(holds_unknown, value.values()))
    if isinstance(value, list):
        return any(map(holds_unknown, value))
    return is_unknown(value)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value
