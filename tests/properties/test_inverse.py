"""A plan and then its inverse: what was there before is there again, or was named beforehand.

The world is a model: a program says what it wants, an engine of a page makes operations of it, as
`plan.build` writes them, and does them. The same on the real engine: `tests/engine/test_undo.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from pulumi_mandate.plan.compare import refines
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.inverse import Change, changes_of, inverse, losses
from pulumi_mandate.plan.markers import unknown
from pulumi_mandate.plan.undo import undo_differences
from tests.gate.cases import document, operation, urn

NAMES = "abcd"
ONE_WAY = ("abandon", "import")


@dataclass(frozen=True)
class Wish:
    """What a program says about one resource."""

    label: int
    kind: int
    """Another one is another resource."""
    source: str | None = None
    """Whose answer it takes as an input: one that comes before it in the alphabet."""
    options: Mapping[str, bool] = field(default_factory=dict)
    imported: bool = False


Program = Mapping[str, Wish]
State = dict[str, dict[str, Any]]
"""Name to a side of a change, as `changes_of` has it."""

WISHES = st.builds(
    Wish,
    label=st.integers(0, 1),
    kind=st.integers(0, 1),
    options=st.sampled_from([{}, {}, {}, {"protect": True}, {"retainOnDelete": True}]),
    imported=st.sampled_from([False, False, False, True]),
)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    program = {name: draw(WISHES) for name in NAMES if draw(st.sampled_from([True, True, False]))}
    earlier = {name: [None, *(other for other in program if other < name)] for name in program}
    return {
        name: replace(wish, source=draw(st.sampled_from(earlier[name])))
        for name, wish in program.items()
    }


class World:
    """Does what programs ask for. Every id is new, and a resource answers with it and with what it
    was given by another one."""

    def __init__(self) -> None:
        self.state: State = {}
        self._ids = itertools.count()

    def run(self, program: Program) -> list[dict[str, Any]]:
        """The operations, as they stand in a document, after doing them."""
        before, self.state = self.state, {}
        open_: set[str] = set()
        operations: list[dict[str, Any]] = []
        for name in sorted(program):
            operations += self._one(name, program[name], before.get(name), open_)
        for name in sorted(before.keys() - program.keys()):
            kept = before[name]["options"].get("retainOnDelete")
            operations.append(_step(name, "abandon" if kept else "delete", before[name], None))
        return operations

    def _one(
        self, name: str, wish: Wish, old: dict[str, Any] | None, open_: set[str]
    ) -> Iterator[dict[str, Any]]:
        real = self._side(name, wish)
        seen = {**real, "inputs": dict(real["inputs"])}
        if wish.source in open_:
            seen["inputs"]["taken"] = unknown()
            open_.add(name)
        anew = old is not None and old["inputs"]["kind"] != wish.kind
        if old is None and wish.imported:
            steps: tuple[str, ...] = ("import",)
        elif old is None or anew:
            open_.add(name)
            steps = ("create-replacement", "delete-replaced", "replace") if anew else ("create",)
        elif old["inputs"] != seen["inputs"]:
            steps = ("update",)
        else:
            steps = ("metadata",) if _rest(old) != _rest(seen) else ()
        fresh = f"found-{name}" if "import" in steps else f"id-{next(self._ids)}"
        real["id"] = old["id"] if old and not anew else fresh
        self.state[name] = real
        return (_step(name, op, old, None if "delete" in op else seen) for op in steps)

    def _side(self, name: str, wish: Wish) -> dict[str, Any]:
        inputs: dict[str, Any] = {"label": wish.label, "kind": wish.kind}
        if wish.source is not None:
            source = self.state[wish.source]
            inputs["taken"] = [source["id"], source["inputs"].get("taken")]
        needs = [urn(wish.source)] if wish.source is not None else []
        return {
            "urn": urn(name),
            "inputs": inputs,
            "outputs": {},
            "provider": None,
            "options": dict(wish.options),
            "dependencies": needs,
            "propertyDependencies": {"taken": needs} if needs else {},
        }


def _rest(side: Mapping[str, Any]) -> dict[str, Any]:
    return {key: side[key] for key in ("options", "dependencies", "propertyDependencies")}


def _step(
    name: str, op: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> dict[str, Any]:
    sides = {"before": old, "after": new}
    parts = ("provider", "options", "dependencies", "propertyDependencies")
    return operation(
        name,
        op,
        id=old["id"] if old else f"found-{name}" if op == "import" else None,
        **{side: value and {"inputs": value["inputs"]} for side, value in sides.items()},
        **{p: {side: value and value[p] for side, value in sides.items()} for p in parts},
    )


def _applied(changes: list[Change], state: State) -> State:
    """The state after the changes, each of which finds what it says is there."""
    result = dict(state)
    for change in changes:
        name = change.urn.rpartition("::")[2]
        if change.before is not None:
            assert refines(dict(change.before), result.pop(name))
        if change.after is not None:
            assert name not in result
            result[name] = dict(change.after)
    return result


def _lost(operations: list[dict[str, Any]]) -> set[str]:
    return {str(entry["urn"]).rpartition("::")[2] for entry in losses(operations)}


def _plan(operations: list[dict[str, Any]]) -> Document:
    assume(operations)
    return document(*operations)


@given(programs(), programs())
def test_the_inverse_of_the_inverse_is_the_plan(first: Program, second: Program) -> None:
    world = World()
    world.run(first)
    changes = changes_of(world.run(second))

    assert inverse(inverse(changes)) == changes
    assert [(one.after, one.before) for one in inverse(changes)] == [
        (one.before, one.after) for one in changes
    ]


@given(programs(), programs())
def test_a_plan_and_its_inverse_lead_back(first: Program, second: Program) -> None:
    world = World()
    world.run(first)
    before = world.state
    operations = world.run(second)
    changes = changes_of(operations)
    after = world.state

    back = _applied(inverse(changes), after)

    without = {one["urn"] for one in operations} - {change.urn for change in changes}
    assert {urn.rpartition("::")[2] for urn in without} <= _lost(operations)
    for name in {*before, *after} - {one.rpartition("::")[2] for one in without}:
        assert back.get(name) == before.get(name)


@given(programs(), programs())
def test_what_the_former_program_does_not_bring_back_was_named(
    first: Program, second: Program
) -> None:
    world = World()
    world.run(first)
    before = world.state
    lost = _lost(world.run(second))
    after = world.state
    world.run(first)

    for name in {*before, *after, *world.state}:
        if world.state.get(name) != before.get(name):
            assert name in lost


@given(programs(), programs())
def test_the_former_program_undoes_a_plan(first: Program, second: Program) -> None:
    world = World()
    world.run(first)
    done = world.run(second)
    undo = _plan(world.run(first))
    one_way = {one["urn"] for one in [*done, *undo.operations] if one["op"] in ONE_WAY}
    expected = {f"operations.{one['urn']}" for one in undo.operations if one["urn"] in one_way}
    if not inverse(changes_of(done)):
        expected.add("operations")  # a plan of which nothing can be undone is undone by none

    assert {one.field for one in undo_differences(_plan(done), undo)} == expected


@given(programs(), programs(), programs())
def test_no_other_program_undoes_it(first: Program, second: Program, other: Program) -> None:
    world = World()
    world.run(first)
    before = world.state
    done = _plan(world.run(second))
    found = _plan(world.run(other))

    if not undo_differences(done, found):
        assert _wishes(world.state) == _wishes(before)


def _wishes(state: State) -> State:
    """With names in the place of ids, which are other ones for what is made again."""
    names = {side["id"]: name for name, side in state.items()}

    def named(value: Any) -> Any:
        return list(map(named, value)) if isinstance(value, list) else names.get(value, value)

    return {
        name: {
            **side,
            "id": None,
            "inputs": {key: named(value) for key, value in side["inputs"].items()},
        }
        for name, side in state.items()
    }
