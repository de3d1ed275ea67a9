"""The example of docs/reference/rules.md is a rules file, and the page names every key."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from pulumi_mandate.checks import Rules
from pulumi_mandate.checks.tables import HealthChoice, ValidatorChoice
from pulumi_mandate.checks.tiers import PlanRule, Rule
from pulumi_mandate.checks.validator import BUILT_IN, Report, Verdict
from pulumi_mandate.models import Subject, Tier
from tests.gate.cases import operation

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")
EXAMPLE = tomllib.loads(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0])
DEV = Subject("backend", "acme", "shop", "dev")


def test_the_example_judges_plans() -> None:
    rules = Rules.of(EXAMPLE)
    group = "aws:ec2/securityGroupRule:SecurityGroupRule"

    def tier(subject: Subject, **changes: object) -> tuple[Tier, str]:
        return rules.about(subject).judge(operation("a", **changes))

    opened = {"type": group, "after": {"inputs": {"cidrBlocks": ["0.0.0.0/0"]}}}
    tagged = {"before": {"inputs": {"tags": {"a": 1}}}, "after": {"inputs": {"tags": {"a": 2}}}}
    assert tier(DEV, **opened) == (Tier.HIGH, "open-to-all")
    assert tier(DEV, op="update", **tagged) == (Tier.MEDIUM, "tags")
    assert tier(Subject("b", "acme", "shop", "prod"), op="update", **tagged)[1] == "production"
    assert tier(DEV)[1] == "no-rule-matches"


@pytest.mark.parametrize("table", [Rule, PlanRule, ValidatorChoice, HealthChoice])
def test_the_example_has_every_key(table: type) -> None:
    names = {Rule: "rule", PlanRule: "plan", ValidatorChoice: "validator", HealthChoice: "health"}
    name = names[table]
    used = {key for entry in EXAMPLE[name] for key in entry}
    optional = {"subjects"} if table is PlanRule else set()  # shown where it is explained

    assert {field.name for field in fields(table)} - optional == used


def test_the_page_names_every_shipped_check_and_condition() -> None:
    assert all(f"| `{name}` |" in PAGE for name in BUILT_IN)
    assert {"pattern", "equals", "one_of"} <= set(re.findall(r"\w+", PAGE))


def test_the_validator_of_the_page_works() -> None:
    names: dict[str, type] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], names)  # noqa: S102  # our page
    made = names["NoDeletions"]()

    report: Report = made.validate({"operations": [operation("a", "delete")]}, {})

    assert report.verdict is Verdict.FAIL
