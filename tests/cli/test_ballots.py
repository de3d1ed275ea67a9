"""Ballots that somebody else carries, and the veto, typed as a person types them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from pulumi_mandate.governance import Governor, Support
from pulumi_mandate.governance.ballots import Ballots, read_ballot
from pulumi_mandate.models import Ballot, ballot_digest
from tests.chain.genesis import DAY, TOKEN
from tests.chain.lying import LyingEndpoint, about

from .conftest import Office
from .test_commands import proposed

pytestmark = pytest.mark.chain


@pytest.fixture
def open_vote(office: Office) -> Office:
    proposed(office)
    office.advance(2 * DAY + 1)
    return office


def signed(office: Office, name: str, support: str = "for") -> Path:
    file = office.folder / f"{name}.ballot.json"
    office.ok("ballots", "sign", "1", support, "--as", name, "--out", str(file))
    return file


def tally(office: Office) -> tuple[int, int, int]:
    return Governor(office.history.sources.client).proposal(1).votes


def test_signed_ballots_are_collected_and_carried_by_a_stranger(open_vote: Office) -> None:
    office, box = open_vote, open_vote.folder / "box"
    files = [signed(office, "ana"), signed(office, "ben", "against")]
    assert tally(office) == (0, 0, 0), "nothing was sent"

    taken = office.ok("ballots", "collect", str(box), *map(str, files), "--json").json
    assert [one["proposal"] for one in taken["taken"]] == [1, 1]
    assert taken["refused"] == []
    sent = office.ok("ballots", "relay", str(box), "--as", "stranger", "--json").json

    assert len(sent["counted"]) == 2
    assert len(sent["transactions"]) == 1
    assert (sent["refused"], sent["kept"]) == ({}, {})
    assert tally(office) == (200 * TOKEN, 200 * TOKEN, 0), "capped, as votes are"
    assert list(box.iterdir()) == []
    assert office.mandate("ballots", "relay", str(box), "--as", "stranger").code == 2


def test_a_bad_ballot_is_named_on_arrival_and_stops_no_other(open_vote: Office) -> None:
    office, box = open_vote, open_vote.folder / "box"
    good, forged = signed(office, "ana"), signed(office, "ben")
    said = json.loads(forged.read_text())
    forged.write_text(json.dumps(said | {"support": "against"}))
    rubbish = office.folder / "rubbish.ballot.json"
    rubbish.write_text("{")

    found = office.ok(
        "ballots", "collect", str(box), str(forged), str(rubbish), str(good), "--json"
    ).json

    assert [one["voter"] for one in found["taken"]] == [
        office.history.deployment.people["ana"].address
    ]
    because = [one["because"] for one in found["refused"]]
    assert "is not signed by" in because[0]
    assert "this is no ballot" in because[1]
    assert all(one["next"] for one in found["refused"])


def test_a_ballot_that_was_good_when_it_came_is_kept_and_named(open_vote: Office) -> None:
    office, box = open_vote, open_vote.folder / "box"
    files = [signed(office, "ana"), signed(office, "ben")]
    office.ok("ballots", "collect", str(box), *map(str, files))
    office.ok("vote", "1", "for", "--as", "ben")

    sent = office.ok("ballots", "relay", str(box), "--as", "stranger", "--json").json

    assert len(sent["counted"]) == 1
    assert "has voted on proposal 1 already" in next(iter(sent["kept"].values()))
    assert len(list(box.iterdir())) == 1


def test_one_ballot_that_the_governor_refuses_does_not_stop_the_batch(open_vote: Office) -> None:
    made = open_vote.history.deployment
    ballots = Ballots(made.client)
    good = read_ballot(signed(open_vote, "ana").read_text())
    bad = dataclasses.replace(good, ballot=dataclasses.replace(good.ballot, support=0))

    receipts = ballots.relay([bad, good], made.people["stranger"])

    assert ballots.refused(receipts) == [(good.ballot.voter, "0x94ab6c07")]
    assert tally(open_vote) == (200 * TOKEN, 0, 0)


@pytest.mark.parametrize(
    ("code", "kind", "instead"),
    [
        ("0xef0100" + "11" * 20, "EIP-7702", "vote directly"),
        ("0x6000", "is a contract", "castVote"),
    ],
)
def test_a_voter_with_code_is_told_what_to_do(
    open_vote: Office, code: str, kind: str, instead: str
) -> None:
    file, box = signed(open_vote, "ana"), open_vote.folder / "box"
    real = open_vote.history.deployment.trust.rpc[0]

    # The chain of the tests lets nobody put code anywhere, so the node that is asked says it.
    with LyingEndpoint(real, about("eth_getCode", lambda _: code)) as node:
        text = open_vote.trust_file.read_text()
        open_vote.trust_file.write_text(text.replace(real, node.url))
        found = open_vote.ok("ballots", "collect", str(box), str(file), "--json").json

    assert found["taken"] == []
    assert kind in found["refused"][0]["because"]
    assert instead in found["refused"][0]["next"]


def test_a_ballot_of_nobody_or_of_another_governor_is_refused(open_vote: Office) -> None:
    office, made = open_vote, open_vote.history.deployment
    nothing = office.mandate(
        "ballots", "sign", "1", "for", "--as", "stranger", "--out", str(office.folder / "x")
    )
    assert nothing.code == 3
    assert "has no votes on proposal 1" in nothing.err
    good = read_ballot(signed(office, "ana").read_text())
    for moved in (
        dataclasses.replace(good.ballot, chain_id=1),
        dataclasses.replace(good.ballot, governor=made.trust.token),
    ):
        file = office.folder / "moved.ballot.json"
        file.write_text(dataclasses.replace(good, ballot=moved).text())
        said = office.ok("ballots", "collect", str(office.folder / "box"), str(file)).out
        assert "another chain or another governor" in said


def test_a_ballot_after_the_vote_is_refused(open_vote: Office) -> None:
    file = signed(open_vote, "ana")
    open_vote.advance(8 * DAY)

    said = open_vote.ok("ballots", "collect", str(open_vote.folder / "box"), str(file)).out

    assert "takes no ballots any more: it is defeated" in said


def test_the_digest_is_the_one_that_wallets_sign() -> None:
    """eth_account is the second opinion."""
    from eth_account.messages import encode_typed_data
    from eth_utils.crypto import keccak

    governor, voter = "0x" + "22" * 20, "0x" + "33" * 20
    message = encode_typed_data(
        {"name": "MandateGovernor", "version": "1", "chainId": 7, "verifyingContract": governor},
        {
            "Ballot": [
                {"name": "proposalId", "type": "uint256"},
                {"name": "support", "type": "uint8"},
                {"name": "voter", "type": "address"},
                {"name": "nonce", "type": "uint256"},
            ]
        },
        {"proposalId": 2**255, "support": 2, "voter": voter, "nonce": 5},
    )

    found = ballot_digest(Ballot(7, governor, 2**255, int(Support.ABSTAIN), voter, 5))  # type: ignore[arg-type]

    assert found == keccak(b"\x19\x01" + message.header + message.body)


def test_only_what_passes_in_silence_is_vetoed(open_vote: Office) -> None:
    said = open_vote.mandate("veto", "1", "--as", "ana")

    assert said.code == 2
    assert "mandate vote 1 against" in said.err
