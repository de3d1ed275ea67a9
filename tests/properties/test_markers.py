"""Nobody forges a marker by typing one, and no secret finds its way into a document."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.values import Reader, masked
from tests.plan.samples import KEY, UNKNOWN, build, creation, secret
from tests.properties.strategies import ENGINE_VALUES, JSON, OBJECTS

READER = Reader(KEY, "urn:pulumi:dev::p::t::n", {})
NAMES = st.text("abcdefgh", min_size=1, max_size=3)


def _markers(value: Any) -> list[str]:
    """The names of all markers in a converted value."""
    if isinstance(value, list):
        return [name for item in value for name in _markers(item)]
    if isinstance(value, dict):
        own = [str(value["mandate:v1"])] if "mandate:v1" in value else []
        return own + [name for item in value.values() for name in _markers(item)]
    return []


@given(JSON)
def test_plain_data_makes_no_marker_but_the_escape(value: Any) -> None:
    assert set(_markers(READER.value(value, ["p"]))) <= {"escaped"}


@given(JSON, JSON)
def test_conversion_keeps_different_values_apart(left: Any, right: Any) -> None:
    converted = [canonical_bytes(READER.value(value, ["p"])) for value in (left, right)]

    assert (converted[0] == converted[1]) == (canonical_bytes(left) == canonical_bytes(right))


@given(ENGINE_VALUES, JSON)
def test_no_typed_value_equals_one_with_a_real_marker(engine: Any, typed: Any) -> None:
    converted = READER.value(engine, ["p"])
    if set(_markers(converted)) - {"escaped"}:
        assert canonical_bytes(converted) != canonical_bytes(READER.value(typed, ["p"]))
        # Not even by typing exactly what the document shows.
        assert canonical_bytes(READER.value(converted, ["p"])) != canonical_bytes(converted)


@given(OBJECTS)
def test_a_document_is_built_from_any_inputs_and_keeps_its_secrets(inputs: dict[str, Any]) -> None:
    value = {**inputs, "hidden": secret("a-very-secret-value"), "later": UNKNOWN}
    inputs = json.loads(json.dumps(value))
    document = build(creation("x", inputs, masked(inputs)))

    assert b"a-very-secret-value" not in document.data
    assert document.content["unknowns"] or "mandate:v1" in inputs


@given(OBJECTS, NAMES, JSON, JSON)
def test_another_input_has_another_effect_root(
    inputs: dict[str, Any], name: str, left: Any, right: Any
) -> None:
    first, second = ({**inputs, name: value} for value in (left, right))
    roots = {build(creation("x", value)).effect_root for value in (first, second)}

    assert (len(roots) == 1) == (canonical_bytes(left) == canonical_bytes(right))
