"""The governance stack's parameters: production by default, every wrong one named."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from pulumi_mandate.dev import genesis

STACK = Path(__file__).resolve().parents[2] / "stacks" / "governance"
ADDRESS = "0x" + "ab" * 20
NEEDED = {
    "deployer": ADDRESS,
    "guardian": ADDRESS,
    "holders": [{"holder": ADDRESS, "amount": "5"}],
    "executors": [ADDRESS],
    "council": {"members": [ADDRESS], "threshold": 1},
}
SUBJECT = {
    "name": "shop-prod",
    "hash": "0x" + "11" * 32,
    "rules_digest": "0x" + "22" * 32,
    "secret_key_id": "0x" + "33" * 32,
    "backend": "0x" + "44" * 32,
    "proposers": [ADDRESS],
    "runners": [ADDRESS],
}


@pytest.fixture(scope="module")
def module():
    name = "governance_settings_under_test"
    spec = importlib.util.spec_from_file_location(name, STACK / "settings.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    yield found
    del sys.modules[name]


@pytest.fixture
def load(module):
    def read(**config):
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in (NEEDED | config).items()
            if value is not None
        }
        return module.load_settings(texts.get)

    return read


def test_the_defaults_are_the_production_values_of_the_contracts_readme(load):
    found = load()
    day = 86_400

    low, standard, critical = found.low_vote, found.standard_vote, found.critical_vote
    assert (low.voting_delay, low.voting_period, low.late_quorum_extension) == (3600, day, 0)
    assert (low.veto_percent, low.max_open_per_proposer) == (5, 3)
    assert (standard.voting_delay, standard.voting_period) == (2 * day, 3 * day)
    assert (standard.late_quorum_extension, standard.quorum_percent) == (day, 4)
    assert (critical.voting_delay, critical.voting_period) == (2 * day, 5 * day)
    assert (critical.late_quorum_extension, critical.quorum_percent) == (day, 10)
    assert (critical.approval_percent, critical.max_vote_percent) == (60, 20)
    delays = (found.low_delay, found.medium_delay, found.high_delay, found.critical_delay)
    assert delays == (3600, day, 7 * day, 7 * day)
    assert (found.grace, found.max_renewals) == (3600, 6)


def test_a_vote_that_is_set_in_part_keeps_its_other_defaults(load):
    found = load(criticalVote={"quorum_percent": 20}).critical_vote

    assert (found.quorum_percent, found.approval_percent, found.voting_period) == (20, 60, 432_000)


def test_the_tiers_terms_are_those_of_the_contracts_readme(load):
    found = load()
    day = 86_400
    nothing = {
        "attestations": 0,
        "cosign": False,
        "budgetOperations": 0,
        "budgetCost": "0",
        "budgetWindow": 0,
    }
    medium = {"validity": 7 * day, "maxLease": 14400, "kinds": 0xCF}
    assert found.medium.as_argument() == medium | nothing
    high = medium | nothing | {"kinds": 0xFF, "attestations": 1, "cosign": True}
    path = found.emergency_path
    assert (path.report_term, path.ratify_term, path.sunset) == (3 * day, 21 * day, 365 * day)
    assert found.high.as_argument() == found.critical.as_argument() == high
    assert found.low.as_argument() == {
        "validity": 3 * day,
        "maxLease": 14400,
        "kinds": 0xC3,
        "attestations": 1,
        "cosign": False,
        "budgetOperations": 50,
        "budgetCost": "10000",
        "budgetWindow": 7 * day,
    }
    emergency = medium | nothing | {"validity": 6 * 3600, "kinds": 0xC7}
    assert found.emergency.as_argument() == emergency
    assert (found.confirm_within, found.clear_within) == (3 * day, 7 * day)
    assert found.audit_notice == day


def test_every_setting_of_the_readme_exists_and_the_other_way_round(module):
    text = (STACK / "README.md").read_text().split("## Configuration")[1]
    told = {word for row in re.findall(r"^\| (`[^|]*) \|", text, re.M)
            for word in re.findall(r"`(\w+)`", row)}  # fmt: skip

    assert told == {module._camel(name) for name in module.Settings.model_fields}


def test_development_only_shortens_times(module):
    votes = {
        module._camel(name): field.default for name, field in module.Settings.model_fields.items()
    }

    assert set(genesis.DEV_DELAYS) <= set(votes)
    assert all(name.endswith("Delay") for name in genesis.DEV_DELAYS)
    for name, times in genesis.DEV_VOTES.items():
        assert set(times) <= {"voting_delay", "voting_period", "late_quorum_extension"}
        assert all(seconds < getattr(votes[name], word) for word, seconds in times.items())


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"deployer": None}, "deployer"),
        ({"deployer": "0x12"}, "deployer"),
        ({"holders": []}, "holders"),
        ({"holders": [{"holder": ADDRESS, "amount": "0"}]}, "holders.0.amount"),
        ({"holders": [{"holder": ADDRESS, "amount": 5}]}, "holders.0.amount"),
        ({"executors": []}, "executors"),
        ({"council": {"members": [], "threshold": 1}}, "council.members"),
        ({"council": {"members": [ADDRESS], "threshold": 0}}, "council.threshold"),
        ({"mediumDelay": 0}, "medium_delay"),
        ({"standardVote": {"voting_delay": -1}}, "standard_vote.voting_delay"),
        ({"criticalVote": {"quorum_percent": 101}}, "critical_vote.quorum_percent"),
        ({"lowVote": {"veto_percent": 0}}, "low_vote.veto_percent"),
        ({"lowVote": {"more": 1}}, "low_vote.more"),
        ({"medium": {"kinds": 0}}, "medium.kinds"),
        ({"subjects": [SUBJECT | {"proposers": []}]}, "subjects.0.proposers"),
        ({"subjects": [SUBJECT | {"hash": "0x12"}]}, "subjects.0.hash"),
        ({"subjects": [SUBJECT | {"more": 1}]}, "subjects.0.more"),
    ],
)
def test_a_wrong_setting_is_named(load, config, named):
    load(subjects=[SUBJECT])

    with pytest.raises(ValidationError) as refused:
        load(**config)

    found = {".".join(str(part) for part in one["loc"]) for one in refused.value.errors()}
    assert found == {named}


def test_a_torn_note_beside_a_state_is_removed_and_nothing_else(tmp_path: Path) -> None:
    stack = tmp_path / ".pulumi" / "stacks"
    stack.mkdir(parents=True)
    for name in ("a.json", "a.json.attrs"):
        (stack / name).write_text("")
    for name in ("b.json", "b.json.attrs"):
        (stack / name).write_text("{}")

    genesis.remove_torn_notes(tmp_path)

    assert sorted(path.name for path in stack.iterdir()) == ["a.json", "b.json", "b.json.attrs"]


def test_the_page_about_tiers_says_what_the_shipped_values_are(module) -> None:
    page = (STACK.parents[1] / "docs" / "reference" / "tiers.md").read_text()
    found = {
        cells[0]: cells[1:]
        for line in page.splitlines()
        if line.startswith("| ") and (cells := [cell.strip() for cell in line[1:-1].split("|")])
    }
    made = module.Settings.model_validate(NEEDED)
    tiers = list(made.tiers().values())
    votes = [made.low_vote, made.standard_vote, made.critical_vote, made.critical_vote]
    delays = [made.low_delay, made.medium_delay, made.high_delay, made.critical_delay]

    assert found["decides"][0] == f"silence: {votes[0].veto_percent} % of all votes stop it"
    assert found["quorum"][1:4] == [f"{vote.quorum_percent} %" for vote in votes[1:]]
    assert found["needed of For and Against"][2:4] == [
        f"{vote.approval_percent} % For" for vote in votes[2:]
    ]
    assert found["one ballot counts at most"][2:4] == [
        f"{vote.max_vote_percent} % of all votes" for vote in votes[2:]
    ]
    assert found["time to read, then to vote"][:4] == [
        f"{_span(vote.voting_delay)}, {_span(vote.voting_period)}" for vote in votes
    ]
    assert found["delay after the vote"][:4] == [_span(delay) for delay in delays]
    assert found["valid for"] == [_span(tier.validity) for tier in tiers]
    assert [cell[:1] for cell in found["attestors who reproduced it"]] == [
        str(tier.attestations) for tier in tiers
    ]
    cosign = [cell == "yes" for cell in found["the council's cosignature"]]
    assert cosign[:4] == [tier.cosign for tier in tiers[:4]]
    assert found["open at once, per proposer"][0] == str(made.low_vote.max_open_per_proposer)
    low = made.low
    assert found["budget per subject"][0] == (
        f"{low.budget_operations} operations and {int(low.budget_cost) // 100} dollars a month "
        f"within any {_span(low.budget_window)}, half of it at once"
    )
    for term in (made.confirm_within, made.clear_within):
        assert _span(term) in page.partition("## After the run")[2]


def _span(seconds: int) -> str:
    size, word = (86_400, "day") if seconds % 86_400 == 0 else (3_600, "hour")
    return f"{seconds // size} {word}" + "s" * (seconds != size)
