"""One harness a backend: a new key store is one more row here, and the whole suite runs on it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from eth_keyfile import create_keyfile_json
from moto.server import ThreadedMotoServer
from pkcs11 import Attribute

from pulumi_mandate.dev.kms import EMULATOR_CREDENTIALS, fix_digest
from pulumi_mandate.models import Address, Digest, Domain, keccak
from pulumi_mandate.signing import Signer, create_keystore, enrol, open_signer
from pulumi_mandate.signing._uri import parse_key_uri
from tests.plugins import azure_key_vault, gcp_kms
from tests.plugins.azure_key_vault import AzureKeyVault
from tests.plugins.gcp_kms import GcpKms
from tests.plugins.hsm_fixtures import Token

PASSPHRASE = "correct horse"
FAST_SCRYPT = 2


MISHAPS = ("disabled", "pending deletion", "gone", "denied", "another under its name")


@dataclass(frozen=True)
class Harness:
    """A key store under test."""

    new_key: Callable[[], str]
    """Make a fresh key, give its URI."""

    mishaps: Mapping[str, Callable[[str], None]]
    """What may become of a key (by its URI) in this store: one of `MISHAPS`. A store leaves out
    what it has no notion of."""


@pytest.fixture(autouse=True)
def _no_aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")


@pytest.fixture(scope="session")
def kms_endpoint() -> Iterator[str]:
    """A real moto server with the digest fix, on a free port of this worker."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    fix_digest(endpoint)
    yield endpoint
    server.stop()


@pytest.fixture
def kms(kms_endpoint: str):
    session = boto3.session.Session(region_name="us-east-1", **EMULATOR_CREDENTIALS)
    return session.client("kms", endpoint_url=kms_endpoint)


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.touch(mode=0o600)
    file.write_text(PASSPHRASE + "\n")
    return file


@pytest.fixture
def keystore_of(tmp_path: Path, passphrase_file: Path) -> Callable[[bytes], str]:
    """Write a given private key as a keystore and give its URI."""

    def write(private_key: bytes) -> str:
        file = tmp_path / f"{keccak(private_key).hex()[:8]}.json"
        content = create_keyfile_json(
            private_key, PASSPHRASE.encode(), kdf="scrypt", iterations=FAST_SCRYPT
        )
        file.touch(mode=0o600)
        file.write_text(json.dumps(content))
        return f"keystore://{file}?passphrase-file={passphrase_file}"

    return write


@pytest.fixture(scope="session")
def _gcp() -> Iterator[GcpKms]:
    kms = GcpKms()
    server = gcp_kms.serve(kms)
    yield kms
    server.stop(None)


@pytest.fixture
def gcp(_gcp: GcpKms) -> GcpKms:
    """The stand-in for Google's KMS, behaving itself."""
    _gcp.faults.clear()
    _gcp.hang.set()
    _gcp.algorithm = gcp_kms.ALGORITHM.EC_SIGN_SECP256K1_SHA256
    return _gcp


@pytest.fixture(scope="session")
def _vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AzureKeyVault, Path]]:
    vault = AzureKeyVault()
    server, certificate = azure_key_vault.serve(vault, tmp_path_factory.mktemp("vault"))
    yield vault, certificate
    server.shutdown()
    server.server_close()


@pytest.fixture
def vault(_vault: tuple[AzureKeyVault, Path], monkeypatch: pytest.MonkeyPatch) -> AzureKeyVault:
    """The stand-in for Azure's vault, behaving itself; its certificate is believed."""
    made, certificate = _vault
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    made.faults.clear()
    made.curve, made.cut = "P-256K", 64
    return made


@pytest.fixture(params=["keystore", "awskms", "pkcs11", "gcpkms", "azurekeyvault"])
def harness(
    request: pytest.FixtureRequest, tmp_path: Path, passphrase_file: Path, counter: Iterator[int]
) -> Harness:
    if request.param == "keystore":

        def new_keystore() -> str:
            file = tmp_path / f"key-{next(counter)}.json"
            create_keystore(file, PASSPHRASE, scrypt_n=FAST_SCRYPT)
            return f"keystore://{file}?passphrase-file={passphrase_file}"

        return Harness(new_keystore, _keystore_mishaps(passphrase_file))
    if request.param == "gcpkms":
        gcp = request.getfixturevalue("gcp")
        return Harness(lambda: gcp.new_key(uuid.uuid4().hex), _gcp_mishaps(gcp))
    if request.param == "azurekeyvault":
        vault = request.getfixturevalue("vault")
        return Harness(lambda: vault.new_key(uuid.uuid4().hex), _vault_mishaps(vault))
    if request.param == "pkcs11":
        token = request.getfixturevalue("token")
        new_key = lambda: token.uri(token.new_key(uuid.uuid4().hex))  # noqa: E731
        return Harness(new_key, _token_mishaps(token))

    endpoint = request.getfixturevalue("kms_endpoint")
    kms = request.getfixturevalue("kms")

    def new_kms_key() -> str:
        made = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")
        alias = f"alias/{uuid.uuid4().hex}"
        kms.create_alias(AliasName=alias, TargetKeyId=made["KeyMetadata"]["KeyId"])
        return f"awskms:///{alias}?region=us-east-1&endpoint={endpoint}"

    return Harness(new_kms_key, _kms_mishaps(kms, new_kms_key))


