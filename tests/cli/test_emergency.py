"""The emergency path by its commands, on a real chain: from the incident to its ratification."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.errors import Refused
from pulumi_mandate.models import Tier, keccak, plan_hash, to_hex
from pulumi_mandate.plan import summary
from pulumi_mandate.plan.assessment import emergency_tier
from pulumi_mandate.plan.document import Document
from tests.audit.cases import SOURCE, operation
from tests.chain.genesis import DAY, SUBJECT
from tests.cli.conftest import Office

pytestmark = pytest.mark.chain
HOUR = 3600


def urgent(
    office: Office,
    incident: str = "INC-2041",
    *names: str,
    op: str = "create",
    salt: bytes = b"salt",
) -> Document:
    """An emergency that makes buckets, on the office's stack."""
    rules = Rules.load().about(SUBJECT)
    operations = [operation(name, op, rules) for name in names or ("carts", "orders")]
    content = {**office.history.document.content, "operations": operations, "unknowns": []}
    content |= {"rollback": summary.rollback(operations), "salt": to_hex(keccak(salt))}
    content |= rules.state(content)
    content["tier"] = emergency_tier(content["tier"], incident, "the disk is full")
    return Document.of(content)


def kept(office: Office, document: Document) -> str:
    """Its plan hash, after `propose` has put it where the council reads it."""
    file = office.folder / "urgent.json"
    file.write_bytes(document.data)
    office.history.sources.store.put(SOURCE.data)
    said = office.ok("propose", "--plan", str(file), "--as", "proposer", "--json").json
    assert (said["opened"], said["proposal"], said["tier"]) == (False, None, "emergency")
    return str(said["planHash"])


def declare(office: Office, plan: str, *seats: str) -> dict[str, Any]:
    file = office.folder / "incident.json"
    for seat in seats:
        said = office.ok(
            "emergency", "declare", plan, "--as", seat, "--file", str(file), "--json"
        ).json
    return said


def test_an_emergency_runs_at_once_and_is_paid_for(office: Office) -> None:
    document = urgent(office)
    plan = kept(office, document)
    office.history = replace(office.history, document=document)
    assert plan == to_hex(plan_hash(office.history.deployment.domain, document.fields()))
    assert "has not declared it" in office.ok("verify", plan).out

    declared = declare(office, plan, "ana", "ben")

    assert (declared["declared"], declared["incident"]) == (True, "INC-2041")
    now = office.history.deployment.client.now()
    assert 0 < declared["expiresAt"] - now <= 6 * HOUR
    assert 0 < declared["reportDue"] - now <= 72 * HOUR
    assert 0 < declared["ratifyDue"] - now <= 21 * DAY
    [owed] = declared["ratifications"]
    assert (owed["owed"], owed["proposal"], owed["state"]) == (True, 1, "pending")
    said = office.ok("status").out
    assert "EMERGENCY INC-2041: 1 plan declared" in said
    assert "report due in" in said
    assert "proposal 1 is pending" in said
    assert "next: mandate up" in office.ok("status", plan).out
    assert office.ok("obligations", "--json").json["emergency"]["open"] is True
    assert "report due in" in office.ok("doctor", "--json").out

    office.history.complete(office.history.begin())
    assert "every link holds: completed" in office.ok("trace", plan).out
    traced = office.ok("trace", plan, "--json").json["links"]
    [link] = [one for one in traced if one["name"] == "declaration"]
    assert "2 of 3 seats, for incident INC-2041" in link["detail"]
    assert "votes" not in [one["name"] for one in traced]

    assert office.ok("emergency", "acknowledge", "--as", "stranger").out
    report = office.folder / "report.md"
    report.write_text("The disk was full.")
    refused = office.mandate("emergency", "report", str(report), "--as", "stranger")
    assert (refused.code, "no seat in the council" in refused.err) == (3, True)
    office.ok("emergency", "report", str(report), "--as", "cleo")
    assert office.history.sources.store.get(keccak(report.read_bytes())) == report.read_bytes()
    assert "report" not in office.ok("obligations").out
    carry(office, 1)
    said = office.ok("emergency", "show", "--json").json
    people = office.history.deployment.people
    assert (said["open"], said["overdue"]) == (False, False)
    assert said["acknowledged"] == [people["stranger"].address]
    assert "nothing is owed" in office.ok("obligations").out
    assert "paid" in office.ok("ratify").out


def carry(office: Office, number: int) -> None:
    """Through the critical electorate, which is who sits in the council here."""
    office.advance(2 * DAY + 1)
    for name in ("ana", "ben"):
        office.ok("vote", str(number), "for", "--as", name)
    office.advance(5 * DAY + 1)
    office.ok("advance", str(number), "--as", "stranger")
    office.advance(7 * DAY + 1)
    office.ok("advance", str(number), "--as", "stranger")


