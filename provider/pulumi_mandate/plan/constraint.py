"""What a value that was unknown at preview may become: the rules' word in a document, its check.

| part | shape |
|---|---|
| `unknowns[].constraint` | `{equals: value}`, `{oneOf: [value, …]}`, `{pattern: regex}` or null |
| `sensitive` | globs over dotted paths; empty where nothing is unknown |

An unknown with a constraint becomes what it allows. One without may become anything that holds no
sensitive name: nobody was asked about `policy` inside a value that was unknown as a whole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pulumi_mandate.errors import InvalidDocument

from .assessment import is_text
from .canonical import JSON, canonical_bytes
from .markers import inside, is_marker, is_unknown

LONGEST_VALUE = 4096
"""Characters of a value that a pattern is tried on."""


def require_constraint(constraint: object) -> None:
    """Raises `InvalidDocument` where an unknown's constraint is none."""
    if constraint is None:
        return
    if not isinstance(constraint, dict) or len(constraint) != 1:
        raise InvalidDocument("a constraint is not exactly one condition")
    (name, value), *_ = constraint.items()
    if not (
        (name == "equals" and is_scalar(value))
        or (name == "oneOf" and isinstance(value, list) and value and all(map(is_scalar, value)))
        or (name == "pattern" and is_text(value))
    ):
        raise InvalidDocument("a constraint is not `equals`, `oneOf` or `pattern` with its value")


def broken(
    unknowns: Sequence[Mapping[str, Any]],
    sensitive: Sequence[str],
    operation: tuple[str, str],
    after: JSON,
) -> Iterator[tuple[str, str]]:
    """Where an operation's values break the terms they were approved under: dotted path, and terms.

    `unknowns` and `sensitive` are those parts of the approved document, `operation` is a URN and a
    step, `after` what it wants now. What is still unknown breaks nothing yet; what cannot be found
    does. The terms never hold the value: it may be a secret.
    """
    for entry in unknowns:
        if (entry["urn"], entry["op"]) != operation:
            continue
        constraint = entry["constraint"]
        try:
            path, value = place(after, entry["path"])
        except (LookupError, TypeError, ValueError):
            path, value = ".".join(entry["path"]), None
        if constraint is None:
            yield from _sensitive_inside(sensitive, path, value)
        elif not is_unknown(value) and not holds(constraint, value):
            yield path, canonical_bytes(dict(constraint)).decode()


def _sensitive_inside(globs: Sequence[str], path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Names that nobody was asked about. Whoever accepted the whole path accepted what it holds."""
    waiting = [] if any_match(globs, [path]) else [(path, value)]
    while waiting:
        above, value = waiting.pop()
        for name, item in inside(value):
            below = f"{above}.{name}"
            if any_match(globs, [below]):
                yield below, "nothing sensitive inside a value that was unknown as a whole"
            waiting.append((below, item))


def place(value: Any, steps: Sequence[str]) -> tuple[str, Any]:
    """The dotted path and the value at a path of `unknowns`.

    An escaped object's own names count, so that nobody hides a name by escaping it. Raises
    `LookupError`, `TypeError` or `ValueError` where there is no such place.
    """
    names, waiting = [], list(steps)
    while waiting:
        step = waiting.pop(0)
        if is_marker(value, "escaped") and step == "entries":
            name, value = value["entries"][int(waiting.pop(0))]
            waiting.pop(0)  # "1": the value of the pair
            names.append(str(name))
            continue
        value = value[int(step)] if isinstance(value, list) else value[step]
        names.append(step)
    return ".".join(names), value


def any_match(globs: Iterable[str], texts: Iterable[str]) -> bool:
    """Whether one of the globs (case-sensitive, `*` over dots too) fits one of the texts."""
    return any(fnmatchcase(text, glob) for text in texts for glob in globs)


def holds(constraint: Mapping[str, JSON], value: JSON) -> bool:
    """Whether a value keeps a constraint. A list does where each item does; a secret never does."""
    if isinstance(value, list):
        return bool(value) and all(holds(constraint, item) for item in value)
    if isinstance(value, dict | None):
        return False
    (name, wanted), *_ = constraint.items()
    if name == "pattern":
        return (
            isinstance(value, str)
            and len(value) <= LONGEST_VALUE
            and re.fullmatch(str(wanted), value, re.ASCII) is not None
        )
    allowed = wanted if name == "oneOf" and isinstance(wanted, list) else [wanted]
    return canonical_bytes(value) in [canonical_bytes(one) for one in allowed]


def is_scalar(value: object) -> bool:
    return isinstance(value, str | bool | int) or (
        isinstance(value, float) and math.isfinite(value)
    )
