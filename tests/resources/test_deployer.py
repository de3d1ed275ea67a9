"""Who may pay for a deployment: anybody but the executor."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.chain.trust import CONTRACTS, Governors, Key, Trust, render_trust
from pulumi_mandate.errors import SignerError, UsageError
from pulumi_mandate.models import Address
from pulumi_mandate.resources._deployer import Deployer
from pulumi_mandate.signing import create_keystore

SOMEBODY = Address("0x" + "11" * 20)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A deployer's variables on a machine without a trust file; nothing is asked of the chain."""
    monkeypatch.delenv("MANDATE_TRUST", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    passphrase = tmp_path / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("correct horse")
    address = create_keystore(tmp_path / "deployer.json", "correct horse", scrypt_n=2)
    return {
        "MANDATE_DEPLOY_RPC": "http://127.0.0.1:1",
        "MANDATE_DEPLOY_CHAIN_ID": "31337",
        "MANDATE_DEPLOY_KEY": f"keystore://{tmp_path}/deployer.json?passphrase-file={passphrase}",
        "MANDATE_DEPLOY_ADDRESS": address,
    }


def trust_file(path: Path, executor: str) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    trust = Trust(
        31337,
        ("http://127.0.0.1:1",),
        *[SOMEBODY] * len(CONTRACTS),
        Governors(*[SOMEBODY] * 3),
        deployed_block=0,
        development=True,
        executor=Key("awskms:///alias/executor", Address(executor)),
    )
    path.touch(mode=0o600)
    path.write_text(render_trust(trust))
    return path


def test_before_genesis_anybody_deploys(machine: dict[str, str]) -> None:
    assert Deployer.from_environment(machine).account.address == machine["MANDATE_DEPLOY_ADDRESS"]


@pytest.mark.parametrize("named", [True, False])
def test_the_executor_never_deploys(machine: dict[str, str], tmp_path: Path, named: bool) -> None:
    place = tmp_path / ("mine" if named else "config/pulumi-mandate") / "trust.toml"
    where = {"MANDATE_TRUST": str(place)} if named else {}
    trust_file(place, machine["MANDATE_DEPLOY_ADDRESS"])

    with pytest.raises(SignerError, match="is the executor's key and cannot send"):
        Deployer.from_environment(machine | where)

    trust_file(place, SOMEBODY)
    found = Deployer.from_environment(machine | where)
    assert found.account.address == machine["MANDATE_DEPLOY_ADDRESS"]


def test_a_trust_file_that_is_named_must_be_there(machine: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no trust file"):
        Deployer.from_environment(machine | {"MANDATE_TRUST": str(tmp_path / "none.toml")})
