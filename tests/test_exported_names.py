"""The public names are a promise: few, importable, and cheap until they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pulumi_mandate

HEAVY = ("pulumi", "web3", "boto3", "grpc", "coincurve", "eth_abi", "sha3")


def test_the_public_names_are_few_and_there():
    assert len(pulumi_mandate.__all__) <= 16
    assert len(set(pulumi_mandate.__all__)) == len(pulumi_mandate.__all__)
    assert set(pulumi_mandate._HOMES) == set(pulumi_mandate.__all__)
    for name in pulumi_mandate.__all__:
        assert getattr(pulumi_mandate, name).__name__ == name
        assert name in dir(pulumi_mandate)


def test_another_name_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'Gate'"):
        _ = pulumi_mandate.Gate


def test_importing_the_package_imports_nothing_heavy():
    code = "import pulumi_mandate, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert not loaded & set(HEAVY)
    assert not any(name.startswith("pulumi_mandate.") for name in loaded)
