"""docs/reference/governed-providers.md, typed as it stands, on the real engine and chain."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "governed-providers.md"
PROVIDER, PROGRAM = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


MORE = """
more = TextFile("more", pulumi.Config().require("path") + "-more", {text})
"""
SHORTLY = 'pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="2s"))'


def test_the_documented_provider_is_behind_the_gate(governed: Governed) -> None:
    share = governed.folder.parent / "motd"
    more = share.with_name("motd-more")
    governed.pulumi("config", "set", "path", str(share))
    (governed.folder / "text_file.py").write_text(PROVIDER)

    # Without the gate's line it writes nothing.
    governed.program(PROGRAM.replace("pulumi_mandate.govern()\n", ""))
    assert "no governed run has begun for this engine" in governed.up(ok=False)
    assert not share.exists()

    def voted(program: str) -> None:
        governed.program(program)
        governed.approve()
        governed.up()
        assert governed.result()["status"] == "completed"

    # A create that hangs is waited for as long as was voted on; the same run finds its own again.
    os.mkfifo(owner := share.with_name("motd-more.owner"))  # whoever reads it waits
    governed.program(PROGRAM + MORE.format(text=f'"first", {SHORTLY}'))
    governed.approve()
    assert "create by TextFileProvider took longer than 2 seconds" in governed.up(ok=False)
    assert governed.result(status="open")["reasons"]
    owner.unlink()
    governed.up()
    assert governed.result(status="completed")
    assert len(governed.runs()) == 1
    assert (share.read_text(), more.read_text()) == ("changed by a vote", "first")
    assert len(share.with_name("motd.owner").read_text()) == 64  # the operation's key

    # A replacement (the old one goes first, or after: another path) and an update to a secret.
    elsewhere = PROGRAM.replace('require("path")', 'require("path") + "-2"')
    secret = MORE.format(text='pulumi.Output.secret("hush")')
    voted(elsewhere + secret)
    assert not share.exists()
    assert share.with_name("motd-2").read_text() == "changed by a vote"
    assert more.read_text() == "hush"
    run = governed.runs()[-1].path
    assert not [file for file in run.rglob("*") if file.is_file() and b"hush" in file.read_bytes()]

    # A delete of what has a secret in its state.
    voted(elsewhere)
    assert not more.exists()

    # Drift is read, and what vanished is told.
    share = share.with_name("motd-2")
    share.write_text("changed by hand")
    governed.refresh()
    assert governed.preview()["motd"] == "update"
    share.unlink()
    done = governed.pulumi("refresh", "--yes", "--skip-preview")
    assert f"{share} is gone from where this stack had put it" in done.stdout + done.stderr
    assert governed.preview()["motd"] == "create"
