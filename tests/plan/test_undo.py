"""Which plan undoes another: the one that leads back from every change, and does nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.markers import auto_name, unknown
from pulumi_mandate.plan.undo import undo_differences
from tests.gate.cases import HOOKS, document, operation, urn

NEW, OLD = {"inputs": {"text": "new"}}, {"inputs": {"text": "old"}}
ID = "id-a"


def back(**changes: Any) -> dict[str, Any]:
    """The inverse of `operation("a", "update")`."""
    return operation("a", "update", **{"before": NEW, "after": OLD, **changes})


def fields(done: Document, found: Document) -> list[str]:
    return [one.field.removeprefix("operations.") for one in undo_differences(done, found)]


def replaced(before: dict[str, Any], after: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    sides = {"before": before, "after": after, **changes}
    return [
        operation("a", "replace", **sides),
        operation("a", "create-replacement", **sides),
        operation("a", "delete-replaced", before=before, **changes),
    ]


@pytest.mark.parametrize(
    ("done", "found"),
    [
        ([operation("a", "update")], [back()]),
        ([operation("a", "create")], [operation("a", "delete", before=NEW)]),
        ([operation("a", "delete")], [operation("a", "create", after=OLD)]),
        (replaced(OLD, NEW), replaced(NEW, OLD, id="another")),
        # The stack itself comes with the first resource and goes with the last.
        (
            [operation("s", urn=urn("s", "pulumi:pulumi:Stack")), operation("a")],
            [operation("a", "delete", before=NEW)],
        ),
        # A name is drawn again, and where an unknown was it is known now.
        (
            [operation("a", "delete", before={"inputs": {"name": "x-1f3a0b9"}})],
            [operation("a", "create", after={"inputs": {"name": auto_name("x-", 7)}})],
        ),
        (
            [operation("a", "update", after={"inputs": {"text": unknown()}})],
            [back(before={"inputs": {"text": "known"}})],
        ),
    ],
)
def test_these_undo(done: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    assert undo_differences(document(*done), document(*found)) == []


def _sides(before: Any, after: Any) -> dict[str, Any]:
    return {"before": before, "after": after}


ELSEWHERE = {"parent": "p", "resourceHooks": HOOKS}


@pytest.mark.parametrize(
    ("found", "field"),
    [
        ([back(after={"inputs": {"text": "other"}})], "after.inputs.text"),
        ([back(after={"inputs": {"text": "old", "more": 1}})], "after.inputs"),
        ([back(after={"inputs": {"text": unknown()}})], "after.inputs.text"),
        ([back(after=OLD | {"outputs": {"a": 1}})], "after.outputs"),
        ([back(before={"inputs": {"text": "drifted"}})], "before.inputs.text"),
        ([back(id="another")], "before.id"),
        ([back(options=_sides(ELSEWHERE, ELSEWHERE))], "before.options.parent"),
        ([back(dependencies=_sides([], [urn("b")]))], "after.dependencies"),
        ([back(propertyDependencies=_sides({}, {"text": [urn("b")]}))],
         "after.propertyDependencies"),
        ([back(provider=_sides(None, {"urn": "p", "id": "1"}))], "after.provider"),
        ([operation("a", "metadata", before=NEW, after=OLD), operation("b")], None),
        ([back(), operation("b", "abandon")], None),
        ([operation("a", "delete", before=NEW)], ""),
        (replaced(NEW, OLD), ""),
        ([operation("b")], None),
    ],
)  # fmt: skip
def test_these_do_not(found: list[dict[str, Any]], field: str | None) -> None:
    expected = f"{urn('a')}.{field}".rstrip(".")
    different = fields(document(operation("a", "update")), document(*found))

    assert different
    if field is None:
        assert urn("b") in different
    else:
        assert [one for one in different if one == expected] == [expected]


def test_what_was_taken_from_a_touched_resource_may_be_open_and_nothing_else() -> None:
    taken = {"before": {"ref": [urn("b")]}, "after": {}}
    given = {"before": {}, "after": {"ref": [urn("b")]}}
    old, new = {"ref": {"arn": "arn:1", "who": "us"}}, {"ref": "none"}
    done = document(
        operation("a", "update", before={"inputs": old}, after={"inputs": new},
                  propertyDependencies=taken),
        operation("b", "delete"),
    )  # fmt: skip

    def undo(value: Any) -> list[str]:
        again = back(
            before={"inputs": new}, after={"inputs": {"ref": value}}, propertyDependencies=given
        )
        return fields(done, document(again, operation("b", "create", after=OLD)))

    assert undo({"arn": "arn:1", "who": "us"}) == []
    assert undo({"arn": unknown(), "who": "us"}) == []
    assert undo({"arn": unknown(), "who": "them"})
    assert undo({"arn": "arn:2", "who": "us"})


def test_a_resource_that_nothing_leads_back_from_must_be_left_alone() -> None:
    done = document(operation("a", "update"), operation("b", "abandon"))

    assert undo_differences(done, document(back())) == []
    assert fields(done, document(back(), operation("b", "create"))) == [urn("b")]


def test_what_nothing_leads_back_from_is_undone_by_nothing() -> None:
    stack = operation("s", "create", urn=urn("s", "pulumi:pulumi:Stack"))

    assert fields(document(operation("a", "abandon")), document(stack)) == ["operations"]


def test_a_rising_revision_is_not_set_back() -> None:
    kind = "pulumi-python:dynamic/mandate:EdgeBundle"

    def bundle(before: tuple[int, str], after: tuple[int, str]) -> Document:
        old, new = ({"inputs": {"revision": n, "text": text}} for n, text in (before, after))
        named = {"urn": urn("a", kind), "type": kind}
        return document(operation("a", "update", **named, before=old, after=new))

    done, undo = bundle((1, "a"), (2, "b")), bundle((2, "b"), (3, "a"))

    assert undo_differences(done, undo) == []


def test_a_plan_of_another_stack_or_another_key_undoes_nothing() -> None:
    done, found = document(operation("a", "update")), document(back())
    other = found.content["subject"] | {"stack": "dev"}

    assert fields(done, document(back(), subject=other)) == ["subject.stack"]
    assert fields(done, document(back(), secretKeyId="0x" + "11" * 32)) == ["secretKeyId"]
