"""A preview of a part of a stack: what is left out is in no plan, whatever the program says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pulumi_mandate.errors import IncompletePlan
from pulumi_mandate.plan.raw import RawPreview
from tests.plan.samples import PARTIAL_CHANGE, UNKNOWN, build, operation, plan, recorded, step


def part() -> RawPreview:
    """`--target a`; `b` has other options, the component `g` another output, and `n` is new."""
    return replace(recorded(PARTIAL_CHANGE), part=("--target=a",))


def test_only_the_part_is_in_the_plan() -> None:
    found = {o["urn"].rpartition("::")[2]: o["op"] for o in build(part()).operations}

    # Outputs of components and of the stack follow the program all the same: seen.
    assert found == {"a": "update", "g": "metadata", "fixture-dev": "metadata"}


def test_the_outputs_of_a_component_are_those_of_the_program() -> None:
    changed = operation(build(part()), "g")

    assert changed["before"]["outputs"] == {"out": "1"}
    assert changed["after"]["outputs"] == {"out": "2"}


def test_a_whole_preview_leaves_nothing_out() -> None:
    with pytest.raises(IncompletePlan):
        build(recorded(PARTIAL_CHANGE))


def _state(raw: RawPreview, name: str, state: str = "newState") -> dict[str, Any]:
    return dict(step(raw, name))[state]  # type: ignore[no-any-return]


def _renamed(raw: RawPreview, name: str) -> None:
    """As the engine tells it: steps under the old URN, the plan under the new one."""
    plans = raw.plan_file["resourcePlans"]
    urn = next(urn for urn in plans if urn.endswith(f"::{name}"))
    plans[f"{urn}2"] = plans.pop(urn)
    old = step(raw, name)["oldState"]
    step(raw, name)["newState"] = old


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda raw: plan(raw, "fixture-dev")["goal"]["outputDiff"]["updates"].update(x=UNKNOWN),
            "may stay unknown for ever",
        ),
        (lambda raw: _state(raw, "b").update(protect=True, provider="other"), "about provider"),
        (lambda raw: _state(raw, "b", "oldState").update(id="another"), "0 resources"),
        (lambda raw: _state(raw, "b")["inputs"].update(label="3"), "new inputs"),
        (lambda raw: step(raw, "n").update(op="create"), "disagree about the steps"),
        (lambda raw: _renamed(raw, "b"), "::b has another name in the program"),
    ],
)
def test_what_the_sources_say_of_the_rest_must_agree(
    change: Callable[[RawPreview], object], reason: str
) -> None:
    raw = part()
    change(raw)

    with pytest.raises(IncompletePlan, match=reason):
        build(raw)
