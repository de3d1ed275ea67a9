"""AWS KMS: what it answers when it refuses, and where the client must not be led."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from pulumi_mandate.errors import SignerError, UsageError
from pulumi_mandate.models import Digest, keccak
from pulumi_mandate.signing import enrol, open_signer
from pulumi_mandate.signing._awskms import AwsKmsBackend, _make_client
from pulumi_mandate.signing._uri import parse_key_uri

REFUSALS = {
    "AccessDeniedException": "kms:Sign",
    "DisabledException": "disabled",
    "KMSInvalidStateException": "pending deletion",
    "NotFoundException": "No such key",
    "InvalidKeyUsageException": "not for signing",
    "KeyUnavailableException": "again",
    "KMSInternalException": "again",
    "ThrottlingException": "Too many requests",
    "LimitExceededException": "quota",
    "ExpiredTokenException": "expired",
    "SomethingNewException": "CloudTrail",
}


@pytest.fixture
def stubbed() -> Iterator[tuple[AwsKmsBackend, Stubber]]:
    client = boto3.client(
        "kms", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        yield AwsKmsBackend("key", "us-east-1", None, client), stub


@pytest.mark.parametrize(("code", "words"), REFUSALS.items())
@pytest.mark.parametrize("operation", ["sign", "get_public_key"])
def test_a_refusal_says_what_to_do_and_repeats_nothing(
    stubbed, code: str, words: str, operation: str, digest: Digest
) -> None:
    backend, stub = stubbed
    stub.add_client_error(operation, code, f"User arn:aws:iam::1:root {digest.hex()} SECRET", 400)

    with pytest.raises(SignerError) as caught:
        backend.sign_raw(digest) if operation == "sign" else backend.public_address()
    text = caught.value.diagnostics()
    assert code in text
    assert words in text
    assert "next: " in text
    assert "SECRET" not in text
    assert digest.hex() not in text
    assert caught.value.__suppress_context__  # a traceback would print botocore's own text


@pytest.mark.parametrize(
    "signature", [b"", b"\x30\x00", b"\x01" * 64, b"\x30\x06\x02\x01\x01\x02\x01"]
)
def test_a_signature_that_is_no_der_is_refused(stubbed, signature: bytes, digest: Digest) -> None:
    backend, stub = stubbed
    stub.add_response("sign", {"Signature": signature})

    with pytest.raises(SignerError, match="no DER"):
        backend.sign_raw(digest)


def test_what_is_asked_of_kms(stubbed, digest: Digest) -> None:
    backend, stub = stubbed
    stub.add_response(
        "sign",
        {"Signature": bytes.fromhex("3006020101020102")},
        {
            "KeyId": "key",
            "Message": digest,
            "MessageType": "DIGEST",
            "SigningAlgorithm": "ECDSA_SHA_256",
        },
    )

    assert backend.sign_raw(digest) == (1, 2)


def answer(kms, spec: str, usage: str = "SIGN_VERIFY") -> dict:
    made = kms.create_key(KeySpec=spec, KeyUsage=usage)
    return kms.get_public_key(KeyId=made["KeyMetadata"]["KeyId"])


def test_a_key_of_another_curve_is_refused(kms, kms_endpoint: str) -> None:
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    key = made["KeyMetadata"]["KeyId"]

    with pytest.raises(SignerError, match="not a secp256k1"):
        enrol(f"awskms:///{key}?region=us-east-1&endpoint={kms_endpoint}")


@pytest.mark.parametrize("lie", [{}, {"PublicKey": b""}, {"PublicKey": b"\x30\x00"}])
def test_a_public_key_that_does_not_fit_is_refused(stubbed, kms, lie: dict) -> None:
    backend, stub = stubbed
    public = answer(kms, "ECC_NIST_P256")["PublicKey"]
    stub.add_response(
        "get_public_key",
        {"PublicKey": public, "KeySpec": "ECC_SECG_P256K1", "KeyUsage": "SIGN_VERIFY"} | lie,
    )

    with pytest.raises(SignerError, match="public key"):
        backend.public_address()


def test_a_disabled_key_and_one_pending_deletion_sign_nothing(kms, kms_endpoint: str) -> None:
    key = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    signer = open_signer(*enrol(f"awskms:///{key}?region=us-east-1&endpoint={kms_endpoint}"))
    kms.disable_key(KeyId=key)

    with pytest.raises(SignerError, match="DisabledException"):
        signer.sign(keccak(b"x"))
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(SignerError, match="KMSInvalidStateException"):
        signer.sign(keccak(b"x"))


def test_an_alias_led_to_another_key_signs_nothing(kms, kms_endpoint: str) -> None:
    def new() -> str:
        made = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")
        return made["KeyMetadata"]["KeyId"]

    kms.create_alias(AliasName="alias/moved", TargetKeyId=new())
    uri, address = enrol(f"awskms:///alias/moved?region=us-east-1&endpoint={kms_endpoint}")
    opened_before = open_signer(uri, address)
    kms.update_alias(AliasName="alias/moved", TargetKeyId=new())

    with pytest.raises(SignerError, match="is not by"):
        opened_before.sign(keccak(b"x"))
    with pytest.raises(SignerError, match="was enrolled"):
        open_signer(uri, address)


def test_nobody_listening_is_an_error_not_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_mandate.signing._awskms.ATTEMPTS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(SignerError, match="EndpointConnectionError"):
        enrol(f"awskms:///k?region=us-east-1&endpoint=http://127.0.0.1:{port}")


def test_a_kms_that_never_answers_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_mandate.signing._awskms.ATTEMPTS", 1)
    monkeypatch.setattr("pulumi_mandate.signing._awskms.READ_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        with pytest.raises(SignerError, match="ReadTimeoutError"):
            enrol(f"awskms:///k?region=us-east-1&endpoint=http://127.0.0.1:{port}")


def test_throttling_is_retried_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = []

    def throttle(server: socket.socket) -> None:
        body = b'{"__type":"ThrottlingException"}'
        head = f"HTTP/1.1 400 Bad\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                requests.append(connection.recv(65536))
                connection.sendall(head.encode() + body)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=throttle, args=(server,), daemon=True)
        thread.start()
        port = server.getsockname()[1]
        with pytest.raises(SignerError, match="ThrottlingException"):
            enrol(f"awskms:///k?region=us-east-1&endpoint=http://127.0.0.1:{port}")
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert len(requests) == 3


def test_the_environment_cannot_lead_the_signer_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://stranger.example")
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://stranger.example")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    client = _make_client("us-east-1", None)

    assert client.meta.endpoint_url == "https://kms.us-east-1.amazonaws.com"
    assert client.meta.region_name == "us-east-1"


def test_an_emulator_never_sees_real_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "REAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "REAL")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "REAL")

    client = _make_client("us-east-1", "http://127.0.0.1:1")

    credentials = client._request_signer._credentials
    assert "REAL" not in (credentials.access_key, credentials.secret_key, credentials.token)


@pytest.mark.parametrize(
    ("endpoint", "emulator"),
    [
        (None, False),
        ("https://vpce-1.kms.eu-central-1.vpce.amazonaws.com", False),
        ("http://127.0.0.1:5000", True),
        ("http://localhost:5000", True),
        ("http://[::1]:5000", True),
        ("https://127.0.0.1:5000", True),
    ],
)
def test_what_counts_as_an_emulator(endpoint: str | None, emulator: bool) -> None:
    assert AwsKmsBackend("k", "us-east-1", endpoint).development_only is emulator


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "awskms:",
        "awskms:///",
        "awskms:///k",
        "awskms:///k?region=",
        "awskms:///k?region=us-east-1&region=us-west-2",
        "awskms:///k?region=moon",
        "awskms:///k?region=us-east-1#x",
        "awskms://k?region=us-east-1",
        "awskms://user:pass@host/k?region=us-east-1",
        "awskms:///alias/?region=us-east-1",
        "awskms:///a b?region=us-east-1",
        "awskms:///k?region=us-east-1&endpoint=http://kms.example",
        "awskms:///k?region=us-east-1&endpoint=http://127.0.0.1.example:1",
        "awskms:///k?region=us-east-1&endpoint=http://10.0.0.1",
        "awskms:///k?region=us-east-1&endpoint=ftp://127.0.0.1",
        "awskms:///k?region=us-east-1&endpoint=https://user:pass@127.0.0.1",
        "awskms:///k?region=us-east-1&endpoint=https://",
        "awskms:///k?region=us-east-1&profile=x",
        "AWSKMS",
        "gcpkms:///k?region=us-east-1",
        "file:///etc/passwd",
        "keystore:///k",
        "keystore:///k?passphrase=secret-words",
        "keystore:///k?passphrase-file=/a&passphrase-env=B",
        "keystore:relative?passphrase-file=/a",
        None,
        7,
    ],
    ids=repr,
)
def test_a_strange_uri_is_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(UsageError) as caught:
        enrol(uri)
    assert "secret-words" not in caught.value.diagnostics()
    assert "pass@" not in caught.value.diagnostics()


def test_the_parts_of_a_uri() -> None:
    parsed = parse_key_uri("awskms:///arn:aws:kms:us-east-1:1:key/k?region=us-east-1")

    assert (parsed.scheme, parsed.path) == ("awskms", "/arn:aws:kms:us-east-1:1:key/k")
    assert dict(parsed.options) == {"region": "us-east-1"}
