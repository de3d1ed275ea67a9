"""The demo's cloud as a process: ready, stopped, killed, started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from botocore.exceptions import ClientError

from pulumi_mandate.dev.cloud import cloud_environment, read_cloud
from pulumi_mandate.dev.kms import create_executor_key, emulator_client
from pulumi_mandate.errors import SignerError
from pulumi_mandate.models import keccak
from pulumi_mandate.signing import enrol, open_signer

Start = Callable[..., subprocess.Popen]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "cloud"


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Start the cloud of `home`, wait until it is ready; whatever runs at the end is killed."""
    running: list[subprocess.Popen] = []

    def begin(*arguments: str, ready: bool = True) -> subprocess.Popen:
        command = [sys.executable, "-m", "pulumi_mandate.dev.cloud", "--home", str(home)]
        process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True)
        running.append(process)
        deadline = time.monotonic() + 60
        while ready and read_cloud(home) is None:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline, "not ready in 60 s"
            time.sleep(0.05)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()
        process.stderr.close()


def endpoint_of(home: Path, service: str = "kms") -> str:
    state = read_cloud(home)
    assert state is not None
    return state.kms if service == "kms" else state.endpoint


def test_the_executors_address_survives_kill_9(home: Path, start: Start) -> None:
    process = start()
    uri = create_executor_key(endpoint_of(home))
    address = enrol(uri)[1]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (home / "cloud.json").exists()  # nobody could remove it
    assert read_cloud(home) is None

    start()
    again = create_executor_key(endpoint_of(home))  # finds the alias, makes no second key

    signer = open_signer(again, address)
    signer.sign(keccak(b"after the restart"))
    keys = emulator_client("kms", endpoint_of(home)).list_keys()["Keys"]
    assert len(keys) == 1


def test_state_and_alias_changes_survive_and_the_rest_does_not(home: Path, start: Start) -> None:
    process = start()
    kms = emulator_client("kms", endpoint_of(home))
    create_executor_key(endpoint_of(home))
    second = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")["KeyMetadata"][
        "KeyId"
    ]
    kms.update_alias(AliasName="alias/mandate-executor", TargetKeyId=second)
    kms.create_key()  # symmetric: not kept
    kms.disable_key(KeyId=second)
    emulator_client("s3", endpoint_of(home, "s3")).create_bucket(Bucket="in-memory")
    process.terminate()
    assert process.wait(20) == 0
    assert not (home / "cloud.json").exists()

    start()
    kms = emulator_client("kms", endpoint_of(home))

    described = kms.describe_key(KeyId="alias/mandate-executor")["KeyMetadata"]
    assert (described["KeyId"], described["KeyState"]) == (second, "Disabled")
    assert described["Arn"].endswith(second)
    assert len(kms.list_keys()["Keys"]) == 2
    assert emulator_client("s3", endpoint_of(home, "s3")).list_buckets()["Buckets"] == []
    signer = open_signer(
        *enrol(f"awskms:///{second}?region=us-east-1&endpoint={endpoint_of(home)}")
    )
    with pytest.raises(SignerError, match="DisabledException"):
        signer.sign(keccak(b"x"))


def test_keys_are_private_to_the_user(home: Path, start: Start) -> None:
    start()
    create_executor_key(endpoint_of(home))

    assert stat.S_IMODE((home / "kms").stat().st_mode) == 0o700
    files = list((home / "kms").iterdir())
    assert len(files) == 1  # no half-written file, no probe's key
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_a_second_cloud_in_the_same_home_refuses(home: Path, start: Start) -> None:
    first = start()
    second = start(ready=False)

    assert second.wait(60) == 2
    assert "already running" in second.stderr.read()
    assert first.poll() is None
    assert read_cloud(home).pid == first.pid


