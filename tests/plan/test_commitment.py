"""Secrets as commitments: one domain per property, and a key that never shows."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pulumi_mandate.errors import UsageError
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.commitment import SubjectKey, commit, commitment
from pulumi_mandate.plan.raw import KEY_NAME, subject_key

KEY = SubjectKey(bytes(range(32)))


def test_it_is_hmac_under_hkdf_as_another_library_computes_them() -> None:
    place = canonical_bytes(["urn:x", ["nested", 0]])
    derived = HKDF(SHA256(), 32, b"mandate/secret/v1", place).derive(KEY.secret)
    expected = hmac.digest(derived, b'["string","hunter2"]', hashlib.sha256)

    assert expected == commitment(KEY, "urn:x", ["nested", 0], "hunter2")


def test_equal_secrets_do_not_look_equal() -> None:
    places = [("urn:x", ["a"]), ("urn:y", ["a"]), ("urn:x", ["b"]), ("urn:x", ["a", 0]),
              ("urn:x", ["a", "0"]), ("urn:xa", [])]  # fmt: skip
    seen = {commit(KEY, urn, path, "same")["commitment"] for urn, path in places}
    seen.add(commit(SubjectKey(b"k" * 32), "urn:x", ["a"], "same")["commitment"])

    assert len(seen) == 7


@pytest.mark.parametrize(("left", "right"), [("1", 1), (True, 1), (None, "null"), ([], {})])
def test_the_type_is_inside(left: object, right: object) -> None:
    assert commit(KEY, "u", ["p"], left) != commit(KEY, "u", ["p"], right)


def test_a_key_shows_neither_in_print_nor_in_its_id() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert "\\x01" not in repr(KEY)
    assert KEY.id != SubjectKey(b"k" * 32).id
    assert KEY.id not in (KEY.secret, hashlib.sha256(KEY.secret).digest())


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32, "hunter2"])
def test_a_key_of_another_length_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        SubjectKey.from_hex(text)

    assert not text or text not in caught.value.diagnostics()


@pytest.mark.parametrize("config", [
    {}, {KEY_NAME: "00" * 32}, {KEY_NAME: {"value": "00" * 32, "secret": False}},
    {KEY_NAME: {"secret": True}},
])  # fmt: skip
def test_a_stack_without_a_secret_key_is_told_how_to_make_one(config: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        subject_key(config)

    assert "openssl rand -hex 32" in caught.value.next_step
