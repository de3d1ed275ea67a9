"""What would undo a plan, and what nothing undoes. Pure, and a function of the operations alone.

The engine's steps are read as changes: a resource before, and after. Undoing exchanges the sides,
so the inverse of an inverse is the plan again. What no exchange brings back is told to voters,
operation by operation: data, identities, what the stack no longer manages, and values that were
taken from something else that the plan touches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from .canonical import JSON, canonical_bytes
from .markers import is_marker, unknown

Operation = Mapping[str, Any]
Side = Mapping[str, Any]

_STACK = "pulumi:pulumi:Stack"
MAKING = ("create", "create-replacement")
REPLACING = ("create-replacement", "delete-replaced", "replace")
"""The steps of one replacement."""
ALONE = ("create", "update", "metadata", "delete", "read", "discard")
"""Steps that lead back where a resource has no other one."""
_HOW = frozenset({"aliases", "structuredAliases", "deleteBeforeReplace"})
"""Options that say how a change is made, and nothing about the resource before or after it."""

LOST = {
    "delete": "what is deleted does not come back",
    "delete-replaced": "the old resource and its data are deleted",
    "abandon": "the resource stays where it is, and nobody manages it any more",
    "forget": "the resource is gone already, and now the stack forgets what it was",
    "import": "it was there before: the former program would delete it",
    "import-replacement": "it was there before: the former program would delete it",
    "refresh": "the stack forgets what it said before, and no operation says it again",
}
"""Steps that nothing undoes, and why."""
LOSSES = {
    "protected": "it is protected: it cannot be deleted until that is taken away",
    "kept": "it is kept when the stack lets it go",
    "renamed": "it is renamed: the former program would make another, unless it has an alias",
    "taken": "it took a value from something that does not come back as it was",
    "one way": "no operation leads back from it",
}
"""What else is not undone, by the circumstances of a step."""
_STAYS = "what is sent to a chain stays there; only the stack can forget it"
_RISES = "a site's revision only rises, so that it never takes an old bundle for a new one"
LASTING = {
    "pulumi-python:dynamic/mandate:EvmContract": dict.fromkeys((*MAKING, "update"), _STAYS),
    "pulumi-python:dynamic/mandate:EvmCall": dict.fromkeys((*MAKING, "update"), _STAYS),
    "pulumi-python:dynamic/mandate:EdgeBundle": {"update": _RISES},
}
"""Types of our own whose effect outlives the resource: by which steps, and why."""
RISING = {"pulumi-python:dynamic/mandate:EdgeBundle": frozenset({"revision"})}
"""Inputs of such types that no program can set back."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one resource."""

    before: Side | None
    """None: it is not there yet. Inputs, outputs of stacks and components, options and the rest."""
    after: Side | None
    """None: it is there no more."""
    anew: bool = False
    """A replacement: another one takes its place."""

    @property
    def urn(self) -> str:
        """Where the engine shows it: by the new name where there is one."""
        urn: str = (self.after or self.before or {})["urn"]
        return urn

    @property
    def type(self) -> str:
        return _type_of(self.urn)

    @property
    def makes(self) -> bool:
        """Whether something is there afterwards that was not there before."""
        return self.after is not None and (self.before is None or self.anew)

    @property
    def word(self) -> str:
        """`create`, `delete`, `replace` or `update`."""
        if self.before is None:
            return "create"
        if self.after is None:
            return "delete"
        return "replace" if self.anew else "update"


def changes_of(operations: Sequence[Operation]) -> list[Change]:
    """Every change of a plan that has an inverse, by URN.

    Not among them: what `losses` says no operation leads back from, and the stack itself, which
    comes and goes with the resources in it.
    """
    wholes = (_whole(steps) for _, steps in sorted(_by_urn(operations).items()))
    changes = (
        Change(_side(step, "before"), _side(step, "after"), anew=step["op"] == "replace")
        for step in wholes
        if step is not None
    )
    return [one for one in changes if not is_stack(one.urn) or one.word == "update"]


def inverse(changes: Iterable[Change]) -> list[Change]:
    """What would lead back: every change with its sides exchanged, by URN."""
    back = (replace(one, before=one.after, after=one.before) for one in changes)
    return sorted(back, key=lambda change: change.urn)


def losses(operations: Sequence[Operation]) -> list[dict[str, JSON]]:
    """What undoing the plan would not bring back: `[{urn, op, reason}]`, in the plan's order."""
    steps = _by_urn(operations)
    takers = _taken_from_the_lost(operations)
    return [
        {"urn": one["urn"], "op": one["op"], "reason": reason}
        for one in operations
        for reason in islice(_reasons(one, steps[one["urn"]], takers), 1)
    ]


