"""Refinement is a partial order, and nothing but an unknown gives way."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.compare import differences, refines
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.markers import is_unknown
from tests.gate.cases import document, operation
from tests.properties.strategies import DOCUMENT_VALUES, JSON, mutated, places

PLANS = st.dictionaries(
    st.sampled_from("xyz"),
    st.dictionaries(st.sampled_from("pq"), DOCUMENT_VALUES, max_size=2),
    min_size=1,
)
"""The inputs of what is created, by name."""


@given(JSON | DOCUMENT_VALUES)
def test_every_value_refines_itself(value: Any) -> None:
    assert refines(value, value)


@given(DOCUMENT_VALUES, DOCUMENT_VALUES)
def test_two_values_that_refine_each_other_are_one(left: Any, right: Any) -> None:
    if refines(left, right) and refines(right, left):
        assert canonical_bytes(left) == canonical_bytes(right)


@given(DOCUMENT_VALUES, DOCUMENT_VALUES, DOCUMENT_VALUES)
def test_refinement_of_a_refinement_is_one(first: Any, second: Any, third: Any) -> None:
    if refines(first, second) and refines(second, third):
        assert refines(first, third)


def _resolved(value: Any, data: st.DataObject) -> Any:
    """What the value may become while the plan runs."""
    if is_unknown(value):
        if data.draw(st.booleans()):
            return value
        marker = {"mandate:v1": "secret", "commitment": "0x" + "3" * 64}
        return (
            marker if value["secret"] else data.draw(st.sampled_from([1, "a", {"a": []}, marker]))
        )
    if isinstance(value, dict):
        return {key: _resolved(item, data) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, data) for item in value]
    return value


@given(DOCUMENT_VALUES, st.data())
def test_what_unknowns_become_is_a_chain_of_refinements(value: Any, data: st.DataObject) -> None:
    second = _resolved(value, data)
    third = _resolved(second, data)

    assert refines(value, second)
    assert refines(second, third)
    assert refines(value, third)


@given(DOCUMENT_VALUES, DOCUMENT_VALUES)
def test_without_unknowns_refinement_is_equality(left: Any, right: Any) -> None:
    if b'"unknown"' not in canonical_bytes(left):
        assert refines(left, right) == (canonical_bytes(left) == canonical_bytes(right))


def _plan(inputs: dict[str, Any]) -> Document:
    return document(*(operation(name, after={"inputs": found}) for name, found in inputs.items()))


def _runs(approved: dict[str, Any], found: dict[str, Any], *, resuming: bool = False) -> bool:
    return not differences(_plan(approved), _plan(found), resuming=resuming)


@given(PLANS, PLANS)
def test_plans_that_may_run_for_each_other_are_one(left: Any, right: Any) -> None:
    assert _runs(left, left)
    if _runs(left, right) and _runs(right, left):
        assert _plan(left).effect_root == _plan(right).effect_root


@given(PLANS, st.data())
def test_what_is_left_of_a_plan_is_a_chain_as_well(plan: Any, data: st.DataObject) -> None:
    second = {name: _resolved(inputs, data) for name, inputs in plan.items()}
    left = data.draw(st.sets(st.sampled_from(sorted(plan)), min_size=1))
    third = {name: _resolved(second[name], data) for name in left}

    assert _runs(plan, second)
    assert _runs(second, third, resuming=True)
    assert _runs(plan, third, resuming=True)
    assert _runs(plan, third) is (left == plan.keys())


@given(PLANS, st.data())
def test_whatever_else_changes_is_no_refinement(plan: Any, data: st.DataObject) -> None:
    found = {name: _resolved(inputs, data) for name, inputs in plan.items()}
    known = [place for place in places(plan) if place and not _is_open(plan, place)]
    if not known:
        return
    *path, last = data.draw(st.sampled_from(known))
    target: Any = found
    for step in path:
        target = target[step]
    target[last] = mutated(target[last])

    assert not _runs(plan, found)
    assert not _runs(plan, found, resuming=True)


def _is_open(plan: Any, place: tuple[Any, ...]) -> bool:
    """Whether the place is part of a marker, or may become one."""
    value = plan
    for step in place:
        if isinstance(value, dict) and "mandate:v1" in value:
            return True
        value = value[step]
    return False
