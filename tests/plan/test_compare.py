"""What may differ between the approved plan and the one that would run: almost nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pulumi_mandate.errors import IncompletePlan
from pulumi_mandate.models import keccak
from pulumi_mandate.plan.compare import differences, refines
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.toolchain import Package, toolchain
from tests.plan.samples import (
    UNKNOWN,
    build,
    creation,
    made_up,
    plan,
    program,
    recorded,
    secret,
    step,
)

U = {"mandate:v1": "unknown", "secret": False}
SU = {"mandate:v1": "unknown", "secret": True}
S = {"mandate:v1": "secret", "commitment": "0x" + "11" * 32}
NAMED = {"mandate:v1": "auto-name", "prefix": "bucket-", "drawn": "hex(7)"}


@pytest.mark.parametrize(
    ("approved", "found", "lawful"),
    [
        (U, "0.0.0.0/0", True), (U, None, True), (U, {"a": [1]}, True), (U, S, True), (U, U, True),
        (SU, S, True), (SU, SU, True), (SU, "plain", False), (SU, U, False), (U, SU, True),
        (S, S, True), (S, {**S, "commitment": "0x22"}, False), (S, U, False), ("x", U, False),
        ({"a": U, "b": 1}, {"a": 5, "b": 1}, True), ({"a": U, "b": 1}, {"a": 5, "b": 2}, False),
        ({"a": U}, {}, False), ({}, {"a": 1}, False), ({"a": U}, {"a": 1, "b": 2}, False),
        ([U, 1], [2, 1], True), ([U], [1, 2], False), ([1], {"0": 1}, False),
        (1, 1.0, True), (1, True, False), (0, False, False), (None, False, False), ("1", 1, False),
        (NAMED, "bucket-1f3a0b9", True), (NAMED, "other", False), (NAMED, 1, False),
        (NAMED, "bucket-1f3", False), (NAMED, "bucket-1f3a0b9c", False), (NAMED, U, False),
        (NAMED, "bucket-1f3a0bz", False), (NAMED, "socket-1f3a0b9", False), (NAMED, NAMED, True),
        (NAMED, NAMED | {"drawn": "hex(8)"}, False), ("bucket-1f3a0b9", NAMED, False),
        (NAMED | {"drawn": "any"}, "bucket-1f3a0b9", False), (NAMED, "bucket-1f3a0b9\n", False),
        ({"mandate:v1": "unknown2"}, 1, False),
    ],
)  # fmt: skip
def test_refinement(approved: object, found: object, lawful: bool) -> None:
    assert refines(approved, found) is lawful


def test_a_plan_equals_itself_whoever_proposes_it() -> None:
    again = build(recorded(), salt=keccak(b"other"), not_before=1, expires_at=2, commit="ab" * 20)

    assert differences(build(recorded()), again) == []


def _fields(approved: Document, found: Document, **how: bool) -> list[str]:
    return [
        difference.field.rpartition("::")[2] for difference in differences(approved, found, **how)
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"program": program("other")}, "program.digest"),
        ({"rules": keccak(b"other")}, "rules"),
        (
            {"toolchain": toolchain("v3.259.0", [Package("evil", "1", keccak(b"x"), ())])},
            "toolchain.packages.0.digest",
        ),
    ],
)
def test_what_would_run_must_be_what_was_approved(change: dict[str, Any], field: str) -> None:
    assert field in _fields(build(recorded()), build(recorded(), **change))


def test_another_engine_is_another_plan() -> None:
    other = recorded()
    other.plan_file["manifest"]["version"] = "v3.260.0"

    found = build(other, toolchain=toolchain("v3.260.0", []))

    assert "toolchain.engine" in _fields(build(recorded()), found)
    with pytest.raises(IncompletePlan, match="another engine"):
        build(other)


def test_an_input_that_differs_is_named_with_both_values() -> None:
    other = recorded()
    plan(other, "f")["goal"]["inputDiff"]["adds"]["label"] = "evil\u202e"
    step(other, "f")["newState"]["inputs"]["label"] = "evil\u202e"

    (difference,) = differences(build(recorded()), build(other))

    assert difference.field.endswith("::f.create.after.inputs.label")
    assert (difference.expected, difference.found) == ('"zeta"', '"evil\\u202e"')


def test_an_operation_more_or_less_is_a_difference() -> None:
    one, two = made_up({"x": {"label": "a"}}), made_up({"x": {"label": "a"}, "y": {"label": "b"}})

    assert _fields(build(one), build(two)) == ["y.create"]
    assert _fields(build(two), build(one)) == ["y.create"]
    assert _fields(build(two), build(one), resuming=True) == []
    assert _fields(build(one), build(two), resuming=True) == ["y.create"]


def test_an_unknown_may_become_known_but_the_known_may_not_change() -> None:
    approved = build(creation("x", {"v": UNKNOWN, "w": "1"}))

    assert _fields(approved, build(creation("x", {"v": "10.0.0.0/8", "w": "1"}))) == []
    assert _fields(approved, build(creation("x", {"v": UNKNOWN, "w": "2"}))) == [
        "x.create.after.inputs.w"
    ]
    assert _fields(build(creation("x", {"v": "1"})), build(creation("x", {"v": UNKNOWN}))) != []


def test_a_secret_that_changed_is_a_difference() -> None:
    one = build(creation("x", {"v": secret("a")}, {"v": "[secret]"}))
    two = build(creation("x", {"v": secret("b")}, {"v": "[secret]"}))

    assert _fields(one, two) == ["x.create.after.inputs.v.commitment"]


def test_a_known_value_may_not_raise_the_tier() -> None:
    approved = build(creation("x", {"principals": "a"}))
    content = copy.deepcopy(approved.content)
    lower = {**content["operations"][0], "tier": 2}
    object.__setattr__(approved, "content", {**content, "operations": [lower]})

    assert _fields(approved, build(creation("x", {"principals": "a"}))) == ["x.create.tier"]


def test_the_base_counts_unless_the_run_itself_changed_it() -> None:
    approved, found = build(recorded()), build(recorded())
    object.__setattr__(found, "content", {**found.content, "base": "0x" + "00" * 32})

    assert _fields(approved, found) == ["base"]
    assert _fields(approved, found, resuming=True) == []


THING = "urn:pulumi:dev::fixture::pulumi-python:dynamic/mandate:Thing::x"


def _stopped(op: str, **changes: Any) -> Document:
    """The plan of `x`, as a resumed run may find it: at another point of the same change."""
    document = build(creation("x", {"label": "a"}))
    (operation,) = copy.deepcopy(document.operations)
    operation["op"] = op
    if "delete" in op:
        operation |= {"id": "one", "before": operation["after"], "after": None}
        operation["provider"]["before"] = {"urn": "p", "id": "1"}
    if op == "update" or changes.pop("made", False):
        operation["id"] = "one"
    for path, value in changes.items():
        part, _, side = path.partition("__")
        if side:
            operation[part] = {**operation[part], side: value}
        else:
            operation[part] = value
    object.__setattr__(document, "content", {**document.content, "operations": [operation]})
    return document


@pytest.mark.parametrize(
    ("first", "later", "changes", "field"),
    [
        ("create", "update", {}, None),
        ("create-replacement", "update", {}, None),
        ("update", "metadata", {"made": True}, None),
        ("delete-replaced", "delete", {}, None),
        ("create", "update", {"provider__after": {"urn": "q", "id": "2"}}, "provider.after.urn"),
        ("create", "metadata", {"provider__after": None}, "provider.after"),
        ("create", "update", {"options__after": {"retainOnDelete": True}}, "options.after"),
        ("create", "update", {"dependencies__after": ["urn:other"]}, "dependencies.after"),
        ("update", "metadata", {"id": "two"}, "id"),
        ("delete-replaced", "delete", {"id": "two"}, "id"),
        ("delete-replaced", "delete", {"provider__before": None}, "provider.before"),
    ],
)
def test_a_resumed_step_keeps_provider_options_and_id(
    first: str, later: str, changes: dict[str, Any], field: str | None
) -> None:
    found = differences(_stopped(first), _stopped(later, **changes), resuming=True)

    expected = [f"operations.{THING}.{later}.{field}"] if field else []
    assert [difference.field for difference in found][:1] == expected