def test_nobody_gets_past_the_council_or_the_vote(office: Office) -> None:
    document = urgent(office)
    plan = kept(office, document)
    file = office.folder / "incident.json"
    words = ("emergency", "declare", plan, "--file", str(file))

    assert office.mandate("emergency", "declare", plan, "--as", "ana").code == 2, "no file"
    refused = office.mandate(*words, "--as", "guardian")
    assert (refused.code, "has no seat in the council" in refused.err) == (3, True)
    assert not file.exists()
    assert office.ok(*words, "--as", "ana", "--json").json["needed"] == 2
    assert office.ok(*words, "--as", "ana", "--json").json["declared"] is False, "counted once"

    honest = file.read_text()
    content = json.loads(honest)
    other = kept(office, urgent(office, salt=b"another"))
    refused = office.mandate("emergency", "declare", other, "--file", str(file), "--as", "ben")
    assert (refused.code, "about another plan" in refused.err) == (3, True)
    for part, value, word in (
        ("incident", to_hex(keccak(b"x")), "not by that seat"),
        ("deadline", content["deadline"] + 1, "not by that seat"),
        ("emergencyGate", office.history.deployment.trust.council, "another gate"),
        ("chainId", 1, "another gate"),
    ):
        file.write_text(json.dumps(content | {part: value}))
        refused = office.mandate(*words, "--as", "ben")
        assert (refused.code, word in refused.err) == (3, True), part
    for text in ("{}", "[]", honest.replace('"version": 1', '"version": 2')):
        file.write_text(text)
        assert office.mandate(*words, "--as", "ben").code == 2
    file.write_text(honest)
    office.advance(6 * HOUR + 60)
    refused = office.mandate(*words, "--as", "ben")
    assert (refused.code, "out of date" in refused.err) == (3, True)


def test_a_seat_signs_nothing_that_could_not_begin(office: Office) -> None:
    people, file = office.history.deployment.people, office.folder / "urgent.json"
    strange = urgent(office).content | {"proposer": people["ana"].address}
    file.write_bytes(Document.of(strange).data)
    office.history.sources.store.put(SOURCE.data)
    plan = office.ok("propose", "--plan", str(file), "--as", "ana", "--json").json["planHash"]

    words = ("emergency", "declare", plan, "--file", str(office.folder / "x.json"))
    refused = office.mandate(*words, "--as", "ben")

    assert (refused.code, "do not sign: proposer is broken" in refused.err) == (3, True)
    assert not (office.folder / "x.json").exists()


def test_an_emergency_is_not_the_normal_way_nor_the_other_way_round(office: Office) -> None:
    voted = office.folder / "plan.json"
    voted.write_bytes(office.history.document.data)
    office.history.sources.store.put(SOURCE.data)
    plan = office.ok("propose", "--plan", str(voted), "--as", "proposer", "--json").json["planHash"]
    file = str(office.folder / "incident.json")

    refused = office.mandate("emergency", "declare", plan, "--as", "ana", "--file", file)
    assert (refused.code, "tier high, and voters decide it" in refused.err) == (3, True)
    wrong = urgent(office, "INC-1", "stock", op="delete")
    destroying = office.folder / "delete.json"
    destroying.write_bytes(wrong.data)
    refused = office.mandate("propose", "--plan", str(destroying), "--as", "proposer")
    assert (refused.code, "an emergency may not delete" in refused.err) == (3, True)

    document = urgent(office)
    governor, people = office.history.sources.governor, office.history.deployment.people
    found = plan_hash(office.history.deployment.domain, document.fields())
    with pytest.raises(Refused, match="no electorate here approves plans of tier emergency"):
        governor.propose(document.fields(), found, "Buckets", people["proposer"])
    assert document.tier is Tier.EMERGENCY


def test_a_further_plan_takes_the_same_incident_and_every_seat(office: Office) -> None:
    declare(office, kept(office, urgent(office)), "ana", "ben")

    other = kept(office, urgent(office, "INC-9", salt=b"2"))
    file = str(office.folder / "other.json")
    office.ok("emergency", "declare", other, "--as", "ana", "--file", file)
    refused = office.mandate("emergency", "declare", other, "--as", "ben", "--file", file)
    assert (refused.code, "another incident is open" in refused.err) == (3, True)

    for salt in (b"3", b"4"):
        plan = kept(office, urgent(office, salt=salt))
        assert declare(office, plan, "ana", "ben")["needed"] == 3
        assert declare(office, plan, "cleo")["declared"] is True
    plan = kept(office, urgent(office, salt=b"5"))
    declare(office, plan, "ana", "ben")
    file = str(office.folder / "incident.json")
    refused = office.mandate("emergency", "declare", plan, "--as", "cleo", "--file", file)
    assert (refused.code, "three plans already" in refused.err) == (3, True)