def touched_by(operations: Sequence[Operation]) -> frozenset[str]:
    """URNs of a plan, former ones too: what is taken from these may be another value afterwards."""
    former = (one["before"]["urn"] for one in operations if "urn" in (one["before"] or {}))
    return frozenset([*(one["urn"] for one in operations), *former])


def is_stack(urn: str) -> bool:
    """Whether it is the stack, everybody's parent."""
    return _type_of(urn) == _STACK


def _type_of(urn: str) -> str:
    """`a:b:C` of `urn:pulumi:stack::project::parent$a:b:C::name`; a name may hold anything."""
    return "".join(urn.split("::", 3)[2:3]).rpartition("$")[2]


def comes_from(side: Side, key: str, urns: frozenset[str]) -> bool:
    """Whether an input was taken from one of these resources."""
    return not urns.isdisjoint((side["propertyDependencies"] or {}).get(key, ()))


def _by_urn(operations: Sequence[Operation]) -> dict[str, list[Operation]]:
    steps: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        steps[operation["urn"]].append(operation)
    return steps


def _whole(steps: Sequence[Operation]) -> Operation | None:
    """The step that shows both sides of a resource's change; None where nothing leads back."""
    names = sorted(step["op"] for step in steps)
    if names == [*REPLACING]:
        return next(step for step in steps if step["op"] == "replace")
    if len(steps) > 1 or names[0] not in ALONE or _leaves_management(steps[0]):
        return None
    return steps[0]


def _side(step: Operation, name: str) -> Side | None:
    properties = step[name]
    if properties is None:
        return None
    outputs = properties.get("outputs")
    kept = name == "before" or step["op"] in ("update", "metadata")
    return {
        "urn": properties.get("urn", step["urn"]),
        "id": properties.get("id", step["id"] if kept else unknown()),
        "inputs": properties["inputs"],
        # What the provider answered is no wish of a program, and nothing a plan could bring back.
        "outputs": {} if outputs is None or is_marker(outputs, "secret") else outputs,
        "provider": step["provider"][name],
        "options": {key: value for key, value in step["options"][name].items() if key not in _HOW},
        "dependencies": step["dependencies"][name],
        "propertyDependencies": step["propertyDependencies"][name],
    }


def _leaves_management(step: Operation) -> bool:
    """A managed resource that is only read from now on stays where it is, like an abandoned one."""
    before = step["options"]["before"]
    return step["op"] == "read" and before is not None and before.get("external") is not True


def _reasons(step: Operation, steps: Sequence[Operation], takers: frozenset[str]) -> Iterator[str]:
    """Why a step is not undone, the weightiest first; nothing where it is."""
    op, after = step["op"], step["options"]["after"] or {}
    if op in LOST and not _is_group(step):
        yield LOST[op]
    if _leaves_management(step):
        yield LOST["abandon"]
    if op in MAKING and after.get("protect") is True:
        yield LOSSES["protected"]
    if op in MAKING and after.get("retainOnDelete") is True:
        yield LOSSES["kept"]
    if "urn" in (step["before"] or {}):
        yield LOSSES["renamed"]
    if op in LASTING.get(step["type"], {}):
        yield LASTING[step["type"]][op]
    if op == "update" and step["urn"] in takers:
        yield LOSSES["taken"]
    if _whole(steps) is None and not op.startswith("discard"):
        yield LOSSES["one way"]


def _is_group(step: Operation) -> bool:
    """A component or a stack that goes; it holds nothing itself."""
    return step["op"] == "delete" and step["id"] is None and step["provider"]["before"] is None


def _taken_from_the_lost(operations: Sequence[Operation]) -> frozenset[str]:
    """URNs of updates that change an input which came from something that is lost, or from another
    such update: what it comes from will be another one."""
    takers: dict[str, list[str]] = defaultdict(list)
    for step in operations:
        if step["op"] == "update":
            for source in _sources_of_what_changes(step):
                takers[source].append(step["urn"])
    found: set[str] = set()
    waiting = [step["urn"] for step in operations if step["op"] in LOST]
    while waiting:
        new = set(takers.pop(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return frozenset(found)


def _sources_of_what_changes(step: Operation) -> Iterator[str]:
    before, after = step["before"] or {}, step["after"] or {}
    for key, urns in (step["propertyDependencies"]["before"] or {}).items():
        if _differ(before.get("inputs", {}), after.get("inputs", {}), key):
            yield from urns


def _differ(one: Mapping[str, JSON], other: Mapping[str, JSON], key: str) -> bool:
    if key not in one or key not in other:
        return (key in one) != (key in other)
    return canonical_bytes(one[key]) != canonical_bytes(other[key])
