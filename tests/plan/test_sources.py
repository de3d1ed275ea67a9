"""The sources of reads, imports and replacements: what the plan file leaves out, and its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_mandate.errors import IncompletePlan
from pulumi_mandate.plan.raw import RawPreview
from tests.plan.samples import EVERY_OPERATION, build, operation, plan, recorded, step

MASK = "[secret]"


def _inputs(raw: RawPreview, name: str, op: str, state: str = "newState") -> dict[str, Any]:
    return dict(step(raw, name, op))[state]["inputs"]  # type: ignore[no-any-return]


REFUSED: dict[str, tuple[Callable[[RawPreview], object], str]] = {
    "a secret that is imported": (
        lambda raw: _inputs(raw, "import", "import").update(label=MASK),
        "holds a secret",
    ),
    "a secret under an import that differs": (
        lambda raw: _inputs(raw, "import-other", "update", "oldState").update(label=MASK),
        "holds a secret",
    ),
    "a secret that a read is told": (
        lambda raw: _inputs(raw, "read", "read").update(label=[{"deep": MASK}]),
        "holds a secret",
    ),
    "a secret that a provider chose for a replacement": (
        lambda raw: [
            _inputs(raw, "replace", op).update(password=MASK)
            for op in ("replace", "create-replacement")
        ],
        "holds a secret",
    ),
    "a replacement's input that the program set": (
        lambda raw: _inputs(raw, "replace", "create-replacement").update(kind="c"),
        "new inputs",
    ),
    "a step without a plan that is no read": (
        lambda raw: step(raw, "read", "read").update(op="update"),
        "the plan file has none",
    ),
    "a read of another resource": (
        lambda raw: step(raw, "read", "read")["newState"].update(type="echo:index:Other"),
        "another resource's",
    ),
    "an import of another id than the program's": (
        lambda raw: step(raw, "import", "import")["newState"].update(id="ext-9"),
        "physical id",
    ),
    "outputs that the program makes up for a resource": (
        lambda raw: plan(raw, "update")["goal"].update(outputDiff={"adds": {"arn": "x"}}),
        "the provider's",
    ),
    "a resource of another type in the state": (
        lambda raw: [
            next(
                resource
                for resource in export["deployment"]["resources"]
                if resource["urn"].endswith("::default")
            ).update(type="echo:index:Thing")
            for export in (raw.before, raw.after)
        ],
        "another type",
    ),
    "a source of another form": (
        lambda raw: plan(raw, "update")["goal"].update(inputDiff="none"),
        "another form",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_source_can_vouch_for_is_refused(name: str) -> None:
    change, reason = REFUSED[name]
    raw = recorded(EVERY_OPERATION)
    change(raw)

    with pytest.raises(IncompletePlan, match=reason):
        build(raw)


def test_a_name_that_the_provider_chooses_anew_is_the_one_it_shows() -> None:
    raw = recorded(EVERY_OPERATION)
    for op in ("replace", "create-replacement"):
        _inputs(raw, "replace", op).update(name="chosen-1")

    made = operation(build(raw), "replace", "create-replacement")

    assert made["after"]["inputs"] == {"kind": "b", "name": "chosen-1"}