def test_what_is_overdue_ends_the_path_until_a_critical_vote(office: Office) -> None:
    plan = kept(office, urgent(office))
    declare(office, plan, "ana", "ben")
    assert office.mandate("emergency", "switch-off", "--as", "stranger").code == 2
    office.advance(6 * HOUR + 1)
    assert "expired unused" in office.ok("status", plan).out, "six hours, and not a second more"
    office.advance(72 * HOUR)

    assert "report OVERDUE" in office.ok("status").out
    finding = next(
        one
        for one in office.mandate("doctor", "--json").json["findings"]
        if one["name"] == "emergency path"
    )
    assert (finding["ok"], finding["remedy"]) == (False, "mandate emergency show")
    office.ok("emergency", "switch-off", "--as", "stranger")
    said = office.ok("emergency", "show", "--json").json
    assert (said["overdue"], said["onUntil"]) == (True, 0)
    plan = kept(office, urgent(office, salt=b"2"))
    declare(office, plan, "ana", "ben")
    file = str(office.folder / "incident.json")
    refused = office.mandate("emergency", "declare", plan, "--as", "cleo", "--file", file)
    assert (refused.code, "mandate emergency renew" in refused.err) == (3, True)
    number = office.ok("emergency", "renew", "--as", "ana", "--json").json["proposal"]
    made = office.history.sources.governor.created(number)
    assert (made.function, made.governor) == ("renew", "critical_governor")

    carry(office, number)
    said = office.ok("emergency", "show", "--json").json
    now = office.history.deployment.client.now()
    assert (said["open"], said["overdue"]) == (True, False), "another three days for the report"
    assert 364 * DAY < said["onUntil"] - now <= 365 * DAY
    office.advance(365 * DAY)
    said = office.ok("emergency", "show").out
    assert "the emergency path is off" in said, "a year is a year"


def test_a_cancelled_ratification_is_proposed_again_by_anybody(office: Office) -> None:
    owed = declare(office, kept(office, urgent(office)), "ana", "ben")["ratifications"][0]
    people = office.history.deployment.people
    office.history.sources.governor.cancel(1, people["guardian"])

    [now] = office.ok("ratify", "--json").json["ratifications"]
    assert (now["state"], now["owed"]) == ("cancelled", True)
    office.ok("ratify", owed["obligation"], "--as", "stranger")
    [now] = office.ok("ratify", "--json").json["ratifications"]
    assert (now["proposal"], now["state"]) == (2, "pending")
    refused = office.mandate("ratify", owed["obligation"], "--as", "stranger")
    assert (refused.code, "before the voters already" in refused.err) == (3, True)
    assert office.mandate("ratify", "0x12", "--as", "stranger").code == 2

    office.advance(7 * DAY + 2)  # and nobody votes
    cure = f"next: mandate propose --clears {owed['obligation']}"
    assert cure in office.ok("ratify").out
    refused = office.mandate("ratify", owed["obligation"], "--as", "stranger")
    assert (refused.code, "lost there" in refused.err) == (3, True)
    office.ok("emergency", "report", str(office.plan_file), "--as", "ana")
    assert office.ok("emergency", "show", "--json").json["open"] is True, "owed until it is cured"


def test_the_council_changes_its_own_seats_and_leaves_a_trail(office: Office) -> None:
    people, file = office.history.deployment.people, str(office.folder / "seats.json")
    account = people["guardian"].address
    words = ("council", "rotate", "--add", account, "--remove", people["cleo"].address)

    refused = office.mandate("council", "rotate", "--as", "ana")
    assert (refused.code, "no rotation" in refused.err) == (3, True)
    office.ok(*words, "--as", "ana", "--file", file)
    office.ok(*words, "--as", "ben", "--file", file)
    refused = office.mandate("council", "rotate", "--as", "stranger")
    assert (refused.code, "may be made from" in refused.err) == (3, True)
    office.ok("council", "cancel", "--as", "ana", "--file", file)
    office.ok("council", "cancel", "--as", "ben", "--file", file)
    assert office.mandate("council", "rotate", "--as", "stranger").code == 3
    office.ok(*words, "--threshold", "3", "--as", "ana", "--file", file)
    office.ok(*words, "--threshold", "3", "--as", "ben", "--file", file)
    office.advance(2 * DAY)
    said = office.ok("council", "rotate", "--as", "stranger", "--json").json

    assert said["threshold"] == 3
    assert set(said["seats"]) == {people[name].address for name in ("ana", "ben", "guardian")}
    shown = office.ok("council", "show", "--json").json
    assert shown["seats"] == said["seats"]
    events = [one["event"] for one in shown["trail"]]
    assert events.count("Acted") == 3
    assert events[-1] == "RotationMade"
    assert account.lower() in office.ok("council", "show").out.lower()


def test_an_incident_is_named_on_purpose(office: Office, tmp_path: Path) -> None:
    for words in (
        ("--emergency", "INC-1"),
        ("--reason", "because"),
        ("--emergency", "two words", "--reason", "because"),
        ("--emergency", "a" * 32, "--reason", "because"),
        ("--emergency", "INC-1", "--reason", "two\nlines"),
        ("--emergency", "INC-1", "--reason", "because", "--clears", "0x" + "12" * 32),
    ):
        said = office.mandate("propose", *words, "--as", "proposer", "--cwd", str(tmp_path))
        assert said.code == 2, words
