"""Anybody reproduces a release: another folder, the same bytes; a changed line, another one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXPORTED = Path("provider/pulumi_mandate/_abi")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A checkout's contracts and exported files in another folder, nothing compiled yet."""
    contracts = tmp_path / "some where else" / "contracts"
    for part in ("src", "tools"):
        shutil.copytree(ROOT / "contracts" / part, contracts / part)
    for part in ("foundry.toml", "package.json"):
        shutil.copy(ROOT / "contracts" / part, contracts)
    (contracts / "node_modules").symlink_to(ROOT / "contracts" / "node_modules")
    shutil.copytree(ROOT / EXPORTED, contracts.parent / EXPORTED)
    return contracts


def check(contracts: Path) -> subprocess.CompletedProcess[str]:
    command = [str(contracts / "tools" / "export"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_release_is_reproduced_and_a_changed_line_is_not_it(elsewhere: Path) -> None:
    from pulumi_mandate.audit.release import own_release
    from pulumi_mandate.models import to_hex

    honest = check(elsewhere)
    assert honest.returncode == 0, honest.stderr
    assert f"release manifest {to_hex(own_release().digest)}" in honest.stdout

    source = elsewhere / "src" / "ExecutorRegistry.sol"
    source.write_text(source.read_text() + "// a comment changes no code, and still the sources\n")
    changed = check(elsewhere)
    assert changed.returncode == 1
    assert "stale: manifest.json;" in changed.stderr
