"""The authority on a real token: what it signs, and what it does not."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pulumi_mandate.broker.certificates import issue, request_for, root
from pulumi_mandate.errors import Refused, SignerError, UsageError
from pulumi_mandate.signing.authority import AuthorityKey
from tests.broker.stage import CONTROLLER, DOMAIN, HOUR, Authority
from tests.plugins.hsm_fixtures import Token


def wanted(key: Any = None) -> x509.CertificateSigningRequest:
    return request_for(key or ec.generate_private_key(ec.SECP256R1()))


def test_a_leaf_has_one_name_and_can_sign_nothing(authority: Authority) -> None:
    made = issue(authority.key, authority.certificate, wanted(), CONTROLLER, life=HOUR)
    extensions = {found.oid: found for found in made.extensions}
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    usage = made.extensions.get_extension_for_class(x509.KeyUsage)

    made.verify_directly_issued_by(authority.certificate)
    assert names.critical
    assert [name.value for name in names.value] == [str(CONTROLLER)]
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert made.not_valid_after_utc - made.not_valid_before_utc == HOUR
    assert list(made.subject) == []
    assert len(extensions) == 5


def test_it_outlives_neither_a_day_nor_its_authority(authority: Authority) -> None:
    late = authority.certificate.not_valid_after_utc - timedelta(minutes=10)
    made = issue(authority.key, authority.certificate, wanted(), CONTROLLER, life=HOUR, now=late)
    assert made.not_valid_after_utc == authority.certificate.not_valid_after_utc

    for life in (timedelta(days=1, seconds=1), timedelta(0)):
        with pytest.raises(UsageError, match="at most"):
            issue(authority.key, authority.certificate, wanted(), CONTROLLER, life=life)
    with pytest.raises(UsageError, match="has expired"):
        issue(
            authority.key, authority.certificate, wanted(), CONTROLLER, life=HOUR,
            now=late + timedelta(hours=1),
        )  # fmt: skip


def test_an_authority_is_of_one_key_and_one_domain(authority: Authority, token: Token) -> None:
    other = AuthorityKey(token.uri(token.new_key("other-authority", "1.2.840.10045.3.1.7")))

    with pytest.raises(UsageError, match="of another key"):
        issue(other, authority.certificate, wanted(), CONTROLLER, life=HOUR)
    with pytest.raises(UsageError, match="another trust domain"):
        issue(authority.key, root(authority.key, "other.example"), wanted(), CONTROLLER, life=HOUR)


def test_a_request_is_signed_by_the_key_it_names(authority: Authority) -> None:
    honest = wanted().public_bytes(serialization.Encoding.DER)
    forged = x509.load_der_x509_csr(honest[:-1] + bytes([honest[-1] ^ 1]))
    weak = rsa.generate_private_key(65537, 2048)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    for request in (
        forged,
        builder.sign(weak, hashes.SHA256()),
        wanted(ec.generate_private_key(ec.SECP256K1())),
    ):
        with pytest.raises(Refused, match="is not signed by the key"):
            issue(authority.key, authority.certificate, request, CONTROLLER, life=HOUR)


def test_the_key_gives_nothing_away_and_does_nothing_else(authority: Authority) -> None:
    key = authority.key

    assert key.development_only  # SoftHSM is made of files
    assert (key.key_size, key.curve.name) == (256, "secp256r1")
    assert copy.copy(key) is copy.deepcopy(key) is key
    for refused in (
        key.private_numbers,
        lambda: key.private_bytes(None, None, None),
        lambda: key.exchange(None, None),
        lambda: pickle.dumps(key),
        lambda: key.sign(b"data", ec.ECDSA(hashes.SHA512())),
    ):
        with pytest.raises(SignerError):
            refused()


def test_a_token_that_signs_something_else_is_noticed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = SimpleNamespace(sign_raw=lambda digest: (1, 1))
    monkeypatch.setattr(authority.key, "_backend", backend)

    with pytest.raises(SignerError, match="something else"):
        root(authority.key, DOMAIN, datetime.now(UTC))


def test_an_authority_lives_on_a_token_and_on_p_256(token: Token) -> None:
    with pytest.raises(UsageError, match="on a token"):
        AuthorityKey("keystore:///etc/key.json?passphrase-file=/etc/pass")
    with pytest.raises(SignerError, match="not on the curve P-256"):
        AuthorityKey(token.uri(token.new_key("ethereum")))
