"""When a rule fires: on one operation, or on the plan as a whole. Pure; the tables are in `rules`.

Every condition of a rule must hold; a condition that is left out holds. Globs are case-sensitive,
and their `*` crosses dots.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_mandate.models import Kind, Tier
from pulumi_mandate.plan.assessment import added_dollars
from pulumi_mandate.plan.code import PROPERTY
from pulumi_mandate.plan.constraint import any_match
from pulumi_mandate.plan.markers import inside, is_marker, is_unknown
from pulumi_mandate.plan.values import same_json

_PACKAGES = re.compile(r"0x[0-9a-f]{64}(,0x[0-9a-f]{64})*")
"""Digests of the packages that own a module; `program` where none does."""
_ABSENT = object()
"""Null is a value."""
_LOSSES = frozenset({Kind.DELETE, Kind.REPLACE, Kind.ABANDON})

Operation = Mapping[str, Any]
Changes = Mapping[str, Any]
"""Dotted path to the value afterwards, for everything that differs."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table of operations."""

    id: str
    reason: str
    """Shown to voters beside the tier."""
    tier: Tier
    ops: tuple[str, ...] = ()
    """Engine steps, as in an operation's `op`."""
    types: tuple[str, ...] = ()
    """Globs over the resource type."""
    paths: tuple[str, ...] = ()
    """Globs over the dotted paths that differ: `inputs.policy*`, `options.protect`."""
    only_paths: tuple[str, ...] = ()
    """Globs: nothing else than these paths differs."""
    values: tuple[str, ...] = ()
    """Globs over the value that such a path gets; one that is unknown or secret matches any."""
    unknowns: tuple[str, ...] = ()
    """Globs over the dotted paths that are unknown until the plan runs."""
    providers: tuple[str, ...] = ()
    """Globs over `module.Class` of the dynamic provider; installed packages only, never a
    program's own code."""
    subjects: tuple[str, ...] = ()
    """Globs over `organisation/project/stack`."""

    def matches(self, operation: Operation, changed: Changes, unknown: Iterable[str]) -> bool:
        paths = [path for path in changed if not self.paths or any_match(self.paths, [path])]
        return (
            (not self.ops or operation["op"] in self.ops)
            and (not self.types or any_match(self.types, [operation["type"]]))
            and (not self.paths or bool(paths))
            and (not self.only_paths or _only(self.only_paths, changed))
            and (not self.values or any(_has(self.values, changed[path]) for path in paths))
            and (not self.unknowns or any_match(self.unknowns, unknown))
            and (not self.providers or any_match(self.providers, _provider_code(operation)))
        )


@dataclass(frozen=True, slots=True)
class PlanRule:
    """One line of the table of plans: its blast radius, its cost, its source."""

    id: str
    reason: str
    tier: Tier
    operations_over: int | None = None
    losses_over: int | None = None
    """Of what is deleted, replaced or abandoned."""
    dependents_over: int | None = None
    """Of the operations in this plan that depend, directly or not, on one that is no creation."""
    unknowns_over: int | None = None
    cost_over: float | None = None
    """Dollars a month that the check `cost` says are added."""
    source_changed: bool = False
    """The program's source differs from the last completed one, or nobody knows."""
    subjects: tuple[str, ...] = ()

    def matches(self, content: Mapping[str, Any]) -> bool:
        """`content` is a document's, its checks included."""
        operations = content["operations"]
        losses = sum(operation["kind"] in _LOSSES for operation in operations)
        limits = (
            (self.operations_over, len(operations)),
            (self.losses_over, losses),
            (self.unknowns_over, len(content["unknowns"])),
        )
        return (
            all(limit is None or count > limit for limit, count in limits)
            and (self.cost_over is None or added_dollars(content["checks"]) > self.cost_over)
            and (not self.source_changed or source_changed(content["source"]))
            and (self.dependents_over is None or _dependents(operations, self.dependents_over))
        )


