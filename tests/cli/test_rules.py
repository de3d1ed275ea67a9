"""`mandate rules`: from a file to the digest that goes on chain, and to the tier of a plan."""

from __future__ import annotations

import pytest

from pulumi_mandate.checks import Rules
from pulumi_mandate.checks.library import find_rules
from pulumi_mandate.models import to_hex
from tests.cli.conftest import Office

pytestmark = pytest.mark.chain

MINE = """
version = 1
[unknowns]
sensitive = ["inputs.cidr"]
[[rule]]
id = "any"
reason = "everything alike"
tier = "medium"
[[plan]]
id = "many"
reason = "more than two at once"
tier = "high"
operations_over = 2
[[validator]]
id = "cost"
mandatory = false
[[health]]
id = "front"
check = "http"
within = 90
settings = { url = "https://shop.example" }
[[health]]
id = "elsewhere"
subjects = ["another/*/*"]
"""


def test_the_shipped_rules_are_shown_with_their_reasons(office: Office) -> None:
    said = office.ok("rules", "show")

    assert to_hex(Rules.load().digest) in said.out
    assert "aws-iam" in said.out
    assert "one statement can open the whole account" in said.out
    assert "what no rule matches is high" in said.out
    assert office.ok("rules", "digest", "--json").json["digest"] == to_hex(Rules.load().digest)


def test_a_file_is_checked_and_judges_a_plan(office: Office) -> None:
    file = office.folder / "rules.toml"
    file.write_text(MINE)

    assert "good rules: 0x" in office.ok("rules", "check", str(file)).out
    said = office.ok("rules", "check", str(file), "--plan", str(office.plan_file))
    assert "the plan is high by many: more than two at once" in said.out
    found = office.ok("rules", "check", str(file), "--plan", str(office.plan_file), "--json").json
    assert (found["tier"], found["rule"]) == (3, "many")
    assert {each["rule"] for each in found["operations"]} == {"any"}
    shown = office.ok("rules", "show", str(file))
    assert "check   cost (not mandatory)" in shown.out
    assert "health  front (http), within 90 s after the run" in shown.out
    assert "health  elsewhere, within 60 s after the run" in shown.out
    assert "health  front (http), within 90 s after the run" in said.out
    assert "elsewhere" not in said.out, "it is asked about other subjects"
    assert found["health"] == [{"id": "front", "check": "http", "within": 90}]


def test_a_file_that_cannot_be_used_says_why(office: Office) -> None:
    file = office.folder / "rules.toml"
    file.write_text(MINE.replace("tier =", "teir ="))

    said = office.mandate("rules", "check", str(file))

    assert said.code == 2
    assert "`teir`, which is not known" in said.err


def test_kept_rules_are_found_by_their_digest(office: Office) -> None:
    file = office.folder / "rules.toml"
    file.write_text(MINE)
    digest = Rules.load(file).digest
    store = office.history.sources.store
    assert find_rules(digest, store) is None

    said = office.ok("rules", "digest", str(file), "--keep")

    assert said.out.strip() == to_hex(digest)
    found = find_rules(digest, store)
    assert found is not None
    assert found == Rules.load(file)


def test_what_is_in_the_store_under_a_digest_and_is_no_rules_file_is_none(office: Office) -> None:
    store = office.history.sources.store

    for data in (b"{}", b"\xff", b"[" * 100_000, b'{"version": 1, "rule": 5}'):
        assert find_rules(store.put(data), store) is None
