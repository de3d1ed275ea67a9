"""Who is let in, over real TLS: each attack is a certificate that our authority could have signed,
or somebody else's. What each sees is a closed connection, or one sentence."""

from __future__ import annotations

import http.client
import json
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from pulumi_mandate.broker.certificates import root
from pulumi_mandate.errors import MandateError, Refused, SignerError, UsageError
from pulumi_mandate.svid import BrokerAt, BrokerCaller, Files, SpiffeId, client_context
from tests.broker.stage import BROKER, CONTROLLER, DOMAIN, STRANGER, Stage, asking, new_authority

pytestmark = pytest.mark.chain
URI = x509.UniformResourceIdentifier


def leaf(stage: Stage, *names: x509.GeneralName, **changes: Any) -> Files:
    """What the authority's key signs when it is asked to sign anything; times count from now."""
    now = datetime.now(UTC)  # and not from when the tests were collected, an hour ago
    key = ec.generate_private_key(ec.SECP256R1())
    authority = stage.authority
    identifier = authority.certificate.extensions.get_extension_for_class(
        x509.SubjectKeyIdentifier
    ).value
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    usage |= {"digital_signature": True} | changes.get("usage", {})
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + changes.get("since", timedelta(minutes=-1)))
        .not_valid_after(now + changes.get("until", timedelta(minutes=30)))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .add_extension(x509.BasicConstraints(changes.get("ca", False), None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([changes.get("purpose", ExtendedKeyUsageOID.CLIENT_AUTH)]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False
        )
    )
    return authority.written(key, made.sign(authority.key, hashes.SHA256()))


def ask(stage: Stage, files: Files) -> dict[str, Any]:
    return BrokerCaller(stage.at(files)).ask("/v1/credentials", asking("aws"))


ME = URI(str(CONTROLLER))


def test_the_authoritys_plain_leaf_is_let_in(stage: Stage) -> None:
    """So that every refusal below is about what it changes."""
    assert ask(stage, leaf(stage, ME))["access"] == "write"


@pytest.mark.parametrize(
    ("names", "changes", "said"),
    [
        ([ME, URI(str(STRANGER))], {}, "it has 2 names"),
        ([ME, x509.DNSName("runner.acme.example")], {}, "it has 2 names"),
        ([x509.DNSName("runner.acme.example")], {}, "it has 1 names"),
        ([URI("https://acme.example/controller")], {}, "begins with spiffe://"),
        ([URI("spiffe://acme.example/a/../controller")], {}, "missing or malformed"),
        ([URI("spiffe://acme.example")], {}, "missing or malformed"),
        ([URI("spiffe://other.example/controller")], {}, "of another trust domain"),
        ([ME], {"usage": {"digital_signature": False, "key_agreement": True}}, None),
        ([ME], {"until": timedelta(days=30)}, "lives longer than"),
        ([URI(str(STRANGER))], {}, "is not enrolled"),
        ([URI(str(BROKER))], {}, "is not enrolled"),
    ],
    ids=["two ids", "an id and a name", "a name", "no spiffe", "dots", "no path", "other domain",
         "may not sign", "a month", "unknown", "the broker's own"],
)  # fmt: skip
def test_an_identity_of_the_wrong_shape_is_nobody(
    stage: Stage, names: list[Any], changes: dict[str, Any], said: str | None
) -> None:
    before = len(stage.events())
    with pytest.raises(MandateError, match=said):
        ask(stage, leaf(stage, *names, **changes))

    if said is not None:  # else the handshake ended it
        assert len(stage.events()) == before + 1
        assert json.loads(stage.events()[-1])["event"] == "refused"


@pytest.mark.parametrize(
    "changes",
    [
        {"since": timedelta(hours=-2), "until": timedelta(hours=-1)},
        {"since": timedelta(minutes=20)},
        {"purpose": ExtendedKeyUsageOID.CODE_SIGNING},
        {"purpose": ExtendedKeyUsageOID.SERVER_AUTH},
    ],
    ids=["expired", "not yet", "for code", "for servers"],
)
def test_the_handshake_ends_it(stage: Stage, changes: dict[str, Any]) -> None:
    before = stage.events()

    with pytest.raises(SignerError, match="cannot be asked"):
        ask(stage, leaf(stage, ME, **changes))

    assert stage.events() == before


def test_a_certificate_of_another_authority_is_none(stage: Stage, tmp_path) -> None:
    """Same names, same words, another key."""
    key: Any = ec.generate_private_key(ec.SECP256R1())
    theirs = new_authority(key, root(key, DOMAIN), tmp_path / "theirs").files(CONTROLLER)
    files = Files(stage.authority.path, theirs.certificate, theirs.key)

    with pytest.raises(SignerError, match="cannot be asked"):
        ask(stage, files)


def test_nothing_below_tls_1_3_is_spoken(stage: Stage) -> None:
    context = client_context(stage.authority.files(CONTROLLER))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    connection = http.client.HTTPSConnection("127.0.0.1", stage.port, context=context, timeout=10)

    with pytest.raises(ssl.SSLError):
        connection.connect()
    connection.close()


def test_a_caller_without_a_certificate_reads_nothing(stage: Stage) -> None:
    context = ssl.create_default_context(cafile=str(stage.authority.path))
    context.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", stage.port, context=context, timeout=10)

    with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):  # noqa: PT012
        connection.request("POST", "/v1/executor", b"{}")
        connection.getresponse()
    connection.close()


