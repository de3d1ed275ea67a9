"""What leads back from a plan, and what nothing leads back from."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.plan.inverse import changes_of, inverse, losses
from pulumi_mandate.plan.markers import unknown
from tests.gate.cases import operation, urn
from tests.plan.samples import EVERY_OPERATION, build, recorded

OLD = {"inputs": {"text": "old"}}
OPTIONS = {"parent": "urn:stack"}
NAMED = "it is renamed: the former program would make another, unless it has an alias"
TAKEN = "it took a value from something that does not come back as it was"
NO_WAY = "no operation leads back from it"
LET_GO = "the resource stays where it is, and nobody manages it any more"
WAS_THERE = "it was there before: the former program would delete it"
DYNAMIC = "pulumi-python:dynamic/mandate:"


def test_every_operation_of_the_engine_is_undone_or_named() -> None:
    document = build(recorded(EVERY_OPERATION))
    told = {
        (str(entry["urn"]).rpartition("::")[2], entry["op"]): entry["reason"]
        for entry in document.content["rollback"]["irreversible"]
    }

    gone = "what is deleted does not come back"
    replaced = "the old resource and its data are deleted"
    assert told == {
        ("abandon", "abandon"): LET_GO,
        ("delete", "delete"): gone,
        ("dropped-leaf", "delete"): gone,
        ("dependent", "delete-replaced"): replaced,
        ("replace", "delete-replaced"): replaced,
        ("replace-first", "delete-replaced"): replaced,
        ("reimport", "delete-replaced"): replaced,
        ("reimport", "import-replacement"): WAS_THERE,
        ("reimport", "replace"): NO_WAY,
        ("import", "import"): WAS_THERE,
        ("import-other", "import"): WAS_THERE,
        ("import-other", "update"): NO_WAY,
        ("managed-then-read", "read"): LET_GO,
        ("read-then-managed", "create-replacement"): NO_WAY,
        ("read-then-managed", "replace"): NO_WAY,
        ("new-name", "metadata"): NAMED,
        ("retyped", "metadata"): NAMED,
    }
    back = {
        change.urn.rpartition("::")[2]: change
        for change in inverse(changes_of(document.operations))
    }
    assert {name: change.word for name, change in back.items() if change.word != "update"} == {
        "create": "delete",
        "inside-known": "delete",
        "read": "delete",
        "read-later": "delete",
        "delete": "create",
        "dropped": "create",
        "dropped-inner": "create",
        "dropped-leaf": "create",
        "read-no-more": "create",
        "dependent": "replace",
        "replace": "replace",
        "replace-first": "replace",
    }
    assert back["update"].before["inputs"] == {"kept": 1, "label": "b", "new": "y"}
    assert back["update"].after["inputs"] == {"gone": "x", "kept": 1, "label": "a"}
    assert back["old-name"].before["urn"].endswith("::new-name")


def _options(**after: Any) -> dict[str, Any]:
    return {"before": None, "after": OPTIONS | after}


def _sources(name: str) -> dict[str, Any]:
    return {"before": {"text": [urn(name)]}, "after": {}}


@pytest.mark.parametrize(
    ("op", "changes", "reason"),
    [
        ("create", {}, None),
        ("update", {}, None),
        ("metadata", {}, None),
        ("create", {"options": _options(protect=True)},
         "it is protected: it cannot be deleted until that is taken away"),
        ("create", {"options": _options(retainOnDelete=True)},
         "it is kept when the stack lets it go"),
        ("delete", {"id": None}, None),  # a component
        ("delete", {"id": None, "provider": {"before": {"urn": "p", "id": "1"}, "after": None}},
         "what is deleted does not come back"),
        ("remove-pending-replace", {}, NO_WAY),
        ("delete-replaced", {}, "the old resource and its data are deleted"),
        ("discard-replaced", {"after": None}, None),
        ("update", {"before": OLD | {"urn": urn("z")}}, NAMED),
        ("create", {"type": DYNAMIC + "EvmCall"},
         "what is sent to a chain stays there; only the stack can forget it"),
        ("update", {"type": DYNAMIC + "EvmContract"},
         "what is sent to a chain stays there; only the stack can forget it"),
        ("create", {"type": DYNAMIC + "EdgeBundle"}, None),
        ("update", {"type": DYNAMIC + "EdgeBundle"},
         "a site's revision only rises, so that it never takes an old bundle for a new one"),
    ],
)  # fmt: skip
def test_a_step_alone(op: str, changes: dict[str, Any], reason: str | None) -> None:
    found = losses([operation("a", op, **changes)])

    assert [entry["reason"] for entry in found] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("source", "changes", "lost"),
    [
        ("delete", {}, True),
        ("abandon", {}, True),
        ("update", {}, False),
        ("delete", {"after": OLD}, False),  # the value stays as it is
        ("delete", {"after": {"inputs": {}}}, True),
        ("delete", {"propertyDependencies": {"before": {"other": [urn("a")]}, "after": {}}}, False),
    ],
)
def test_a_value_that_came_from_what_is_lost(
    source: str, changes: dict[str, Any], lost: bool
) -> None:
    taker = {"propertyDependencies": _sources("a")} | changes
    steps = [operation("a", source), operation("b", "update", **taker)]

    assert ({"urn": urn("b"), "op": "update", "reason": TAKEN} in losses(steps)) is lost


def test_what_is_taken_is_lost_all_along_the_way() -> None:
    steps = [
        operation("a", "delete"),
        operation("c", "update", propertyDependencies=_sources("b")),
        operation("b", "update", propertyDependencies=_sources("a")),
        operation("d", "update", propertyDependencies=_sources("e")),
        operation("e", "update", propertyDependencies=_sources("d")),
    ]

    assert [entry["urn"] for entry in losses(steps)] == [urn("a"), urn("c"), urn("b")]


def test_the_stack_comes_and_goes_with_its_resources() -> None:
    stack = urn("shop-prod", "pulumi:pulumi:Stack")
    pretender = urn("x::pulumi:pulumi:Stack::y")

    assert changes_of([operation("s", "create", urn=stack)]) == []
    assert [change.word for change in changes_of([operation("s", "metadata", urn=stack)])] == [
        "update"
    ]
    assert [change.urn for change in changes_of([operation("x", urn=pretender)])] == [pretender]


def test_nobody_knows_the_id_of_what_is_made() -> None:
    (created,) = inverse(changes_of([operation("a", "create")]))
    (updated,) = inverse(changes_of([operation("a", "update")]))

    assert created.before is not None
    assert created.before["id"] == unknown()
    assert updated.before is not None
    assert updated.before["id"] == "id-a"


def test_the_provider_s_answers_and_the_way_it_was_made_are_no_part_of_a_resource() -> None:
    answer = {"mandate:v1": "secret", "commitment": "0x" + "11" * 32}
    options = {"before": OPTIONS, "after": OPTIONS | {"deleteBeforeReplace": True, "protect": True}}
    before = OLD | {"outputs": answer}
    (change,) = changes_of([operation("a", "update", before=before, options=options)])

    assert change.before is not None
    assert change.before["outputs"] == {}
    assert change.after is not None
    assert change.after["options"] == OPTIONS | {"protect": True}
