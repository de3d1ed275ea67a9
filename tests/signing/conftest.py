"""One harness a backend: a new key store is one more row here, and the whole suite runs on it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from eth_keyfile import create_keyfile_json
from moto.server import ThreadedMotoServer

from pulumi_mandate.dev.kms import EMULATOR_CREDENTIALS, fix_digest
from pulumi_mandate.models import Address, Digest, Domain, keccak
from pulumi_mandate.signing import (
    Signer,
    _awskms,
    _azurekeyvault,
    create_keystore,
    enrol,
    open_signer,
)
from tests.plugins import azure_key_vault, gcp_kms
from tests.plugins.azure_key_vault import AzureKeyVault
from tests.plugins.cloud_front import CloudFront, cloud_front
from tests.plugins.gcp_kms import GcpKms
from tests.plugins.hsm_fixtures import PIN, SHUT
from tests.signing import mishaps
from tests.signing.mishaps import BACKENDS, FAST_SCRYPT, PASSPHRASE, PATIENCE, Harness


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
    made.hang.set()
    return made


@pytest.fixture(scope="session")
def _kms_front(kms_endpoint: str) -> Iterator[CloudFront]:
    with cloud_front(kms_endpoint) as front:
        yield front


@pytest.fixture
def kms_front(_kms_front: CloudFront) -> CloudFront:
    """The way to the emulated KMS, clear: what moto never says is said here."""
    _kms_front.said, _kms_front.silent = None, False
    return _kms_front


@pytest.fixture(params=BACKENDS)
def harness(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    passphrase_file: Path,
    counter: Iterator[int],
    monkeypatch: pytest.MonkeyPatch,
) -> Harness:
    """Every key store in turn; asked once, and waited for shortly where that is what is tried."""
    monkeypatch.setattr(_awskms, "ATTEMPTS", 1)
    monkeypatch.setattr(_azurekeyvault, "RETRIES", 0)
    if "time-out" in request.node.name:
        for client in (_awskms, _azurekeyvault):
            monkeypatch.setattr(client, "READ_TIMEOUT", PATIENCE)
    wanted = request.getfixturevalue
    if request.param == "keystore":

        def new_keystore() -> str:
            file = tmp_path / f"key-{next(counter)}.json"
            create_keystore(file, PASSPHRASE, scrypt_n=FAST_SCRYPT)
            return f"keystore://{file}?passphrase-file={passphrase_file}"

        return Harness("keystore", new_keystore, mishaps.of_a_keystore(passphrase_file))
    if request.param == "gcpkms":
        gcp = wanted("gcp")
        happens = mishaps.of_gcp(gcp, monkeypatch)
        return Harness("gcpkms", lambda: gcp.new_key(uuid.uuid4().hex), happens)
    if request.param == "azurekeyvault":
        vault = wanted("vault")
        happens = mishaps.of_a_vault(vault)
        return Harness("azurekeyvault", lambda: vault.new_key(uuid.uuid4().hex), happens)
    if request.param == "pkcs11":
        token = wanted("token").at(SHUT)
        pin = tmp_path / "pin"
        pin.touch(mode=0o600)
        pin.write_text(PIN)

        def new_key() -> str:
            return token.uri(token.new_key(uuid.uuid4().hex), pin=f"file:{pin}")

        happens = mishaps.of_a_token(token, pin, monkeypatch, request.addfinalizer)
        return Harness("pkcs11", new_key, happens)
    kms, front = wanted("kms"), wanted("kms_front")

    def new_kms_key() -> str:
        made = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")
        alias = f"alias/{uuid.uuid4().hex}"
        kms.create_alias(AliasName=alias, TargetKeyId=made["KeyMetadata"]["KeyId"])
        return f"awskms:///{alias}?region=us-east-1&endpoint={front.endpoint}"

    return Harness("awskms", new_kms_key, mishaps.of_kms(kms, front, new_kms_key))


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
