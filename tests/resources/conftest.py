"""What the tests of resources share besides the engine: a machine that may deploy contracts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.gate.environment import UNGOVERNED
from pulumi_mandate.signing import create_keystore


@pytest.fixture(autouse=True)
def ungoverned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests call the providers themselves, with no engine above; test_permit.py takes it back."""
    monkeypatch.setenv(UNGOVERNED, "yes")


@pytest.fixture
def deploying(chain_service: ChainService, tmp_path: Path) -> dict[str, str]:
    """The variables of a machine that may deploy: a running chain and an account with gas money."""
    passphrase = tmp_path / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("correct horse")
    address = create_keystore(tmp_path / "deployer.json", "correct horse", scrypt_n=2)
    facts = chain_service.facts()
    assert facts is not None
    chain_service.credit(address, 10**20)
    return {
        "MANDATE_DEPLOY_RPC": facts["rpc"],
        "MANDATE_DEPLOY_CHAIN_ID": str(facts["chainId"]),
        "MANDATE_DEPLOY_KEY": f"keystore://{tmp_path}/deployer.json?passphrase-file={passphrase}",
        "MANDATE_DEPLOY_ADDRESS": address,
    }


@pytest.fixture
def deploying_here(deploying: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The same for this process."""
    for name, value in deploying.items():
        monkeypatch.setenv(name, value)
    return deploying
