"""Attack: the approved program, run by a Pulumi CLI of another version.

Another engine gives the same program another meaning. This one is the real one with another number
in its binary. The defender sees step 6 and both versions.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_engine_is_refused(approved: Attacked, tmp_path: Path) -> None:
    found = shutil.which("pulumi", path=approved.environment["PATH"])
    assert found is not None
    version = approved.pulumi("version").stdout.strip()
    other = version[:-1] + str((int(version[-1]) + 1) % 10)
    engine = tmp_path / "pulumi"
    engine.write_bytes(Path(found).read_bytes().replace(version.encode(), other.encode()))
    engine.chmod(0o755)
    approved.environment["PATH"] = f"{tmp_path}{os.pathsep}{approved.environment['PATH']}"
    assert approved.pulumi("version").stdout.strip() == other

    def up() -> str:
        command = [str(engine), "up", "--yes", "--skip-preview", "--non-interactive"]
        done = approved.run_command(command)
        assert done.returncode != 0
        return done.stdout + done.stderr

    approved.refused(6, f"toolchain.engine: approved {version}, found {other}", run=up)