def test_somebody_else_in_the_brokers_place_is_asked_nothing(stage: Stage) -> None:
    """He has a certificate of our authority, and listens where the broker did."""
    files = stage.authority.files(CONTROLLER)
    expected = BrokerAt("127.0.0.1", stage.port, SpiffeId(DOMAIN, "/broker/eu"), files)
    before = stage.events()

    with pytest.raises(SignerError, match="answers in the place of"):
        BrokerCaller(expected).ask("/v1/executor", {})

    assert stage.events() == before


@pytest.mark.parametrize(
    ("path", "question", "error"),
    [
        ("/v1/credentials", {"service": "aws"}, UsageError),
        ("/v1/credentials", {"service": "aws", "subject": {"backend": "b"}}, UsageError),
        ("/v1/credentials", asking("gcp"), UsageError),
        ("/v1/sign", {"kind": "transaction", "message": {}}, UsageError),
        ("/v1/sign", {"kind": "order", "message": {"plan_hash": "0x00"}}, UsageError),
        ("/v1/sign", {"kind": "order"}, UsageError),
    ],
)
def test_what_is_not_understood_is_not_answered(
    stage: Stage, path: str, question: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        stage.caller(CONTROLLER).ask(path, question)


def test_no_answer_that_is_not_the_brokers(stage: Stage) -> None:
    with pytest.raises(SignerError, match="cannot be asked"):
        stage.caller(CONTROLLER).ask("/v1/nothing", {})
    with pytest.raises(UsageError, match="JSON"):
        stage.caller(CONTROLLER).ask("/v1/sign", [])  # type: ignore[arg-type]


def test_a_key_that_others_may_read_is_no_identity(stage: Stage) -> None:
    files = stage.authority.files(CONTROLLER)
    files.key.chmod(0o640)

    with pytest.raises(SignerError, match="open to others"):
        ask(stage, files)


def test_files_that_are_no_identity_are_named(stage: Stage) -> None:
    files = stage.authority.files(CONTROLLER)
    files.certificate.write_text("nothing")

    with pytest.raises(UsageError, match="identity of this machine"):
        ask(stage, files)


def test_a_caller_enrolled_nowhere_does_not_learn_the_executors_address(stage: Stage) -> None:
    with pytest.raises(Refused):
        stage.caller(STRANGER).ask("/v1/executor", {})
