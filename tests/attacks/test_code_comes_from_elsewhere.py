"""Attack: the approved program, but another interpreter, another plugin or another folder runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_code_from_outside_the_plan_is_refused(governed: Governed, tmp_path: Path) -> None:
    governed.approve()
    honest = dict(governed.environment)
    evil = tmp_path / "evil" / "bin"
    evil.mkdir(parents=True)
    (evil / "python").symlink_to(Path(sys.executable).resolve())

    governed.environment = honest | {"PULUMI_PYTHON_CMD": str(evil / "python")}
    assert "`PULUMI_PYTHON_CMD` may change what the update does" in governed.up(ok=False)

    # A plugin nobody approved, first on PATH.
    plugin = evil / "pulumi-resource-aws"
    plugin.write_text("#!/bin/sh\n")
    plugin.chmod(0o755)
    governed.environment = honest | {"PATH": f"{evil}:{honest['PATH']}"}
    output = governed.up(ok=False)
    assert "refused at step 6" in output
    assert "toolchain.plugins" in output

    # The same command with another account.
    governed.environment = honest | {"AWS_PROFILE": "another"}
    output = governed.up(ok=False)
    assert "refused at step 6" in output
    assert "toolchain.flags" in output

    assert governed.calls() == []
    governed.environment = honest
    governed.up()
    assert governed.result()["status"] == "completed"
