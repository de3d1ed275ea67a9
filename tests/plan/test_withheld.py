"""A plan modulo secrets: all of it shows but what the secrets are."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.errors import EmptyPlan
from pulumi_mandate.plan.compare import open_differences
from pulumi_mandate.plan.markers import provider_code, secret, unknown
from pulumi_mandate.plan.withheld import open_operations, open_root, without_secrets
from tests.gate.cases import document, operation

ONE, TWO = (secret("0x" + digit * 64) for digit in "12")


def made(text: Any, **changes: Any) -> dict[str, Any]:
    return operation("a", after={"inputs": {"text": text}}, **changes)


def update(before: Any, after: Any, **changes: Any) -> dict[str, Any]:
    sides = {"before": {"inputs": before}, "after": {"inputs": after}}
    return operation("a", "update", **sides | changes)


def outputs(value: Any) -> dict[str, Any]:
    return {"inputs": {}, "outputs": {"x": value}}


def test_all_secrets_look_the_same_and_everything_else_stays() -> None:
    assert without_secrets({"a": [ONE, {"b": TWO}]}) == without_secrets({"a": [TWO, {"b": ONE}]})
    for value in ({"a": [1, "x", None, True]}, unknown(secret=True), unknown(), "0x00"):
        assert without_secrets(value) == value


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ONE, TWO, True),
        (ONE, "hunter2", False),
        ("a", "b", False),
        (ONE, unknown(secret=True), False),
        ({"x": ONE}, {"y": ONE}, False),
        ([ONE], [ONE, TWO], False),
    ],
)
def test_only_what_a_secret_is_makes_no_difference(one: Any, other: Any, same: bool) -> None:
    assert (open_root([made(one)]) == open_root([made(other)])) is same
    assert (open_differences(document(made(one)), document(made(other))) == []) is same


@pytest.mark.parametrize(
    "hidden",
    [
        update({"x": ONE}, {"x": TWO}),
        operation("a", "metadata", before=outputs(ONE), after=outputs(TWO)),
    ],
    ids=["inputs", "outputs"],
)
def test_a_change_of_secrets_alone_does_not_show(hidden: dict[str, Any]) -> None:
    assert open_operations([hidden, made("b")]) == [made("b")]
    assert open_differences(document(hidden, operation("b")), document(operation("b"))) == []
    with pytest.raises(EmptyPlan, match="nothing but secrets"):
        open_root([hidden])


def code(digit: str, *names: str) -> dict[str, Any]:
    return {"__provider": provider_code(*names, "0x" + digit * 64)}


OURS, THEIRS = ("ours.bucket", "Bucket", "0xab"), ("evil", "Bucket", "program")


def test_whose_code_runs_shows_without_the_commitment_to_it() -> None:
    """The state's own code cannot be read, so an attestor's preview replaces all of it."""
    one, other = (operation("a", after={"inputs": code(d, *OURS)}) for d in "12")
    assert open_root([one]) == open_root([other])
    assert open_differences(document(one), document(other)) == []

    for inputs in (code("1", *THEIRS), {"__provider": ONE}):
        swapped = operation("a", after={"inputs": inputs})
        assert open_root([one]) != open_root([swapped])
        assert open_differences(document(one), document(swapped)) != []


def test_whose_code_runs_shows_where_nothing_else_changes() -> None:
    proposed = update(code("1", *OURS), code("2", *OURS))
    unread = code("3", "builtins", "object", "program")
    honest, evil = (update(unread, code("4", *whose)) for whose in (OURS, THEIRS))
    assert open_operations([proposed, honest, made("b")]) == [made("b")]

    ours, same, other = (document(one, operation("b")) for one in (proposed, honest, evil))
    assert open_differences(ours, same) == []
    (difference,) = open_differences(ours, other)
    assert difference.field.endswith("::a.update.after.inputs.__provider")


@pytest.mark.parametrize(
    "shown",
    [
        update({"x": ONE, "y": 1}, {"x": TWO, "y": 2}),
        update({"x": ONE}, {"x": ONE}),
        update({"x": ONE}, {"x": "hunter2"}),
        update({"x": ONE}, {"x": TWO}, dependencies={"before": [], "after": ["urn:b"]}),
        operation("a", "metadata", before=outputs(ONE), after=outputs("y")),
        operation("a", "delete", before={"inputs": {"x": ONE}}),
    ],
    ids=[
        "another value",
        "no value at all",
        "shown now",
        "another dependency",
        "an output",
        "a delete",
    ],
)
def test_whatever_else_an_operation_changes_shows(shown: dict[str, Any]) -> None:
    assert open_operations([shown]) == [without_secrets(shown)]


def test_another_program_is_told_even_modulo_secrets() -> None:
    ours = document(made(ONE))
    program = ours.content["program"] | {"commit": "1" * 40}
    config = {"aws:region": "eu-1"}

    assert open_differences(ours, document(made(TWO), program=program)) == []
    fields = [d.field for d in open_differences(ours, document(made(TWO), config=config))]
    assert fields == ["config.aws:region"]
