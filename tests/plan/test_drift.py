"""A refresh, an import, an edit of the state: the state as it is and as it would become."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pulumi_mandate.errors import EmptyPlan, IncompletePlan
from pulumi_mandate.models import Kind, Tier
from pulumi_mandate.plan.inverse import LOST
from pulumi_mandate.plan.raw import RawPreview
from pulumi_mandate.plan.reading import read_plan
from pulumi_mandate.plan.summary import rollback
from tests.plan.samples import (
    PREFIX,
    PROVIDER,
    STACK,
    THING,
    build,
    operation,
    recorded,
    secret,
)

Change = Callable[[dict[str, Any]], None]


def refreshed(*changes: tuple[str, Change]) -> RawPreview:
    """The recorded state, and a refreshed copy in which these resources changed."""
    raw = recorded()
    made = copy.deepcopy(raw.before)
    made["deployment"]["manifest"] = {"version": "v3.259.0"}
    for name, change in changes:
        change(one(made, name))
    return replace(raw, plan_file={}, steps={}, kind="refresh", made=made)


def one(export: dict[str, Any], name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = export["deployment"]["resources"]
    return next(resource for resource in found if resource["urn"].endswith(f"::{name}"))


def answers(**outputs: Any) -> Change:
    return lambda resource: resource["outputs"].update(outputs)


def gone(raw: RawPreview, name: str) -> RawPreview:
    raw.made["deployment"]["resources"].remove(one(raw.made, name))
    return raw


def test_what_the_provider_answers_is_shown_beside_what_the_state_says() -> None:
    document = build(refreshed(("b", answers(label="drifted"))))
    (found,) = document.operations

    assert document.content["kind"] == "refresh"
    assert (found["op"], found["kind"]) == ("refresh", Kind.METADATA)
    assert found["before"]["outputs"]["label"] != "drifted" == found["after"]["outputs"]["label"]
    assert found["before"]["inputs"] == found["after"]["inputs"]
    assert document.tier is Tier.HIGH
    lines = [line for entry in read_plan(document).entries for line in entry.lines]
    assert [line.after for line in lines if line.name == "outputs.label"] == ['"drifted"']


def test_two_secret_answers_differ_and_neither_is_told() -> None:
    first, second = (
        build(refreshed(("b", answers(token=secret(text))))) for text in ("hunter2", "hunter3")
    )

    assert first.effect_root != second.effect_root
    assert b"hunter" not in first.data


def test_what_is_gone_leaves_the_state() -> None:
    document = build(gone(refreshed(), "b"))
    found = operation(document, "b")

    assert (found["op"], found["kind"], found["after"]) == ("forget", Kind.ABANDON, None)
    assert document.content["rollback"] == rollback(document.operations)
    assert [entry["op"] for entry in document.content["rollback"]["irreversible"]] == ["forget"]


def test_a_state_that_is_as_it_says_needs_no_plan() -> None:
    def touch(resource: dict[str, Any]) -> None:
        resource["modified"] = "2026-01-01T00:00:00Z"

    with pytest.raises(EmptyPlan):
        build(refreshed(("b", touch)))


def test_options_and_dependencies_that_change_are_part_of_it() -> None:
    def cut(resource: dict[str, Any]) -> None:
        resource["dependencies"] = ["urn:pulumi:dev::fixture::x:y:Z::other"]

    assert operation(build(refreshed(("b", cut))), "b")["dependencies"]["after"]


def test_what_enters_the_state_or_gets_another_id_is_refused() -> None:
    raw = refreshed(("b", lambda resource: resource.update(id="another")))
    with pytest.raises(IncompletePlan, match="another id"):
        build(raw)

    raw = refreshed()
    raw.made["deployment"]["resources"].append(
        one(raw.made, "b") | {"urn": f"{PREFIX}{THING}::new"}
    )
    with pytest.raises(IncompletePlan, match="would enter the state"):
        build(raw)


def test_a_resource_twice_or_unknown_parts_are_refused() -> None:
    raw = refreshed()
    raw.made["deployment"]["resources"].append(one(raw.made, "b"))
    with pytest.raises(IncompletePlan, match="one resource twice"):
        build(raw)

    with pytest.raises(IncompletePlan, match="'novelty'"):
        build(refreshed(("b", lambda resource: resource.update(novelty=1))))

    raw = refreshed()
    raw.made["deployment"]["pending_operations"] = [{"type": "creating"}]
    with pytest.raises(IncompletePlan, match="pending_operations"):
        build(raw)


def test_a_state_that_changes_meanwhile_is_refused() -> None:
    raw = refreshed(("b", answers(label="drifted")))
    one(raw.after, "b")["id"] = "moved"

    with pytest.raises(IncompletePlan, match="changed during the preview"):
        build(raw)


PLUGIN = f"{PREFIX}pulumi:providers:echo::default"
OLD = f"{PREFIX}echo:index:Thing::old"


def imported(*, provider_id: str = "p-1", label: str = "from the cloud") -> RawPreview:
    """The recorded state, and a copy into which a resource and its provider came."""
    raw = replace(refreshed(), kind="import")
    raw.made["deployment"]["resources"] += [
        {"urn": PLUGIN, "custom": True, "id": provider_id, "type": "pulumi:providers:echo",
         "inputs": {"region": "eu"}, "outputs": {"region": "eu"}},
        {"urn": OLD, "custom": True, "id": "id-old", "type": "echo:index:Thing", "parent": STACK,
         "protect": True, "provider": f"{PLUGIN}::{provider_id}", "inputs": {"label": label},
         "outputs": {"label": label}},
    ]  # fmt: skip
    return raw


def test_an_import_names_what_enters_and_with_which_inputs() -> None:
    document = build(imported())
    found = operation(document, "old")

    assert [o["op"] for o in document.operations] == ["import", "create"]
    assert (found["kind"], found["id"], found["before"]) == (Kind.IMPORT, "id-old", None)
    assert found["after"] == {"inputs": {"label": "from the cloud"}}
    assert found["options"]["after"]["protect"] is True
    assert document.tier is Tier.HIGH


def test_the_id_of_a_provider_made_for_it_is_another_each_time() -> None:
    first, again = build(imported()), build(imported(provider_id="p-2"))

    assert first.data == again.data
    assert first.effect_root != build(imported(label="other")).effect_root


def test_an_import_that_changes_something_else_is_refused() -> None:
    raw = imported()
    one(raw.made, "b")["outputs"]["label"] = "drifted"
    with pytest.raises(IncompletePlan, match="would change by an import"):
        build(raw)

    with pytest.raises(IncompletePlan, match="would change by an import"):
        build(gone(imported(), "b"))


def test_a_component_does_not_enter_by_an_import() -> None:
    raw = imported()
    one(raw.made, "old").update(custom=False)

    with pytest.raises(IncompletePlan, match="no resource of a cloud"):
        build(raw)


def edited(*changes: tuple[str, Change]) -> RawPreview:
    """The recorded state, and a copy that somebody edited so."""
    return replace(refreshed(*changes), kind="state")


def named_otherwise(raw: RawPreview, name: str, new: str) -> RawPreview:
    """As `pulumi state rename` does it: whoever names the resource follows."""
    old: str = one(raw.made, name)["urn"]
    text = json.dumps(raw.made).replace(f'"{old}', f'"{old.rpartition("::")[0]}::{new}')
    return replace(raw, made=json.loads(text))


def test_an_edit_that_takes_something_out_of_the_state_abandons_it() -> None:
    document = build(gone(edited(), "b"))
    found = operation(document, "b")

    assert document.content["kind"] == "state"
    assert (found["op"], found["kind"], found["after"]) == ("abandon", Kind.ABANDON, None)
    assert document.tier is Tier.HIGH
    (lost,) = document.content["rollback"]["irreversible"]
    assert lost["reason"] == LOST["abandon"]


def test_a_rename_shows_both_names_and_who_follows() -> None:
    raw = named_otherwise(edited(), "default", "renamed")
    document = build(raw)
    provider = operation(document, "renamed")

    assert {found["op"] for found in document.operations} == {"metadata"}
    assert provider["before"]["urn"] == PROVIDER
    followers = [found for found in document.operations if found is not provider]
    assert followers
    for found in followers:
        sides = found["provider"]
        assert sides["before"]["urn"] == PROVIDER != sides["after"]["urn"] == provider["urn"]


def test_a_guard_that_is_taken_away_is_shown() -> None:
    raw = edited()
    one(raw.before, "b")["protect"] = one(raw.after, "b")["protect"] = True
    (found,) = build(raw).operations

    assert (found["op"], found["options"]["after"].get("protect")) == ("metadata", None)
    assert found["options"]["before"]["protect"] is True


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda resource: resource["inputs"].update(label="typed"), "change its inputs"),
        (lambda resource: resource["outputs"].update(label="typed"), "change its outputs"),
        (lambda resource: resource.update(id="another"), "change its id"),
        (lambda resource: resource.pop("resourceHooks"), "change its resourceHooks"),
    ],
)
def test_an_edit_of_anything_else_is_refused(change: Change, match: str) -> None:
    raw = edited()
    for export in (raw.before, raw.after, raw.made):
        one(export, "b")["resourceHooks"] = {"BeforeUpdate": ["ours"]}
    change(one(raw.made, "b"))

    with pytest.raises(IncompletePlan, match=match):
        build(raw)


def test_an_edit_that_adds_something_is_refused() -> None:
    raw = gone(edited(), "b")
    for name in ("new", "newer"):
        urn = f"{PREFIX}{THING}::{name}"
        raw.made["deployment"]["resources"].append(one(raw.before, "b") | {"urn": urn})
        if name == "new":
            assert operation(build(raw), "new")["before"]["urn"].endswith("::b")

    with pytest.raises(IncompletePlan, match="would enter the state"):
        build(raw)


def test_an_edit_that_changes_nothing_needs_no_plan() -> None:
    with pytest.raises(EmptyPlan):
        build(edited())
