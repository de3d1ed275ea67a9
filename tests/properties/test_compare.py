"""Refinement is a partial order, and nothing but an unknown gives way."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.compare import refines
from pulumi_mandate.plan.markers import is_unknown
from tests.properties.strategies import DOCUMENT_VALUES, JSON


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