def test_a_busy_port_refuses_instead_of_talking_to_a_stranger(home: Path, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("--port", str(taken.getsockname()[1]), ready=False)

        assert process.wait(60) == 2
    assert "busy" in process.stderr.read()
    assert read_cloud(home) is None


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"pem": "no"', b"\xff"])
def test_a_damaged_key_file_stops_the_start(home: Path, start: Start, damage: bytes) -> None:
    (home / "kms").mkdir(parents=True)
    (home / "kms" / "k.json").write_bytes(damage)

    process = start(ready=False)

    assert process.wait(60) == 5
    assert "cannot be restored" in process.stderr.read()


def test_moto_without_the_fix_is_caught_by_the_gate() -> None:
    """Why the fix exists: if moto ever signs digests right, this fails and the fix can go."""
    program = """
from moto.server import ThreadedMotoServer
from pulumi_mandate.dev.kms import create_executor_key, fix_digest, signs_digests
from pulumi_mandate.errors import SignerError
from pulumi_mandate.models import keccak
from pulumi_mandate.signing import enrol, open_signer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
endpoint = "http://%s:%d" % server.get_host_and_port()
signer = open_signer(*enrol(create_executor_key(endpoint)))
try:
    signer.sign(keccak(b"x"))
except SignerError as error:
    print(error.happened)
print(signs_digests(endpoint), fix_digest(endpoint), fix_digest(endpoint), signs_digests(endpoint))
signer.sign(keccak(b"x"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if not line.startswith("127.")]
    assert "is not by 0x" in lines[0]
    assert lines[1] == "False True False True"


def test_the_fix_refuses_what_aws_refuses(home: Path, start: Start) -> None:
    start()
    kms = emulator_client("kms", endpoint_of(home))
    create_executor_key(endpoint_of(home))
    arguments = {"KeyId": "alias/mandate-executor", "SigningAlgorithm": "ECDSA_SHA_256"}

    for wrong in (b"x" * 31, b"x" * 33):
        with pytest.raises(kms.exceptions.ClientError, match="invalid length"):
            kms.sign(Message=wrong, MessageType="DIGEST", **arguments)
    digest = __import__("hashlib").sha256(b"text").digest()
    signature = kms.sign(Message=b"text", MessageType="RAW", **arguments)["Signature"]
    assert kms.verify(Message=digest, MessageType="DIGEST", Signature=signature, **arguments)[
        "SignatureValid"
    ]
    assert not kms.verify(Message=b"other", MessageType="RAW", Signature=signature, **arguments)[
        "SignatureValid"
    ]


def test_what_a_preview_may_reach_signs_nothing_and_resets_nothing(
    home: Path, start: Start
) -> None:
    """However KMS is asked for: by signature, by path, or by target alone."""
    start()
    cloud, kms = endpoint_of(home, "cloud"), endpoint_of(home)
    key = create_executor_key(kms)

    with pytest.raises(ClientError, match="403"):
        emulator_client("kms", cloud).list_keys()
    for path in ("/kms_us-east-1/", "/moto-api/reset"):
        assert requests.post(cloud + path, b"{}", timeout=30).status_code == 403, path
    target = {"X-Amz-Target": "TrentService.ListKeys"}
    assert '"Keys"' not in requests.post(cloud, b"{}", headers=target, timeout=30).text
    with pytest.raises(ClientError, match="403"):
        emulator_client("s3", kms).list_buckets()

    assert create_executor_key(kms) == key
    assert len(emulator_client("kms", kms).list_keys()["Keys"]) == 1


def test_an_absent_cloud_is_none(tmp_path: Path) -> None:
    assert read_cloud(tmp_path) is None
    (tmp_path / "cloud.json").write_text(
        json.dumps({"endpoint": "http://x", "kms": "http://y", "pid": os.getpid()})
    )
    assert read_cloud(tmp_path) is None  # a live pid alone proves nothing


def test_the_environment_leads_aws_clients_there_and_away_from_real_profiles() -> None:
    environment = cloud_environment("http://127.0.0.1:1")

    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["AWS_CONFIG_FILE"] == os.devnull
