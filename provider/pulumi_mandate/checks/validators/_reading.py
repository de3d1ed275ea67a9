"""Reading settings strictly, and what validators read off an operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pulumi_mandate.errors import UsageError

Operation = Mapping[str, Any]
GONE = frozenset({"delete", "delete-replaced"})
"""Steps after which there is one less."""
MADE = frozenset({"create", "create-replacement"})


def only(settings: Mapping[str, Any], *known: str) -> None:
    """Raises `UsageError` for a setting that is not known."""
    if strange := sorted(set(settings) - set(known)):
        raise UsageError(f"the setting `{strange[0]}` is not known")


def number(settings: Mapping[str, Any], name: str) -> float | None:
    """A number that may be left out. Raises `UsageError`."""
    value = settings.get(name)
    if value is None:
        return None
    if type(value) not in (int, float):
        raise UsageError(f"the setting `{name}` is a number")
    return float(value)


def text(settings: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text. Raises `UsageError` where it is missing and has no default."""
    value = settings.get(name, default)
    if not isinstance(value, str) or not value:
        raise UsageError(f"the setting `{name}` is a text")
    return value


def choice(settings: Mapping[str, Any], name: str, *known: str) -> str:
    """One of these words; the first is the default. Raises `UsageError`."""
    value = text(settings, name, known[0])
    if value not in known:
        raise UsageError(f"the setting `{name}` is one of {', '.join(known)}")
    return value


def table(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table that may be left out. Raises `UsageError`."""
    value = settings.get(name, {})
    if not isinstance(value, dict):
        raise UsageError(f"the setting `{name}` is a table")
    return value


def texts(value: object, name: str) -> list[str]:
    """A list of texts. Raises `UsageError`."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"the setting `{name}` is a list of texts")
    return value


def inputs(operation: Operation, side: str) -> Mapping[str, Any]:
    """The inputs before or after; empty where there are none, or none that can be read."""
    found = (operation[side] or {}).get("inputs")
    return found if isinstance(found, dict) else {}


def first(values: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The first of these properties that is there."""
    return next((values[name] for name in names if values.get(name) is not None), None)


def fits(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)
