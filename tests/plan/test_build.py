"""From the recorded preview to a document, and every way in which the sources can disagree."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pulumi_mandate.errors import EmptyPlan, IncompletePlan
from pulumi_mandate.models import Kind, Tier, keccak, to_hex
from pulumi_mandate.plan.build import build_document
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import ProgramDigest
from pulumi_mandate.plan.raw import RawPreview
from tests.plan.samples import (
    PROVIDER,
    SIGNATURE,
    STACK,
    UNKNOWN,
    build,
    creation,
    facts,
    made_up,
    operation,
    plan,
    recorded,
    resource,
    secret,
    step,
)


def test_the_recorded_preview_has_these_operations() -> None:
    found = [
        (entry["op"], entry["urn"].rpartition("::")[2]) for entry in build(recorded()).operations
    ]

    assert found == [
        ("update", "a"),
        ("update", "b"),
        ("create-replacement", "c"),
        ("delete-replaced", "c"),
        ("replace", "c"),
        ("metadata", "d"),
        ("delete", "e"),
        ("create", "f"),
        ("update", "h"),
        ("update", "default"),
        ("metadata", "fixture-dev"),
    ]


def test_an_archive_of_what_the_programs_digest_leaves_out_is_refused() -> None:
    site = {SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7", "path": "site"}
    ours = facts().program
    there = ProgramDigest.of(ours.files, left_out=("site/lib/__pycache__",))

    assert build(creation("x", {"site": site}), program=ours)
    with pytest.raises(IncompletePlan, match="content is not known"):
        build(creation("x", {"site": site}), program=there)


@pytest.mark.parametrize("value", [UNKNOWN, ["a", UNKNOWN], {"a": UNKNOWN}, secret(UNKNOWN)])
def test_an_option_that_is_unknown_until_the_plan_runs_is_refused(value: Any) -> None:
    """It decides whether a resource is replaced, and no hook is told what it became."""
    raw = creation("x", {"size": 1})
    raw.steps["steps"][-1]["newState"]["replacementTrigger"] = value

    with pytest.raises(IncompletePlan, match=r"the option replacementTrigger of .*::x is unknown"):
        build(raw)


def test_an_operation_says_everything_the_engine_decided() -> None:
    document = build(recorded())
    update = operation(document, "b")

    assert update["before"]["inputs"]["ref"] == "arn:thing:alpha"
    assert update["after"]["inputs"]["ref"] == {"mandate:v1": "unknown", "secret": False}
    assert update["before"]["inputs"]["password"] == update["after"]["inputs"]["password"]
    assert update["before"]["outputs"]["mandate:v1"] == "secret"
    assert update["id"] == "thing-beta"
    assert update["provider"]["after"]["urn"] == PROVIDER
    assert update["kind"] == Kind.UPDATE
    assert operation(document, "c", "replace")["replaceKeys"] == ["kind"]
    assert operation(document, "d")["options"]["before"]["protect"] is True
    assert "protect" not in operation(document, "d")["options"]["after"]


def test_default_providers_and_stack_outputs_are_operations() -> None:
    document = build(recorded())

    assert operation(document, "default")["after"]["inputs"]["fixture:phase"] == "2"
    assert operation(document, "fixture-dev")["after"]["outputs"]["phase"] == 2


def test_no_secret_and_no_key_is_in_the_document() -> None:
    raw = recorded()
    data = build(raw).data

    for hidden in ("hunter2", "ab" * 32, "gASVHwAAAAAAAACMBnRoaW5nc5SM"):
        assert hidden in json.dumps(raw.config) + json.dumps(raw.plan_file)
        assert hidden.encode() not in data
    assert b"mandate:commitmentKey" not in data


def test_unknowns_name_their_sources() -> None:
    unknowns = {
        (entry["urn"].rpartition("::")[2], ".".join(entry["path"])): entry["from"]
        for entry in build(recorded()).content["unknowns"]
    }

    assert set(unknowns) == {
        ("b", "inputs.ref"),
        ("h", "inputs.ref"),
        ("fixture-dev", "outputs.arn"),
    }
    assert unknowns["h", "inputs.ref"][0].endswith("::c")


def test_the_highest_tier_decides_and_a_high_plan_binds_its_base() -> None:
    small = made_up({"x": {"label": "a"}})
    high = build(recorded())
    medium = build_document(small, facts(), lambda _: (Tier.MEDIUM, "small"))

    assert high.tier == Tier.HIGH
    assert high.content["base"] is not None
    assert medium.tier == Tier.MEDIUM
    assert medium.content["base"] is None


def _in_state(
    name: str, change: Callable[[dict[str, Any]], object]
) -> Callable[[RawPreview], None]:
    def apply(raw: RawPreview) -> None:
        for entry in resource(raw, name):
            change(entry)

    return apply


def _in_old(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[RawPreview], None]:
    """Changes the resource in the state and in what the JSON steps show of it."""

    def apply(raw: RawPreview) -> None:
        _in_state(name, change)(raw)
        for entry in raw.steps["steps"]:
            if entry["urn"].endswith(f"::{name}") and "oldState" in entry:
                change(entry["oldState"])

    return apply


IRRELEVANT: dict[str, Callable[[RawPreview], object]] = {
    "the time of the plan": lambda raw: raw.plan_file["manifest"].update(time="2027"),
    "the seeds": lambda raw: plan(raw, "a").update(seed="BBBB"),
    "the ciphertext of the configuration": lambda raw: raw.plan_file["config"].update(
        {"fixture:password": {"secure": "v1:other"}}
    ),
    "source positions": lambda raw: step(raw, "a")["newState"].update(
        sourcePosition="project:///x"
    ),
    "when it was modified": _in_old("a", lambda state: state.update(modified="2027")),
    "the salt of the backend": lambda raw: [
        export["deployment"]["secrets_providers"]["state"].update(salt="x")
        for export in (raw.before, raw.after)
    ],
    "the order of dependencies": lambda raw: [
        part.update(dependencies=list(reversed(part["dependencies"] * 2)))
        for part in (plan(raw, "b")["goal"], step(raw, "b")["newState"])
    ],
    "the order of the steps": lambda raw: raw.steps["steps"].reverse(),
    "how long it took": lambda raw: raw.steps.update(duration=99),
    "a resource nobody touches": _in_old("g", lambda state: state.update(created="2027")),
}


@pytest.mark.parametrize("name", IRRELEVANT)
def test_irrelevant_changes_leave_the_document_alone(name: str) -> None:
    raw = recorded()
    IRRELEVANT[name](raw)

    assert build(raw).data == build(recorded()).data


def _updates(raw: RawPreview, name: str, diff: str) -> dict[str, Any]:
    updates: dict[str, Any] = plan(raw, name)["goal"][diff]["updates"]
    return updates


RELEVANT: dict[str, Callable[[RawPreview], object]] = {
    "the physical id": _in_old("a", lambda state: state.update(id="thing-other")),
    "an old input": _in_old("a", lambda state: state["inputs"].update(size=3)),
    "an old output": _in_old("a", lambda state: state["outputs"].update(arn="other")),
    "an old option": _in_old("a", lambda state: state.update(retainOnDelete=True)),
    "a new option": lambda raw: step(raw, "a")["newState"].update(retainOnDelete=True),
    "hooks": lambda raw: step(raw, "a")["newState"].update(resourceHooks={"beforeCreate": ["x"]}),
    "a timeout": lambda raw: [
        part.update(customTimeouts={"create": 60})
        for part in (plan(raw, "a")["goal"], step(raw, "a")["newState"])
    ],
    "delete before replace": lambda raw: plan(raw, "a")["goal"].update(deleteBeforeReplace=True),
    "a dependency": lambda raw: [
        part.update(dependencies=[STACK])
        for part in (plan(raw, "a")["goal"], step(raw, "a")["newState"])
    ],
    "the replace keys": lambda raw: step(raw, "c", "replace").update(replaceReasons=["other"]),
    "a hidden provider's input": lambda raw: _updates(raw, "default", "inputDiff").update(
        {"fixture:phase": "3"}
    ),
    "a stack output": lambda raw: _updates(raw, "fixture-dev", "outputDiff").update(phase=3),
    "a secret": lambda raw: _updates(raw, "b", "inputDiff").update(password=secret("hunter3")),
}  # fmt: skip


@pytest.mark.parametrize("name", RELEVANT)
def test_relevant_changes_change_the_effect_root(name: str) -> None:
    raw = recorded()
    RELEVANT[name](raw)

    assert build(raw).effect_root != build(recorded()).effect_root


def _drop(mapping: dict[str, Any], key: str) -> object:
    return mapping.pop(key)


DISAGREEING: dict[str, Callable[[RawPreview], object]] = {
    "a resource only in the plan file": lambda raw: raw.plan_file["resourcePlans"].update(
        {f"{STACK}x": copy.deepcopy(plan(raw, "a"))}
    ),
    "a resource only in the steps": lambda raw: _drop(
        raw.plan_file["resourcePlans"], step(raw, "a")["urn"]
    ),
    "a step only in the plan file": lambda raw: plan(raw, "a")["steps"].append("delete"),
    "a step only in the steps": lambda raw: plan(raw, "c")["steps"].remove("replace"),
    "other new inputs": lambda raw: step(raw, "a")["newState"]["inputs"].update(label="x"),
    "a true that is a one": lambda raw: step(raw, "a")["newState"]["inputs"].update(size=True),
    "other old inputs": _in_state("a", lambda state: state["inputs"].update(label="x")),
    "other old outputs": _in_state("a", lambda state: state["outputs"].update(arn="x")),
    "another physical id": _in_state("a", lambda state: state.update(id="x")),
    "another provider": lambda raw: step(raw, "a")["newState"].update(provider="urn:x::id"),
    "another parent": lambda raw: step(raw, "a")["newState"].update(parent=STACK),
    "another protect": lambda raw: step(raw, "a")["newState"].update(protect=True),
    "other dependencies": lambda raw: step(raw, "b")["newState"].update(dependencies=[]),
    "other configuration keys": lambda raw: raw.config.update({"fixture:new": {"value": "1"}}),
    "another configuration value": lambda raw: raw.config["fixture:phase"].update(value="1"),
    "a state that changed meanwhile": lambda raw: raw.after.update(version=4),
    "a state nobody speaks about": lambda raw: [
        export["deployment"]["resources"].append({"urn": "urn:x", "custom": False, "type": "t"})
        for export in (raw.before, raw.after)
    ],
    "a lost new state": lambda raw: _drop(step(raw, "a"), "newState"),
    "a lost goal": lambda raw: _drop(plan(raw, "a"), "goal"),
    "a delete of nothing": lambda raw: _drop(step(raw, "e"), "oldState"),
    "a property removed that was not there": lambda raw: plan(raw, "a")["goal"]["inputDiff"].update(
        deletes=["nothing"]
    ),
    "pending operations": lambda raw: [
        export["deployment"].update(pending_operations=[{}]) for export in (raw.before, raw.after)
    ],
    "a corrupt preview": lambda raw: raw.steps.update(maybeCorrupt=True),
    "an option of tomorrow": lambda raw: step(raw, "a")["newState"].update(newOption=True),
    "an option of tomorrow in the state": _in_state("a", lambda state: state.update(newOption=1)),
    "a goal of tomorrow": lambda raw: plan(raw, "a")["goal"].update(newOption=True),
    "a difference of tomorrow": lambda raw: plan(raw, "a")["goal"]["inputDiff"].update(moves={}),
    "a step of tomorrow": lambda raw: [
        plan(raw, "a").update(steps=["refresh"]), step(raw, "a").update(op="refresh")
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", DISAGREEING)
def test_sources_that_disagree_are_refused(name: str) -> None:
    raw = recorded()
    DISAGREEING[name](raw)

    with pytest.raises(IncompletePlan) as caught:
        build(raw)
    assert "hunter2" not in caught.value.diagnostics()


def test_nothing_to_do_is_an_empty_plan() -> None:
    with pytest.raises(EmptyPlan):
        build(made_up({}))


def test_another_key_gives_other_commitments_and_another_id() -> None:
    first = build(recorded())
    second = build(recorded(), key=type(facts().key)(b"k" * 32))

    assert first.effect_root != second.effect_root
    assert first.content["secretKeyId"] != second.content["secretKeyId"]
    assert first.content["secretKeyId"] == to_hex(facts().key.id)


def test_who_asks_and_when_is_no_effect() -> None:
    first = build(recorded())
    second = build(recorded(), salt=keccak(b"other"), not_before=1, expires_at=2, commit="ab" * 20)

    assert first.effect_root == second.effect_root
    assert first.digest != second.digest


def test_a_delete_under_retain_on_delete_is_an_abandon() -> None:
    raw = recorded()
    _in_old("e", lambda state: state.update(retainOnDelete=True))(raw)
    document = build(raw)

    assert operation(document, "e")["op"] == "abandon"
    assert operation(document, "e")["kind"] == Kind.ABANDON


def test_a_document_built_is_a_document_read() -> None:
    document = build(recorded())

    assert Document.load(document.data).fields() == document.fields()


def test_a_value_typed_as_marker_differs_from_the_marker() -> None:
    typed = build(creation("x", {"v": {"mandate:v1": "unknown", "secret": False}}))
    real = build(creation("x", {"v": UNKNOWN}))

    assert typed.effect_root != real.effect_root
    assert typed.content["unknowns"] == []
