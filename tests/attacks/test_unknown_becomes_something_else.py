"""`out.apply(lambda _: "0.0.0.0/0")` previews as unknown: what it may become is voted on, too."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.checks import Rules
from pulumi_mandate.errors import Refused
from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

NOTE = "pulumi-python:dynamic:Resource"
OPEN = TWO_NOTES.replace('f"{size} letters"', '"0.0.0.0/0"')
CLOSED = TWO_NOTES.replace('f"{size} letters"', '"10.0.0.0/8"')
WITHOUT: dict[str, Any] = {
    "version": 1,
    "rule": [{"id": "any", "reason": "a test", "tier": "medium", "types": ["*"]}],
    "unknowns": {"sensitive": ["inputs.text"]},
}
CONSTRAINT = {"types": [NOTE], "paths": ["inputs.text"], "pattern": r"10\.[0-9./]+"}
HIDDEN = Rules.of(WITHOUT | {"unknowns": {"sensitive": ["inputs.*cidr*"]}})
WITH = Rules.of(WITHOUT | {"constraint": [CONSTRAINT]})


@pytest.mark.parametrize("rules", [Rules.of(WITHOUT)], indirect=True)
def test_without_a_constraint_it_cannot_even_be_proposed(governed: Governed) -> None:
    governed.program(OPEN)

    with pytest.raises(Refused, match=r"inputs\.text of .*::second is sensitive") as refusal:
        governed.plan()

    assert refusal.value.step == 5
    assert governed.calls() == []


@pytest.mark.parametrize("rules", [WITH], indirect=True)
def test_what_breaks_the_constraint_is_refused_before_the_provider_is_called(
    governed: Governed,
) -> None:
    governed.program(OPEN)
    document = governed.plan()
    (waiting,) = [e for e in document.content["unknowns"] if e["path"] == ["inputs", "text"]]
    assert waiting["constraint"] == {"pattern": CONSTRAINT["pattern"]}
    plan = governed.approve(document)

    output = governed.up(ok=False)

    assert "refused at step 10" in output
    assert "after.inputs.text" in output
    assert governed.files() == {"first": "hello"}
    assert governed.result()["status"] == "failed"
    assert governed.mandate(plan).state is MandateState.FAILED


@pytest.mark.parametrize("rules", [HIDDEN], indirect=True)
def test_a_sensitive_name_inside_what_was_unknown_as_a_whole_is_refused(governed: Governed) -> None:
    """The rules speak of `text.cidr`; the preview shows `text`, and nothing inside it."""
    governed.program(OPEN.replace('"0.0.0.0/0"', '{"cidr": "0.0.0.0/0"}'))
    document = governed.plan()
    assert document.content["sensitive"] == ["inputs.*cidr*"]
    assert all(entry["constraint"] is None for entry in document.content["unknowns"])
    governed.approve(document)

    output = governed.up(ok=False)

    assert "refused at step 10" in output
    assert "after.inputs.text.cidr" in output
    assert governed.files() == {"first": "hello"}


@pytest.mark.parametrize("rules", [WITH], indirect=True)
def test_what_keeps_it_runs(governed: Governed) -> None:
    governed.program(CLOSED)
    governed.approve()

    governed.up()

    assert governed.files() == {"first": "hello", "second": "10.0.0.0/8"}
