"""Attack: Ctrl-C in the middle of a run, to leave a half-done change that looks like none.

The run stays open on chain, by its number and its operation; nothing else runs on the stack until
somebody resumes it or gives it up. The defender sees what was done, in the watcher's result.
"""

from __future__ import annotations

import os
import signal

import pytest

from pulumi_mandate.models import MandateState
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_the_run_stays_open_and_is_seen(approved: Attacked) -> None:
    (approved.notes / "hang-first").touch()
    engine = approved.start("up", "--yes", "--skip-preview")
    wait_until(lambda: "create first" in approved.calls())
    os.killpg(engine.pid, signal.SIGINT)
    (approved.notes / "hang-first").unlink()
    output = engine.communicate(timeout=90)[0]

    assert engine.returncode != 0, output
    assert "create second" not in approved.calls()
    assert approved.result(status="open")["reasons"]
    assert approved.mandate(approved.plan_hash).state is MandateState.RUNNING
