"""A check that fails stops the proposal; one that voters accepted lets exactly that plan run."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.checks import Rules
from pulumi_mandate.errors import Refused
from pulumi_mandate.models import Tier
from pulumi_mandate.plan.render import render_text
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

QUOTA: dict[str, Any] = {
    "id": "quota",
    "overridable": True,
    "settings": {"limit": [{"types": ["pulumi-python:dynamic:Resource"], "at_most": 1}]},
}
RULES = Rules.of(
    {
        "version": 1,
        "rule": [{"id": "any", "reason": "a test", "tier": "medium", "types": ["*"]}],
        "unknowns": {"sensitive": ["inputs.password"]},
        "validator": [QUOTA],
    }
)


@pytest.mark.parametrize("rules", [RULES], indirect=True)
def test_a_failure_stops_the_proposal_and_an_override_is_voted_on(governed: Governed) -> None:
    with pytest.raises(Refused, match="the check quota failed: 2 more") as refusal:
        governed.propose(governed.plan())
    assert refusal.value.step == 5

    asked = governed.plan(overrides={"quota": "the sale begins tomorrow"})

    assert asked.tier is Tier.HIGH
    assert asked.content["tier"]["rule"] == "overridden-check"
    assert all(operation["tier"] == Tier.MEDIUM for operation in asked.operations)
    assert "FAILED, and voters are asked to accept it" in render_text(asked)
    governed.approve(asked)
    governed.program(TWO_NOTES + 'Note("third", "more")\n')
    assert "refused" in governed.up(ok=False)
    governed.program(TWO_NOTES)
    governed.up()
    assert governed.files() == {"first": "hello", "second": "5 letters"}
    assert governed.result()["status"] == "completed"


PACK = """
from pulumi_policy import *

def quiet(args, report):
    if args.resource_type == "pulumi-python:dynamic:Resource" and "!" in args.props["text"]:
        report("it shouts")

PolicyPack("tone", [
    ResourceValidationPolicy(name="quiet", description="Notes are quiet.", validate=quiet,
                             enforcement_level=EnforcementLevel.MANDATORY),
])
"""
TONE: dict[str, Any] = {
    "id": "crossguard",
    "settings": {"files": {"__main__.py": PACK}, "undecided": "warn"},
}
UNDER_A_PACK = Rules.of(
    {
        "version": 1,
        "rule": [{"id": "any", "reason": "a test", "tier": "medium", "types": ["*"]}],
        "unknowns": {"sensitive": ["inputs.password"]},
        "validator": [TONE],
    }
)


@pytest.mark.parametrize("rules", [UNDER_A_PACK], indirect=True)
def test_a_policy_pack_judges_what_is_proposed_and_again_what_runs(governed: Governed) -> None:
    """With Pulumi's own policy SDK: a broken policy stops the proposal, a kept one is run under."""
    governed.program(TWO_NOTES.replace('"hello"', '"hello!"'))
    with pytest.raises(Refused, match=r"the check crossguard failed: quiet: .* it shouts"):
        governed.propose(governed.plan())

    governed.program(TWO_NOTES)
    document = governed.plan()
    (check,) = document.content["checks"]
    assert check["verdict"] == "warn", "what the second note says is not known yet"
    governed.approve(document)
    governed.up()

    assert governed.files() == {"first": "hello", "second": "5 letters"}
    assert governed.result()["status"] == "completed"
