"""What must hold for every value: one form, read back, and no two values with the same bytes."""

from __future__ import annotations

import copy
import json
from typing import Any

import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.plan.canonical import canonical_bytes, parse
from pulumi_mandate.plan.values import same_json
from tests.properties.strategies import JSON, OBJECTS, mutated, places, reordered


@given(JSON)
def test_it_agrees_with_the_reference_implementation(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(OBJECTS)
def test_key_order_never_reaches_the_bytes(value: Any) -> None:
    assert canonical_bytes(reordered(value)) == canonical_bytes(value)


@given(JSON)
def test_what_is_written_is_read_and_written_again(value: Any) -> None:
    data = canonical_bytes(value)
    again = parse(data)

    assert canonical_bytes(again) == data
    assert json.loads(data, parse_int=float) == again  # every number is a double


@given(JSON, st.data())
def test_every_mutation_changes_the_bytes(value: Any, data: st.DataObject) -> None:
    found = places(value)
    assume(found)
    *path, last = ("", *data.draw(st.sampled_from(found)))
    changed = copy.deepcopy({"": value})
    target: Any = changed
    for step in path:
        target = target[step]
    target[last] = mutated(target[last])

    assert canonical_bytes(changed[""]) != canonical_bytes(value)


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_other_bytes_are_read(data: bytes) -> None:
    try:
        value = parse(data)
    except InvalidDocument:
        return
    assert canonical_bytes(value) == data


@given(JSON, JSON)
def test_two_values_have_the_same_bytes_only_if_they_are_the_same(left: Any, right: Any) -> None:
    same = canonical_bytes(left) == canonical_bytes(right)

    assert not (same_json(left, right) and not same)
    assert not (same and json.loads(json.dumps(left)) != json.loads(json.dumps(right)))
