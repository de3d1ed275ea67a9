from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pulumi_mandate.edge import (
    Bundle,
    SigningKey,
    create_signing_key,
    load_trusted_keys,
    open_bundle,
    sign_bundle,
)
from pulumi_mandate.errors import SignerError


def write_key(path: Path, key) -> Path:
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "make",
    [ed25519.Ed25519PrivateKey.generate, lambda: ec.generate_private_key(ec.SECP256R1())],
    ids=["Ed25519", "P-256"],
)
def test_both_kinds_of_key_sign_what_their_public_half_checks(tmp_path, make):
    key = SigningKey.load(write_key(tmp_path / "key.pem", make()))
    (tmp_path / "public.pem").write_bytes(key.public_pem())
    trusted = load_trusted_keys(tmp_path / "public.pem")

    bundle = Bundle("s", 1)

    assert open_bundle(sign_bundle(bundle, key), trusted) == bundle


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-384", "RSA"],
)
def test_other_kinds_of_key_are_not_taken(tmp_path, make):
    path = write_key(tmp_path / "key.pem", make())

    with pytest.raises(SignerError, match="neither"):
        SigningKey.load(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_refused(machine, mode):
    machine.key.chmod(mode)

    with pytest.raises(SignerError, match="open to others"):
        machine.signing_key()


def test_a_link_in_the_keys_place_is_not_followed(machine, tmp_path):
    (tmp_path / "link.pem").symlink_to(machine.key)

    with pytest.raises(SignerError, match="cannot be opened"):
        SigningKey.load(tmp_path / "link.pem")


def test_a_folder_or_nonsense_in_the_keys_place_is_an_error_without_its_content(tmp_path):
    (tmp_path / "bad.pem").write_text("hunter2")
    (tmp_path / "bad.pem").chmod(0o600)

    with pytest.raises(SignerError) as nonsense:
        SigningKey.load(tmp_path / "bad.pem")
    with pytest.raises(SignerError, match="not a regular file"):
        SigningKey.load(tmp_path)

    assert "hunter2" not in nonsense.value.diagnostics()


def test_a_key_is_never_overwritten_printed_or_sent_away(machine, key):
    with pytest.raises(SignerError, match="exists"):
        create_signing_key(machine.key)
    with pytest.raises(SignerError, match="serialised"):
        pickle.dumps(key)
    assert "PRIVATE" not in repr(key)
    assert machine.key.stat().st_mode & 0o777 == 0o600


def test_an_empty_folder_of_trusted_keys_trusts_nobody_and_says_so(tmp_path):
    with pytest.raises(SignerError, match="no public key"):
        load_trusted_keys(tmp_path)


def test_trusted_keys_must_be_public_keys_we_can_check(tmp_path):
    (tmp_path / "x.pem").write_text("nothing")

    with pytest.raises(SignerError, match="not a public key"):
        load_trusted_keys(tmp_path)
    with pytest.raises(SignerError, match="cannot be read"):
        load_trusted_keys(tmp_path / "absent.pem")
