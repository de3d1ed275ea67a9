"""Google Cloud KMS by its official client: what it refuses, against a stand-in of the service."""

from __future__ import annotations

import sys

import grpc
import pytest

from pulumi_mandate.errors import SignerError, UsageError
from pulumi_mandate.models import Digest
from pulumi_mandate.signing import UNPROVEN, _gcpkms, enrol, open_signer
from pulumi_mandate.signing._uri import parse_key_uri
from tests.plugins.gcp_kms import ALGORITHM, RING, GcpKms

REFUSALS = {
    grpc.StatusCode.PERMISSION_DENIED: "signerVerifier",
    grpc.StatusCode.UNAUTHENTICATED: "not valid",
    grpc.StatusCode.FAILED_PRECONDITION: "disabled",
    grpc.StatusCode.NOT_FOUND: "No such key",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "Too many requests",
    grpc.StatusCode.UNAVAILABLE: "again",
    grpc.StatusCode.INTERNAL: "audit log",
}


@pytest.mark.parametrize(("code", "words"), REFUSALS.items())
def test_a_refusal_says_what_to_do_and_repeats_nothing(
    gcp: GcpKms, code: grpc.StatusCode, words: str, digest: Digest
) -> None:
    uri, address = enrol(gcp.new_key("refused"))
    signer = open_signer(uri, address)
    [name] = [name for name in gcp.keys if "/refused/" in name]
    gcp.faults[name] = code
    gcp.asked.clear()

    with pytest.raises(SignerError) as caught:
        signer.sign(digest)

    told = caught.value.diagnostics()
    assert words in told
    assert "SECRET" not in told
    assert digest.hex() not in told
    assert caught.value.__suppress_context__
    assert gcp.asked == [name]  # once: whoever is refused does not try again by himself


def test_a_kms_that_never_answers_times_out(
    gcp: GcpKms, digest: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = open_signer(*enrol(gcp.new_key("slow")))
    monkeypatch.setattr(_gcpkms, "TIMEOUT", 0.2)
    gcp.hang.clear()

    with pytest.raises(SignerError, match="DeadlineExceeded"):
        signer.sign(digest)
    gcp.hang.set()


def test_a_key_of_another_curve_is_refused(gcp: GcpKms) -> None:
    gcp.algorithm = ALGORITHM.EC_SIGN_P256_SHA256

    with pytest.raises(SignerError, match="not a secp256k1"):
        enrol(gcp.new_key("nist"))


@pytest.mark.parametrize(
    "uri",
    [
        "gcpkms:///",
        "gcpkms:///projects/p/locations/l/keyRings/r/cryptoKeys/k",
        f"gcpkms:///{RING}/k/cryptoKeyVersions/0",
        f"gcpkms:///{RING}/k/cryptoKeyVersions/latest",
        f"gcpkms:///{RING}/a b/cryptoKeyVersions/1",
        f"gcpkms:///{RING}/k/cryptoKeyVersions/1?endpoint=http://kms.example",
        f"gcpkms:///{RING}/k/cryptoKeyVersions/1?endpoint=https://127.0.0.1:1",
        f"gcpkms:///{RING}/k/cryptoKeyVersions/1?endpoint=http://127.0.0.1:1/path",
        f"gcpkms:///{RING}/k/cryptoKeyVersions/1?region=x",
    ],
)
def test_a_strange_uri_is_refused(uri: str) -> None:
    with pytest.raises(UsageError):
        enrol(uri)


def test_the_service_is_googles_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from google.auth import credentials, default  # noqa: F401  # the name that is replaced

    monkeypatch.setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "stranger.example")
    monkeypatch.setattr(
        "google.auth.default", lambda **_: (credentials.AnonymousCredentials(), "project")
    )

    client = _gcpkms._make_client(None)

    assert client.api_endpoint == "cloudkms.googleapis.com"


def test_a_machine_without_credentials_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.exceptions import DefaultCredentialsError

    def none(**_: object) -> None:
        raise DefaultCredentialsError("SECRET")

    monkeypatch.setattr("google.auth.default", none)

    with pytest.raises(SignerError, match="credentials") as caught:
        enrol(f"gcpkms:///{RING}/k/cryptoKeyVersions/1")
    assert "SECRET" not in caught.value.diagnostics()


def test_without_its_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.kms_v1", None)

    with pytest.raises(SignerError) as caught:
        enrol(f"gcpkms:///{RING}/k/cryptoKeyVersions/1")
    assert "pulumi-mandate[gcpkms]" in caught.value.next_step


def test_it_counts_as_unproven_and_on_the_loopback_as_development() -> None:
    def development(uri: str) -> bool:
        return _gcpkms.GcpKmsBackend.from_uri(parse_key_uri(uri)).development_only

    assert "gcpkms" in UNPROVEN
    assert not development(f"gcpkms:///{RING}/k/cryptoKeyVersions/1")
    assert development(f"gcpkms:///{RING}/k/cryptoKeyVersions/1?endpoint=http://127.0.0.1:1")


@pytest.mark.parametrize("answer", [b"", b"no der"])
def test_a_signature_that_is_no_der_is_refused(
    gcp: GcpKms, digest: Digest, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = open_signer(*enrol(gcp.new_key("noise")))

    class Answer:
        signature = answer

    monkeypatch.setattr(_gcpkms.GcpKmsBackend, "_call", lambda *_: Answer())

    with pytest.raises(SignerError, match="no DER"):
        signer.sign(digest)
