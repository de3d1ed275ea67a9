"""Every command that needs no engine, on a real chain: what it does, says and refuses."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pulumi_mandate.cli._checkup import Finding
from pulumi_mandate.cli.resume import _sentence
from pulumi_mandate.gate.verify import executor_not_enrolled
from pulumi_mandate.models import to_hex
from pulumi_mandate.plan.document import Document
from tests.audit.cases import ORDERS
from tests.chain.genesis import DAY
from tests.cli.conftest import Office

pytestmark = pytest.mark.chain

GHOST = "0x" + "99" * 32


def proposed(office: Office) -> None:
    office.ok(
        "propose", "--as", "proposer", "--plan", str(office.plan_file), "--title", "Three  buckets"
    )


def approved(office: Office) -> None:
    proposed(office)
    office.advance(2 * DAY + 1)
    for name in ("ana", "ben"):
        office.ok("vote", "1", "for", "--as", name)
    office.advance(5 * DAY + 1)
    office.ok("queue", "1", "--as", "stranger")
    office.advance(7 * DAY + 1)
    office.ok("advance", "1", "--as", "stranger")


def test_a_plan_goes_from_its_proposal_to_its_trace(office: Office) -> None:
    plan = to_hex(office.history.plan)
    assert "there is no proposal yet" in office.ok("status").out

    proposed(office)
    pending = office.ok("status").out
    assert "proposal 1: announced" in pending
    assert "Three buckets" in pending
    assert "next: mandate show 1" in pending

    early = office.mandate("vote", "1", "for", "--as", "ana")
    assert early.code == 3
    assert "the proposal is pending" in early.err
    assert office.mandate("queue", "1", "--as", "stranger").code == 3

    verified = office.ok("verify", plan)
    assert "verified: proposal 1 approves exactly this document" in verified.out
    assert to_hex(office.history.document.digest) in verified.out
    assert to_hex(office.history.document.digest) not in office.ok("verify", "1", "--brief").out

    office.advance(2 * DAY + 1)
    said = office.ok("vote", "1", "for", "--as", "ana", "--reason", "read it")
    assert "ana voted for proposal 1" in said.out
    office.ok("vote", "1", "against", "--as", "ben")
    office.ok("vote", "1", "for", "--as", "cleo")
    assert office.mandate("vote", "1", "for", "--as", "ben").code == 3, "once"
    office.advance(5 * DAY + 1)
    queued = office.ok("queue", "1", "--as", "stranger", "--json").json
    assert (queued["did"], queued["state"]) == ("queued", "queued")
    waiting = office.mandate("advance", "1", "--as", "stranger")
    assert waiting.code == 3
    assert "its delay ends in" in waiting.err
    office.advance(7 * DAY + 1)
    assert "next: mandate up" in office.ok("advance", "1", "--as", "stranger").out

    assert "every link holds: approved" in office.ok("trace", "1").out
    office.history.complete(office.history.begin())
    traced = office.ok("trace", ORDERS, "--json").json
    assert (traced["holds"], traced["history"], traced["broken"]) == (True, "completed", None)
    assert len(office.ok("trace", ORDERS, "--brief").out.splitlines()) == len(traced["links"]) + 1


def test_show_renders_the_bytes_that_were_hashed(office: Office, tmp_path: Path) -> None:
    proposed(office)
    copy, page = tmp_path / "copy.json", tmp_path / "plan.html"

    text = office.ok("show", "1", "--output", str(copy), "--html", str(page)).out
    markdown = office.ok("show", to_hex(office.history.plan), "--markdown").out
    data = office.ok("show", "1", "--json").json

    assert text.startswith("Plan for acme/shop/prod: 3 operations")
    assert markdown.startswith("## Plan\n")
    assert copy.read_bytes() == office.history.document.data
    assert to_hex(office.history.plan) in page.read_text()
    assert base64.b64encode(copy.read_bytes()).decode() in page.read_text()
    nowhere = office.mandate("show", "1", "--html", str(tmp_path / "nowhere" / "plan.html"))
    assert (nowhere.code, nowhere.out) == (2, "")
    assert data["planHash"] == to_hex(office.history.plan)
    assert data["content"]["operations"] == office.history.document.operations


def test_a_swapped_document_is_found_by_show_verify_and_trace(office: Office) -> None:
    proposed(office)
    store = office.history.sources.store
    other = Document.of({**office.history.document.content, "salt": "0x" + "11" * 32})
    link = office.folder / "store" / "plans" / office.history.plan.hex()
    links = list((office.folder / "store").rglob(link.name))
    assert len(links) == 1
    links[0].write_text(to_hex(store.put(other.data)))

    for command in (["show", "1"], ["verify", "1"], ["trace", "1"]):
        said = office.mandate(*command)
        assert said.code == 3, command

    said = office.mandate("verify", "1")
    assert "do not approve: plan hash is broken" in said.out
    assert "expected" in said.out


def test_a_lost_document_can_be_put_back(office: Office) -> None:
    proposed(office)
    for file in (office.folder / "store").rglob("*.json"):
        file.unlink()

    lost = office.mandate("show", "1")
    assert lost.code == 3
    assert "not in the store" in lost.err

    assert office.mandate("propose", "--resend").code == 2
    office.ok("propose", "--plan", str(office.plan_file), "--resend")
    office.ok("verify", "1")
    assert len(office.ok("status", "--json").json["proposals"]) == 1, "no second proposal"


def test_only_the_named_proposer_proposes(office: Office) -> None:
    said = office.mandate("propose", "--as", "ana", "--plan", str(office.plan_file))

    assert said.code == 2
    assert "The proposer is part of the plan hash." in said.err


def test_the_proposer_withdraws_and_nobody_else(office: Office) -> None:
    proposed(office)

    assert office.mandate("withdraw", "1", "--as", "ana").code == 3
    office.ok("withdraw", "1", "--as", "proposer")
    assert "withdrawn by its proposer" in office.ok("status", "1").out


def test_the_guardian_revokes_and_nobody_else(office: Office) -> None:
    approved(office)

    assert office.mandate("revoke", "1", "--as", "ana").code == 3
    assert office.ok("revoke", "1", "--as", "guardian", "--json").json["state"] == "revoked"
    assert "revoked by the guardian" in office.ok("status", "1").out


def test_a_run_that_nobody_closes_is_abandoned_after_its_lease(office: Office) -> None:
    approved(office)
    office.history.begin()

    assert office.mandate("abandon", "1", "--as", "stranger").code == 3
    office.advance(DAY)
    office.ok("abandon", "1", "--as", "stranger")
    assert "abandoned; its mandate is spent" in office.ok("status", "1").out


def test_a_proposal_that_approves_no_plan_is_named_so(office: Office) -> None:
    people = office.history.deployment.people
    office.history.sources.governor.propose_call(
        "enrolExecutor",
        people["stranger"].address,
        description="A second key",
        account=people["proposer"],
    )

    said = office.mandate("verify", "1")

    assert said.code == 2
    assert "it calls enrolExecutor" in said.err
    row = office.ok("status", "--json").json["proposals"][0]
    assert row["planHash"] is None


@pytest.mark.parametrize(
    "words",
    [
        ("status", "7"),
        ("show", "7"),
        ("verify", GHOST),
        ("vote", GHOST, "for", "--as", "ana"),
        ("trace", "urn:pulumi:prod::shop::a:b:C::ghost"),
        ("vote", "1", "for"),
        ("vote", "1", "for", "--as", "nobody"),
        ("resume", "0x00"),
        ("keys", "show", "nobody"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_a_usage_error_with_a_next_step(
    words: tuple[str, ...], office: Office
) -> None:
    said = office.mandate(*words)

    assert said.code in (2, 3)
    assert said.err.startswith("error: ")
    assert "\nnext: " in said.err or "It has: " in said.err


def test_the_account_may_come_from_the_environment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MANDATE_AS", "proposer")

    office.ok("propose", "--plan", str(office.plan_file))

    assert "3 operations on shop/prod" in office.ok("status").out


def test_trust_show_names_keys_without_the_way_to_their_passphrases(office: Office) -> None:
    said = office.ok("trust", "show")

    assert office.history.deployment.people["ana"].address in said.out
    assert "passphrase" not in said.out
    assert "passphrase" not in office.ok("trust", "show", "--json").out


def test_doctor_looks_at_chain_keys_and_store(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(office.folder))

    said = office.mandate("doctor", "--json")

    found = {one["name"]: one for one in said.json["findings"]}
    assert said.code == 6, "the engine is the first thing that is missing"
    assert not found["pulumi"]["ok"]
    assert found["pulumi"]["remedy"]
    good = ("python", "trust file", "chain", "registry", "executor key", "runner key", "plan store")
    assert [name for name in (*good, "previews") if not found[name]["ok"]] == []
    assert "the trust file has no [previewer]" in found["previews"]["detail"]
    assert "enrolled" in found["executor key"]["detail"]


def test_a_key_that_is_not_enrolled_is_refused_by_doctor_as_by_the_gate(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = office.trust_file.read_text()
    head, mark, rest = text.partition("[executor]")
    stranger = office.history.deployment.people["stranger"]
    lines = rest.split("\n")
    lines[1] = lines[1].replace("executor.json", "stranger.json")
    lines[2] = f'address = "{stranger.address}"'
    office.trust_file.write_text(head + mark + "\n".join(lines))

    monkeypatch.setattr("pulumi_mandate.cli._checkup._pulumi", lambda: Finding("pulumi", True, ""))
    monkeypatch.setattr("pulumi_mandate.cli._checkup._launcher", lambda *_: Finding("x", True, ""))

    said = office.mandate("doctor", "--json")

    bad = [one for one in said.json["findings"] if not one["ok"]]
    assert [one["name"] for one in bad] == ["executor key"]
    assert "is not enrolled, or was revoked" in bad[0]["detail"]
    assert said.code == executor_not_enrolled(stranger.address).exit_code == 3, "as the gate says"


def test_doctor_text_says_how_to_get_what_is_missing(office: Office) -> None:
    office.trust_file.unlink()

    said = office.mandate("doctor")

    assert said.code in (2, 6)
    assert "missing  trust file" in said.out
    assert "get it: `mandate dev start`" in said.out


@pytest.mark.parametrize(
    ("told", "last"),
    [
        ({"status": "failed", "next": "mandate propose"}, "    next: mandate propose"),
        ({"status": "failed"}, "    not healthy"),
        ({"status": "open", "next": "mandate resume"}, "    not healthy"),
    ],
)
def test_what_became_of_a_run_says_what_comes_next(told: dict[str, str], last: str) -> None:
    result = {"runId": "0x" + "1" * 64, "planHash": "0x" + "2" * 64, "reasons": ["not healthy"]}

    said = _sentence({**result, **told}).splitlines()

    assert said[0].endswith(f": {told['status']}")
    assert said[-1] == last


def test_nothing_to_resume_is_good_news(office: Office) -> None:
    assert office.ok("resume").out == "no run was interrupted\n"


def test_a_release_is_signed_and_checked_against_the_chain(office: Office) -> None:
    file, releaser = str(office.folder / "release.json"), office.history.deployment.people["ana"]

    signed = office.ok("contracts", "sign", "--as", "ana", "--out", file, "--json").json
    shown = office.ok("contracts", "manifest", "--json").json
    checked = office.ok(
        "contracts", "check", "--signature", file, "--releaser", releaser.address, "--json"
    ).json

    assert signed["manifest"] == shown["manifest"] == checked["manifest"]
    assert signed["releaser"] == checked["releaser"] == releaser.address
    assert checked["replaced"] == []
    assert "PlanRegistry" in shown["contracts"]

    other = office.history.deployment.people["ben"].address
    assert office.mandate("contracts", "check", "--signature", file, "--releaser", other).code == 3
    assert office.mandate("contracts", "check", "--signature", file).code == 2
    assert "at every address" in office.ok("contracts", "check").out
    assert "0x" in office.ok("contracts", "manifest").out