def source_changed(source: Mapping[str, Any] | None) -> bool:
    """Without a diff against the last completed program nobody can say that it did not."""
    return source is None or bool(source.get("changes", True))


def changes(operation: Operation) -> dict[str, Any]:
    """What differs between before and after; what is created differs whole."""
    found: dict[str, Any] = {}
    for side in ("options", "provider"):
        found.update(_differences(side, operation[side]["before"], operation[side]["after"]))
    before, after = operation["before"] or {}, operation["after"] or {}
    for part in ("inputs", "outputs"):
        if part == "outputs" and part not in after:
            continue  # the outputs of a provider are its answer, not a wish
        found.update(_differences(part, before.get(part), after.get(part)))
    return found


def unknown_paths(operation: Operation) -> list[str]:
    """Dotted paths in `after` that are unknown until the plan runs."""
    found, stack = [], [("", operation["after"])]
    while stack:
        path, value = stack.pop()
        if is_unknown(value):
            found.append(path.lstrip("."))
        else:
            stack.extend((f"{path}.{key}", item) for key, item in inside(value))
    return sorted(found)


def _differences(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any]]:
    if before == after and same_json(before, after):
        return
    yield path, None if after is _ABSENT else after
    left, right = dict(inside(before)), dict(inside(after))
    for key in sorted(left.keys() | right.keys()):
        yield from _differences(f"{path}.{key}", left.get(key, _ABSENT), right.get(key, _ABSENT))


def _only(globs: Sequence[str], changed: Changes) -> bool:
    """Whether every path that differs, and does not only hold one that does, is among these.

    What goes holds what went with it; what is unknown or a plain value now holds nothing.
    """
    above = {path[:at] for path in changed for at in range(len(path)) if path[at] == "."}
    holders = {path for path in above & changed.keys() if _may_hold(changed[path])}
    leaves = [path for path in changed if path not in holders]
    return bool(leaves) and all(any_match(globs, [path]) for path in leaves)


def _may_hold(value: Any) -> bool:
    is_object = isinstance(value, dict) and (not is_marker(value) or is_marker(value, "escaped"))
    return value is None or is_object or isinstance(value, list)


def _has(globs: Sequence[str], value: Any) -> bool:
    if is_marker(value):
        return True  # nobody here can say what it is
    if isinstance(value, dict | list):
        return False  # what it holds has paths of its own
    text = value if isinstance(value, str) else str(value).lower()
    return any_match(globs, [text])


def _provider_code(operation: Operation) -> list[str]:
    """Which class of an installed package runs as the provider; empty for all other code."""
    inputs = (operation["after"] or operation["before"] or {}).get("inputs")
    marker = inputs.get(PROPERTY) if isinstance(inputs, dict) and not is_marker(inputs) else None
    if not is_marker(marker, "provider-code") or not _PACKAGES.fullmatch(str(marker["package"])):
        return []
    return [f"{marker['module']}.{marker['class']}"]


def _dependents(operations: Sequence[Operation], limit: int) -> bool:
    """Whether one operation that is no creation has more dependents than `limit` in the plan."""
    users: dict[str, set[str]] = {}
    for operation in operations:
        needed = [urn for side in operation["dependencies"].values() for urn in side or ()]
        for urn in {*needed, _parent(operation)}:
            users.setdefault(urn, set()).add(operation["urn"])
    return any(
        operation["kind"] != Kind.CREATE and _reaches(users, operation["urn"], limit)
        for operation in operations
    )


def _reaches(users: Mapping[str, set[str]], urn: str, limit: int) -> bool:
    seen, waiting = {urn}, [urn]
    while waiting:
        fresh = users.get(waiting.pop(), set()) - seen
        seen |= fresh
        waiting += fresh
        if len(seen) - 1 > limit:
            return True
    return False


def _parent(operation: Operation) -> str:
    options = operation["options"]["after"] or operation["options"]["before"] or {}
    return str(options.get("parent") or "")
