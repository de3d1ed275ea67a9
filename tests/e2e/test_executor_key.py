"""The executor's key, in a real KMS API: away, disabled, and back."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from tests.e2e.conftest import Home

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def test_without_its_kms_nothing_begins_and_afterwards_it_runs(home: Home) -> None:
    folder = home.program("kms", "kms-orders")
    number = home.propose(folder)
    home.vote(number)
    home.ok("dev", "advance", "10m")
    home.ok("advance", str(number), "--as", "rae")
    home.ok("dev", "advance", "10m")
    cloud = json.loads(Path(home.folder, "dev", "cloud", "cloud.json").read_text())
    os.kill(cloud["pid"], signal.SIGKILL)

    said = home.mandate("up", "--advance", "--as", "rae", "--json", cwd=folder)

    assert (said.code, said.json["error"]) == (5, "SignerError"), said
    assert "can be executed" in said.err, "the standing is said first"
    assert "approved, may be used" in said.err, "and it was executed because we asked"
    home.ok("dev", "start")
    said = home.mandate("up", "--json", cwd=folder)
    assert (said.code, said.json["run"]["status"]) == (0, "completed"), said
    assert home.buckets("kms") == ["kms-orders"]


def test_with_a_disabled_key_nothing_begins_and_enabling_it_repairs(home: Home) -> None:
    folder = home.program("disabled", "disabled-orders")
    number = home.approve(folder)
    with _disabled_key(home):
        said = home.mandate("up", "--json", cwd=folder)
        plain = home.pulumi("up", "--yes", "--skip-preview", cwd=folder)

    assert (said.code, said.json["error"]) == (5, "SignerError"), said
    assert "DisabledException" in said.json["happened"]
    assert plain.code != 0
    assert "DisabledException" in plain.out + plain.err
    assert home.buckets("disabled") == []
    assert home.ok("status", str(number), "--json").json["proposals"][0]["state"] == "approved"
    assert home.ok("resume").out == "no run was interrupted\n", "no order was made"

    said = home.mandate("up", "--json", cwd=folder)
    assert (said.code, said.json["run"]["status"]) == (0, "completed"), said
    assert home.ok("status", str(number), "--json").json["proposals"][0]["state"] == "unconfirmed"
    assert home.buckets("disabled") == ["disabled-orders"]


@contextmanager
def _disabled_key(home: Home) -> Iterator[None]:
    kms = boto3.client(
        "kms",
        endpoint_url=home.ok("dev", "status", "--json").json["kms"],
        region_name="us-east-1",
        aws_access_key_id="emulator",
        aws_secret_access_key="emulator",
    )
    key = kms.describe_key(KeyId="alias/mandate-executor")["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    yield
    kms.enable_key(KeyId=key)
