"""docs/reference/governed-providers.md, typed as it stands, on the real engine and chain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "governed-providers.md"
PROVIDER, PROGRAM = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_documented_provider_is_behind_the_gate(governed: Governed) -> None:
    share = governed.folder.parent / "motd"
    governed.pulumi("config", "set", "path", str(share))
    (governed.folder / "text_file.py").write_text(PROVIDER)

    # Without the gate's line it writes nothing.
    governed.program(PROGRAM.replace("pulumi_mandate.govern()\n", ""))
    assert "no governed run has begun for this engine" in governed.up(ok=False)
    assert not share.exists()

    governed.program(PROGRAM)
    governed.approve()
    governed.up()
    assert share.read_text() == "changed by a vote"
    assert len(share.with_name("motd.owner").read_text()) == 64  # the operation's key
    assert governed.result()["status"] == "completed"

    # Drift is read, and what vanished is told.
    share.write_text("changed by hand")
    governed.refresh()
    assert governed.preview()["motd"] == "update"
    share.unlink()
    done = governed.pulumi("refresh", "--yes", "--skip-preview")
    assert f"{share} is gone from where this stack had put it" in done.stdout + done.stderr
    assert governed.preview()["motd"] == "create"
