"""The readable parts of a document that follow from its operations, and from nothing else.

Whoever builds a document writes them with these functions, and whoever reads one computes them
again: a proposer cannot word his own summary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .canonical import JSON
from .inverse import losses
from .markers import is_unknown, may_hold

Operation = Mapping[str, Any]


def unknowns(operations: Sequence[Operation]) -> list[dict[str, JSON]]:
    """Where the operations wait for a value, and for whose: `[{urn, op, path, from, constraint}]`.

    The constraints are the rules' word, none here.
    """
    return [entry for operation in operations for entry in _unknowns(operation)]


def rollback(operations: Sequence[Operation]) -> dict[str, JSON]:
    """What cannot be undone: `{irreversible: [{urn, op, reason}]}`.

    What undoes the rest is not written down: it follows from the operations as well (`inverse`).
    """
    return {"irreversible": losses(operations)}


def highest(operations: Sequence[Operation]) -> dict[str, JSON]:
    """The highest tier of all, and the first rule that asks for it: `{tier, rule, reasons}`.

    What the plan as a whole asks for, and the reasons, are the rules' word, none here.
    """
    found = max(operations, key=lambda operation: int(operation["tier"]))
    return {"tier": found["tier"], "rule": found["rule"], "reasons": {}}


def _unknowns(operation: Operation) -> Iterator[dict[str, JSON]]:
    if not may_hold(operation["after"]):
        return
    stack: list[tuple[tuple[str, ...], JSON]] = [((), operation["after"])]
    waits_for = operation["propertyDependencies"]["after"] or {}
    found = []
    while stack:
        path, value = stack.pop()
        if is_unknown(value):
            sources = waits_for.get(path[1], []) if len(path) > 1 else []
            found.append({"urn": operation["urn"], "op": operation["op"], "path": list(path),
                          "from": sources, "constraint": None})  # fmt: skip
        elif isinstance(value, dict):
            stack.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            stack.extend(((*path, str(index)), item) for index, item in enumerate(value))
    yield from sorted(found, key=lambda entry: entry["path"])
