"""An edge machine in a temporary folder: keys, inboxes and marks of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.edge import EdgeMachine, SigningKey, create_signing_key


@pytest.fixture
def machine(tmp_path: Path) -> EdgeMachine:
    home = tmp_path / "edge"
    (home / "trusted").mkdir(parents=True)
    key = create_signing_key(home / "signing-key.pem")
    (home / "trusted" / "first.pem").write_bytes(key.public_pem())
    return EdgeMachine.from_environment({"MANDATE_HOME": str(tmp_path)})


@pytest.fixture
def key(machine: EdgeMachine) -> SigningKey:
    return machine.signing_key()


@pytest.fixture
def stranger(tmp_path: Path) -> SigningKey:
    return create_signing_key(tmp_path / "stranger.pem")
