"""A key that answers a challenge, and proofs that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulumi_mandate.signing import Signature
from tests.cli.conftest import Office

WORDS = "rotation 2027-01-15, 4f91c2"
PROVE = ("keys", "prove", "ana", "--challenge", WORDS, "--json")
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


@pytest.fixture
def proof(office: Office, tmp_path: Path) -> Path:
    file = tmp_path / "proof.json"
    office.ok("keys", "prove", "ana", "--challenge", WORDS, "--out", str(file))
    assert json.loads(file.read_text()) == office.ok(*PROVE).json
    return file


def change(proof: Path, **parts: str) -> None:
    proof.write_text(json.dumps(json.loads(proof.read_text()) | parts))


def test_a_proof_is_checked_and_says_whose_key_it_is_here(office: Office, proof: Path) -> None:
    found = office.ok("keys", "proven", str(proof), "--challenge", WORDS, "--json").json

    assert found == {"address": office.history.deployment.people["ana"].address, "names": ["ana"]}


def test_an_old_proof_does_not_answer_new_words(office: Office, proof: Path) -> None:
    said = office.mandate("keys", "proven", str(proof), "--challenge", "today's")

    assert said.code == 2
    assert "another challenge" in said.err


def test_a_proof_put_under_other_words_or_another_key_is_none(office: Office, proof: Path) -> None:
    change(proof, challenge="today's")
    assert office.mandate("keys", "proven", str(proof), "--challenge", "today's").code == 5

    change(proof, challenge=WORDS, address=office.history.deployment.people["ben"].address)
    said = office.mandate("keys", "proven", str(proof), "--challenge", WORDS)
    assert (said.code, "do not enrol it" in said.err) == (5, True)


def test_the_twin_of_a_proof_is_none(office: Office, proof: Path) -> None:
    made = Signature.from_bytes(bytes.fromhex(json.loads(proof.read_text())["signature"][2:]))
    twin = Signature(made.r, ORDER - made.s, 55 - made.v)
    change(proof, signature="0x" + twin.to_bytes().hex())

    said = office.mandate("keys", "proven", str(proof), "--challenge", WORDS)

    assert (said.code, "high half" in said.err) == (5, True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"signature": 7}', "\x00"])
def test_what_is_no_proof_is_unusable(office: Office, tmp_path: Path, text: str) -> None:
    file = tmp_path / "proof.json"
    file.write_text(text)

    said = office.mandate("keys", "proven", str(file), "--challenge", WORDS)

    assert (said.code, "is no proof" in said.err) == (2, True)


def test_a_proof_that_is_not_there_is_unusable(office: Office, tmp_path: Path) -> None:
    assert office.mandate("keys", "proven", str(tmp_path / "no"), "--challenge", WORDS).code == 2


def test_a_key_that_nobody_has_cannot_answer(office: Office) -> None:
    assert office.mandate("keys", "prove", "nobody", "--challenge", WORDS).code == 2


def test_a_key_in_an_unproven_store_is_shown_as_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert office.ok("keys", "show", "ana", "--json").json["unproven"] == []
    monkeypatch.setattr("pulumi_mandate.signing.UNPROVEN", frozenset({"keystore"}))

    assert office.ok("keys", "show", "ana", "--json").json["unproven"] == ["ana"]
    assert "unproven key store" in office.ok("keys", "show", "ana").out
