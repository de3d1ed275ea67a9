"""A destroy: every resource leaves once, as it was deployed, or the plan is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pulumi_mandate.errors import EmptyPlan, IncompletePlan
from pulumi_mandate.models import Domain, Tier, plan_hash
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.raw import RawPreview
from pulumi_mandate.plan.sources import is_default_provider
from pulumi_mandate.plan.values import masked
from tests.plan.samples import PROVIDER, build, operation, recorded, resource


def destroyed() -> RawPreview:
    """The recorded state, destroyed by the program that made it."""
    raw = recorded()
    state = raw.before["deployment"]["resources"]
    for one in (one for export in (raw.before, raw.after) for one in resources_of(export)):
        one.pop("protect", None)
    steps: list[dict[str, Any]] = []
    for one in state:
        if not is_default_provider(one["urn"]):
            shown = masked(one)
            steps.append({"op": "same", "urn": one["urn"], "oldState": shown, "newState": shown})
            steps.append({"op": "delete", "urn": one["urn"], "oldState": copy.deepcopy(shown)})
    plans = {one["urn"]: {"steps": ["same"]} for one in state}
    plan_file = raw.plan_file | {"resourcePlans": plans}
    return replace(raw, plan_file=plan_file, steps=raw.steps | {"steps": steps}, kind="destroy")


def resources_of(export: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = export["deployment"]["resources"]
    return found


def deletion(raw: RawPreview, name: str) -> dict[str, Any]:
    return next(
        step
        for step in raw.steps["steps"]
        if step["op"] == "delete" and step["urn"].endswith(f"::{name}")
    )


def test_every_resource_leaves_once() -> None:
    raw = destroyed()

    document = build(raw)

    assert document.content["kind"] == "destroy"
    assert {o["op"] for o in document.operations} == {"delete"}
    assert sorted(o["urn"] for o in document.operations) == sorted(
        one["urn"] for one in resources_of(raw.before)
    )
    assert document.tier is Tier.HIGH
    assert all(o["after"] is None and o["before"]["outputs"] for o in document.operations
               if o["urn"].endswith("::b"))  # fmt: skip
    assert b"hunter2" not in document.data
    lost = [entry["urn"] for entry in document.content["rollback"]["irreversible"]]
    assert lost == [o["urn"] for o in document.operations if o["id"] is not None]


def test_the_same_destroy_has_the_same_bytes_in_any_order() -> None:
    raw = destroyed()
    other = destroyed()
    other.steps["steps"].reverse()

    assert build(raw).data == build(other).data


def test_another_state_is_another_destroy() -> None:
    raw = destroyed()
    for one in (*resource(raw, "b"), deletion(raw, "b")["oldState"]):
        one["inputs"]["label"] = "moved"

    assert build(raw).effect_root != build(destroyed()).effect_root


def test_what_was_only_read_is_discarded() -> None:
    raw = destroyed()
    deletion(raw, "b")["op"] = "discard"

    assert operation(build(raw), "b")["op"] == "discard"


def test_what_is_kept_is_abandoned() -> None:
    raw = destroyed()
    for one in (*resource(raw, "b"), deletion(raw, "b")["oldState"]):
        one["retainOnDelete"] = True

    assert operation(build(raw), "b")["op"] == "abandon"


def test_a_gate_that_is_newer_than_the_stack_hinders_nobody() -> None:
    raw = destroyed()
    _set("b", "resourceHooks", {"BeforeDelete": ["mandate:before-delete"]})(raw)

    assert build(raw).data == build(destroyed()).data


def test_only_the_kind_makes_another_plan_hash() -> None:
    """The very same deletions by `up`, where the program became empty, are another mandate."""
    document = build(destroyed())
    content = copy.deepcopy(document.content) | {"kind": "up"}
    domain = Domain(1, document.fields().proposer)

    other = Document.of(content)

    assert other.effect_root == document.effect_root
    assert other.digest != document.digest
    assert plan_hash(domain, other.fields()) != plan_hash(domain, document.fields())


def test_an_empty_stack_has_nothing_to_destroy() -> None:
    raw = destroyed()
    for export in (raw.before, raw.after):
        export["deployment"]["resources"] = []

    with pytest.raises(EmptyPlan):
        build(replace(raw, steps=raw.steps | {"steps": []}))


def _protected(raw: RawPreview) -> None:
    for one in resource(raw, "b"):
        one["protect"] = True


def _set(name: str, key: str, value: Any) -> Callable[[RawPreview], None]:
    def change(raw: RawPreview) -> None:
        deletion(raw, name)["oldState"][key] = value

    return change


def _provider_changes(raw: RawPreview) -> None:
    urn = next(u for u in raw.plan_file["resourcePlans"] if u.startswith(PROVIDER))
    raw.plan_file["resourcePlans"][urn]["steps"] = ["update"]


def _new_provider(raw: RawPreview) -> None:
    raw.plan_file["resourcePlans"][f"{PROVIDER}_2"] = {"steps": ["create"]}


def _explicit_provider(raw: RawPreview) -> None:
    raw.steps["steps"].append({"op": "update", "urn": f"{PROVIDER}::mine"})


def _moved_to_another(raw: RawPreview) -> None:
    same = next(s for s in raw.steps["steps"] if s["op"] == "same" and s["urn"].endswith("::b"))
    same["newState"] = same["newState"] | {"provider": f"{PROVIDER}_2::id"}


def _forgotten(raw: RawPreview) -> None:
    raw.steps["steps"].remove(deletion(raw, "b"))


def _remade(raw: RawPreview) -> None:
    deletion(raw, "b")["newState"] = {}


REFUSED: dict[str, tuple[Callable[[RawPreview], None], str]] = {
    "protected": (_protected, "::b is protected"),
    "retained by the program only": (_set("b", "retainOnDelete", True), "gives retainOnDelete"),
    "other dependencies of deletion": (_set("b", "deletedWith", "urn:x"), "gives deletedWith"),
    "another provider's delete": (_set("b", "provider", f"{PROVIDER}_2::id"), "gives provider"),
    "other inputs": (_set("b", "inputs", {}), "disagree about the old inputs"),
    "other outputs": (_set("b", "outputs", {}), "disagree about the old outputs"),
    "another id": (_set("b", "id", "other"), "0 resources for one step"),
    "the default provider changes": (_provider_changes, "configures this provider otherwise"),
    "another version of it": (_new_provider, "configures this provider otherwise"),
    "an explicit provider changes": (_explicit_provider, "wants this step: update"),
    "moved to another provider": (_moved_to_another, "names another provider"),
    "one is left": (_forgotten, "no step speaks about it"),
    "one comes back": (_remade, "or with a new one"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_destroy_that_is_more_or_less_than_the_state_is_refused(name: str) -> None:
    raw = destroyed()
    change, message = REFUSED[name]
    change(raw)

    with pytest.raises(IncompletePlan, match=message):
        build(raw)


def part(*flags: str) -> RawPreview:
    """`b` goes, and everything else stays; the default provider is what the engine hides."""
    raw = destroyed()
    steps = [s for s in raw.steps["steps"] if s["op"] == "same" or s["urn"].endswith("::b")]
    return replace(raw, steps=raw.steps | {"steps": steps}, part=flags or ("--target=**::b",))


def _unhidden(raw: RawPreview) -> RawPreview:
    """Nothing that stays needs the default provider."""
    for step in raw.steps["steps"]:
        for side in ("oldState", "newState"):
            if side in step and not step["urn"].endswith("::b"):
                step[side].pop("provider", None)
    for export in (raw.before, raw.after):
        for one in resources_of(export):
            if not one["urn"].endswith("::b"):
                one.pop("provider", None)
    return raw


def test_of_a_part_only_that_part_leaves() -> None:
    raw = part()
    _new_one(raw)  # which the program has and the engine leaves out
    for one in resource(raw, "a"):  # what stays may be protected
        one["protect"] = True
    for step in raw.steps["steps"]:
        if step["urn"].endswith("::a"):
            step["oldState"]["protect"] = step["newState"]["protect"] = True

    document = build(raw)

    assert [(o["op"], o["urn"].rpartition("::")[2]) for o in document.operations] == [
        ("delete", "b")
    ]
    # What the part stands on is bound; what is beside it is not.
    assert document.content["base"] != build(destroyed()).content["base"]


def test_the_hidden_provider_goes_where_nothing_that_stays_needs_it() -> None:
    def gone(raw: RawPreview) -> set[str]:
        return {o["urn"].rpartition("::")[2] for o in build(raw).operations}

    assert gone(part("--exclude=**::a")) == {"b"}
    assert gone(_unhidden(part("--exclude=**::a"))) == {"b", "default"}
    assert gone(_unhidden(part())) == {"b"}


def _of_what_stays(key: str, value: Any) -> Callable[[RawPreview], None]:
    def change(raw: RawPreview) -> None:
        step = next(s for s in raw.steps["steps"] if s["urn"].endswith("::a"))
        step["newState"] = step["newState"] | {key: value}

    return change


def _other_output(raw: RawPreview) -> None:
    root = next(u for u in raw.plan_file["resourcePlans"] if "pulumi:pulumi:Stack" in u)
    diff = {"outputDiff": {"updates": {"x": "new"}}}
    raw.plan_file["resourcePlans"][root]["goal"] = diff


def _new_one(raw: RawPreview) -> None:
    new = {"urn": "urn:pulumi:dev::fixture::x:y:C::n", "type": "x:y:C", "inputs": {}}
    raw.steps["steps"].append({"op": "same", "urn": new["urn"], "newState": new})


def _unspoken(raw: RawPreview) -> None:
    raw.steps["steps"].remove(
        next(s for s in raw.steps["steps"] if s["urn"].endswith("::a")),
    )


def _part_protected(raw: RawPreview) -> None:
    _protected(raw)
    for step in raw.steps["steps"]:
        if step["urn"].endswith("::b"):
            step["oldState"]["protect"] = True


REFUSED_OF_A_PART: dict[str, tuple[Callable[[RawPreview], None], str]] = {
    "what goes is protected": (_part_protected, "::b is protected"),
    "what stays gets other inputs": (_of_what_stays("inputs", {"x": 1}), "would change what it"),
    "what stays is protected now": (_of_what_stays("protect", True), "would change what it"),
    "another output": (_other_output, "gives it other outputs"),
    "one without a step": (_unspoken, "no step speaks about it"),
    "the default provider changes": (_provider_changes, "configures this provider otherwise"),
}


@pytest.mark.parametrize("name", REFUSED_OF_A_PART)
def test_a_part_that_touches_the_rest_is_refused(name: str) -> None:
    raw = part()
    change, message = REFUSED_OF_A_PART[name]
    change(raw)

    with pytest.raises(IncompletePlan, match=message):
        build(raw)


@pytest.mark.parametrize("pattern", ["**", "**::default*", "*:*:*::*::*:*:*::*"])
def test_a_flag_that_names_a_hidden_provider_is_refused(pattern: str) -> None:
    with pytest.raises(IncompletePlan, match="makes and removes by itself"):
        build(part(f"--target={pattern}"))