def _path(uri: str) -> str:
    return parse_key_uri(uri).path


def _keystore_mishaps(passphrase_file: Path) -> dict[str, Callable[[str], None]]:
    """A file is there or not, readable by its owner alone or not; nobody disables it."""

    def another(uri: str) -> None:
        Path(_path(uri)).unlink()
        create_keystore(Path(_path(uri)), PASSPHRASE, scrypt_n=FAST_SCRYPT)

    return {
        "gone": lambda uri: Path(_path(uri)).unlink(),
        "denied": lambda uri: passphrase_file.write_text("another one\n") and None,
        "another under its name": another,
    }


def _token_mishaps(token: Token) -> dict[str, Callable[[str], None]]:
    """An object is there or not, and may sign or not; tokens do not wait before they delete."""

    def label(uri: str) -> str:
        return _path(uri).rpartition("object=")[2]

    def gone(uri: str) -> None:
        with token.session() as session:
            for key in list(session.get_objects({Attribute.LABEL: label(uri)})):
                key.destroy()

    def another(uri: str) -> None:
        gone(uri)
        token.new_key(label(uri))

    def denied(uri: str) -> None:
        gone(uri)
        token.new_key(label(uri), SIGN=False)

    return {"gone": gone, "denied": denied, "another under its name": another}


def _gcp_mishaps(kms: GcpKms) -> dict[str, Callable[[str], None]]:
    """A version's name never leads to another key; the stand-in can be made to lie."""
    codes = grpc.StatusCode

    def name(uri: str) -> str:
        return _path(uri).removeprefix("/")

    def fault(code: grpc.StatusCode) -> Callable[[str], None]:
        return lambda uri: kms.faults.update({name(uri): code})

    return {
        "disabled": fault(codes.FAILED_PRECONDITION),
        "pending deletion": fault(codes.FAILED_PRECONDITION),
        "gone": lambda uri: kms.keys.pop(name(uri)) and None,
        "denied": fault(codes.PERMISSION_DENIED),
        "another under its name": lambda uri: kms.new_key(name(uri).split("/")[7]) and None,
    }


def _vault_mishaps(vault: AzureKeyVault) -> dict[str, Callable[[str], None]]:
    """A version never leads to another key; the stand-in can be made to lie."""

    def place(uri: str) -> str:
        return _path(uri).split("/", 2)[2]

    def another(uri: str) -> None:
        vault.keys[place(uri)] = ec.generate_private_key(ec.SECP256K1())

    return {
        "disabled": lambda uri: vault.faults.update({place(uri): 403}),
        "pending deletion": lambda uri: vault.faults.update({place(uri): 409}),
        "gone": lambda uri: vault.keys.pop(place(uri)) and None,
        "denied": lambda uri: vault.faults.update({place(uri): 403}),
        "another under its name": another,
    }


def _kms_mishaps(kms: Any, new_key: Callable[[], str]) -> dict[str, Callable[[str], None]]:
    """moto grants everybody everything: what a denial says is in test_awskms.py."""

    def key(uri: str) -> str:
        return _path(uri).removeprefix("/")

    def gone(uri: str) -> None:
        kms.delete_alias(AliasName=key(uri))

    def another(uri: str) -> None:
        kms.update_alias(AliasName=key(uri), TargetKeyId=target(new_key()))

    def target(uri: str) -> str:
        return str(kms.describe_key(KeyId=key(uri))["KeyMetadata"]["KeyId"])

    return {
        "disabled": lambda uri: kms.disable_key(KeyId=target(uri)) and None,
        "pending deletion": lambda uri: (
            kms.schedule_key_deletion(KeyId=target(uri), PendingWindowInDays=7) and None
        ),
        "gone": gone,
        "another under its name": another,
    }


@pytest.fixture
def counter() -> Iterator[int]:
    return iter(range(1_000_000))


@pytest.fixture
def signer(harness: Harness) -> Signer:
    """A freshly enrolled key of the store under test."""
    return open_signer(*enrol(harness.new_key()))


@pytest.fixture
def domain() -> Domain:
    return Domain(31337, Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"))


@pytest.fixture
def digest() -> Digest:
    return keccak(b"anything")
