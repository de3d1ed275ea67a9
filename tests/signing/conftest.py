"""One harness a backend: a new key store is one more row here, and the whole suite runs on it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from eth_keyfile import create_keyfile_json
from moto.server import ThreadedMotoServer

from pulumi_mandate.dev.kms import EMULATOR_CREDENTIALS, fix_digest
from pulumi_mandate.models import Address, Digest, Domain, keccak
from pulumi_mandate.signing import Signer, create_keystore, enrol, open_signer

PASSPHRASE = "correct horse"
FAST_SCRYPT = 2


@dataclass(frozen=True)
class Harness:
    """A key store under test."""

    new_key: Callable[[], str]
    """Make a fresh key, give its URI."""


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


@pytest.fixture(params=["keystore", "awskms"])
def harness(
    request: pytest.FixtureRequest, tmp_path: Path, passphrase_file: Path, counter: Iterator[int]
) -> Harness:
    if request.param == "keystore":

        def new_keystore() -> str:
            file = tmp_path / f"key-{next(counter)}.json"
            create_keystore(file, PASSPHRASE, scrypt_n=FAST_SCRYPT)
            return f"keystore://{file}?passphrase-file={passphrase_file}"

        return Harness(new_keystore)

    endpoint = request.getfixturevalue("kms_endpoint")
    kms = request.getfixturevalue("kms")

    def new_kms_key() -> str:
        made = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")
        return f"awskms:///{made['KeyMetadata']['KeyId']}?region=us-east-1&endpoint={endpoint}"

    return Harness(new_kms_key)


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
