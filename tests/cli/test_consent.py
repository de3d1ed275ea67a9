"""Who says yes beside the vote, by the commands: attestors, council, finance, and what is owed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.audit.attestation import SignedAttestation
from pulumi_mandate.governance import Consent
from pulumi_mandate.models import Attestation, Observed, signing_digest, to_hex
from tests.chain.genesis import DAY, Person
from tests.cli.conftest import Office
from tests.cli.test_commands import approved, proposed

pytestmark = pytest.mark.chain


def attestation(office: Office, path: Path, who: Person) -> Path:
    fields, domain = office.history.document.fields(), office.history.deployment.domain
    now = office.history.deployment.client.now()
    said = Attestation(office.history.plan, fields.effect_root, True, fields.program, now)
    signature = who.sign_digest(signing_digest(domain, said))
    path.write_bytes(SignedAttestation(domain, said, who.address, signature).data)
    return path


def test_an_attestation_is_carried_to_the_chain_and_counted_once(
    office: Office, tmp_path: Path
) -> None:
    proposed(office)
    people = office.history.deployment.people
    file = attestation(office, tmp_path / "attestor.json", people["attestor"])

    said = office.ok("attest", str(file), "--as", "stranger", "--json").json
    assert (said["attestor"], said["attestations"]) == (people["attestor"].address, 1)
    again = office.mandate("attest", str(file), "--as", "stranger")
    assert again.code == 3
    assert "counted already" in again.err
    other = attestation(office, tmp_path / "ana.json", people["ana"])
    refused = office.mandate("attest", str(other), "--as", "stranger")
    assert refused.code == 3
    assert "no attestor of this stack" in refused.err
    assert office.mandate("attest", str(tmp_path / "none"), "--as", "ana").code == 2


def test_enough_seats_cosign_and_nobody_else(office: Office, tmp_path: Path) -> None:
    proposed(office)
    file = tmp_path / "cosign.json"

    refused = office.mandate("cosign", "1", "--as", "guardian", "--file", str(file))
    assert refused.code == 3
    assert "has no seat in the council" in refused.err
    assert not file.exists()
    assert office.mandate("cosign", "1", "--as", "ana").code == 2
    said = office.ok("cosign", "1", "--as", "ana", "--file", str(file), "--json").json
    assert (len(said["seats"]), said["needed"], said["transaction"]) == (1, 2, None)
    again = office.ok("cosign", "1", "--as", "ana", "--file", str(file))
    assert "1 of 2 seats have signed" in again.out, "nobody counts twice"
    assert "cosigned" in office.ok("cosign", "1", "--as", "ben", "--file", str(file)).out
    found = office.history.sources.registry.mandate(office.history.plan)
    assert found.cosigner == office.history.deployment.trust.council
    assert not file.exists()
    assert office.mandate("cosign", "1", "--finance", "--as", "ana", "--file", "x").code == 2
    refused = office.mandate("cosign", "1", "--finance", "--as", "ana")
    assert refused.code == 3
    assert "not the stack's finance cosigner" in refused.err


def test_a_result_is_confirmed_by_an_observer(office: Office) -> None:
    approved(office)
    history = office.history
    receipt = history.complete(history.begin())
    people, client = history.deployment.people, history.deployment.client
    seen = Observed(history.plan, receipt.post_state, client.now())
    signature = people["observer"].sign_digest(signing_digest(history.deployment.domain, seen))
    fields = history.document.fields()

    assert "waits to be confirmed" in office.ok("status", "1").out
    assert office.mandate("obligations", "--unconfirmed", "1", "--as", "ana").code == 3
    office.advance(4 * DAY)
    said = office.ok("obligations", "--unconfirmed", "1", "--as", "ana", "--json").json
    assert [one["duty"] for one in said["obligations"]] == ["unconfirmed"]
    Consent(client).observe(fields, seen, signature, people["stranger"])
    assert "done and confirmed" in office.ok("status", "1").out
    assert office.ok("obligations").out.strip() == "nothing is owed"
    assert "cleared" in office.ok("obligations", "--all").out


def test_a_run_is_stopped_for_good(office: Office) -> None:
    approved(office)
    office.history.begin()

    office.ok("revoke", "1", "--as", "guardian")
    assert not office.history.sources.registry.mandate(office.history.plan).hard
    said = office.ok("revoke", "1", "--hard", "--as", "guardian", "--json").json
    assert said["state"] == "stopping"
    assert office.history.sources.registry.mandate(office.history.plan).hard


def test_what_is_owed_is_listed_until_it_is_cleared(office: Office) -> None:
    approved(office)
    office.history.begin()
    assert office.ok("obligations").out.strip() == "nothing is owed"
    office.advance(DAY)
    office.ok("abandon", "1", "--as", "stranger")

    owed = office.ok("obligations", "--json").json["obligations"]
    assert [(one["duty"], one["overdue"]) for one in owed] == [("abandoned", False)]
    assert owed[0]["cause"] == to_hex(office.history.plan)
    assert "due in" in office.ok("obligations").out
    office.advance(8 * DAY)
    assert "overdue" in office.ok("obligations").out


def test_an_executors_key_needs_a_vote_and_the_council(office: Office, tmp_path: Path) -> None:
    key = office.history.deployment.people["stranger"].address

    file = str(tmp_path / "admit.json")
    office.ok("executors", "admit", key, "--as", "ben", "--file", file)
    early = office.mandate("executors", "admit", key, "--as", "cleo", "--file", file)
    assert early.code == 3
    assert "ExecutorRegistry" in early.err
    office.ok("executors", "add", key, "--as", "ana")
    office.advance(2 * DAY + 1)
    for name in ("ana", "ben"):
        office.ok("vote", "1", "for", "--as", name)
    office.advance(7 * DAY + 1)
    office.ok("queue", "1", "--as", "ana")
    office.advance(7 * DAY + 1)
    office.ok("advance", "1", "--as", "ana")
    assert f"{key} inactive" in office.ok("executors", "list").out
    Path(file).unlink()
    office.ok("executors", "admit", key, "--as", "ana", "--file", file)
    office.ok("executors", "admit", key, "--as", "cleo", "--file", file)
    assert f"{key} active, epoch 1" in office.ok("executors", "list").out
    office.ok("keys", "revoke", key, "--as", "guardian")
    assert f"{key} inactive" in office.ok("executors", "list").out
    former = office.history.deployment.people["executor"].address
    proposed = [
        office.ok(group, "rotate", former, new, "--as", "ana", "--json").json["proposal"]
        for group, new in (("executors", key), ("keys", "0x" + "8" * 40))
    ]
    assert proposed[1] == proposed[0] + 1
    assert office.mandate("executors", "admit", "0x12", "--as", "guardian").code == 2


def test_the_stacks_configs_are_listed(office: Office) -> None:
    people = office.history.deployment.people
    found = office.ok("subjects", "--json").json["subjects"]

    assert [one["version"] for one in found] == [1]
    assert found[0]["proposers"] == [people["proposer"].address]
    assert found[0]["costCap"] is None
    assert people["attestor"].address in office.ok("subjects").out
