"""What a value that is unknown at preview may become: which constraint the rules have for it.

A preview shows `out.apply(lambda _: "0.0.0.0/0")` as unknown. On a sensitive path that would be a
blank cheque, so the rules say beforehand what it may be, and voters read that instead. It is
checked when the value is known: before the run (`plan.compare`) and at the operation
(`gate.operations`). So are the sensitive names inside a value that was unknown as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_mandate.errors import Refused
from pulumi_mandate.plan.canonical import JSON
from pulumi_mandate.plan.constraint import any_match, place

ALL = ("*",)


@dataclass(frozen=True, slots=True)
class Constraint:
    """One line of the table."""

    types: tuple[str, ...]
    paths: tuple[str, ...]
    """Globs over dotted paths, such as `inputs.ingress*`."""
    condition: Mapping[str, JSON]
    """As in a document: `{equals: …}`, `{oneOf: […]}` or `{pattern: …}`."""
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknowns:
    """Which paths may not become just anything, and what follows where no constraint says what."""

    sensitive: tuple[str, ...] = ALL
    """Globs over dotted paths; rules that name none mean every path."""
    unconstrained: str = "refuse"
    """`refuse`, or `high`: then voters see that it may become anything."""


def constrain(
    written: Sequence[Mapping[str, Any]],
    operations: Sequence[Mapping[str, Any]],
    constraints: Sequence[Constraint],
    unknowns: Unknowns,
) -> tuple[list[dict[str, Any]], bool]:
    """A document's `unknowns` with the constraint of each, and whether a sensitive one has none.

    Raises `Refused` for such a one where the rules want that.
    """
    by_key = {(operation["urn"], operation["op"]): operation for operation in operations}
    found, blank = [], False
    for entry in written:
        operation = by_key[entry["urn"], entry["op"]]
        path, value = place(operation["after"], entry["path"])
        condition = None
        if not value["secret"]:  # of a secret only its commitment could ever be looked at
            condition = _condition(operation["type"], path, constraints)
        found.append({**entry, "constraint": dict(condition) if condition else None})
        if condition is None and any_match(unknowns.sensitive, [path]):
            blank = True
            if unknowns.unconstrained == "refuse":
                raise _blank_cheque(operation, path)
    return found, blank


def _condition(
    kind: str, path: str, constraints: Sequence[Constraint]
) -> Mapping[str, JSON] | None:
    for constraint in constraints:
        if any_match(constraint.types, [kind]) and any_match(constraint.paths, [path]):
            return constraint.condition
    return None


def _blank_cheque(operation: Mapping[str, Any], path: str) -> Refused:
    return Refused(
        5,
        f"{path} of {operation['urn']} is sensitive, and unknown until the plan runs",
        field="unknown",
        expected="a constraint in the subject's rules",
        found="none",
        meaning="It could become anything after the vote, and voters would not have seen it.",
        next_step=f"let the program know it beforehand, or add to the rules: [[constraint]] "
        f'types = ["{operation["type"]}"], paths = ["{path}"] and equals, one_of or pattern',
    )
