"""Attack: kill -9 while the update waits for its lock (step 1), and while it previews (2 to 7).

Nothing was spent, so nothing has to be resumed: after `pulumi cancel` the same mandate serves the
same command. Steps 8 and 9: test_killed_while_begin_is_on_its_way.py; 10 and 13:
test_killed_between_two_steps.py and test_killed_before_the_state_knows.py; 11 and 12 are not built.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pulumi_mandate.gate.folder import SubjectLock
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import SUBJECT

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def killed_when_it_says(approved: Attacked, line: str) -> None:
    engine = approved.start("up", "--yes", "--skip-preview")
    assert engine.stdout is not None
    assert any(line in said for said in engine.stdout)
    os.killpg(engine.pid, signal.SIGKILL)
    engine.communicate()
    approved.untouched()
    approved.pulumi("cancel", "--yes")


def test_the_mandate_still_serves(approved: Attacked) -> None:
    lock = SubjectLock(SUBJECT, Path(approved.environment["MANDATE_HOME"]))
    lock.take(wait=60)
    try:
        killed_when_it_says(approved, "waiting for the last run")
    finally:
        lock.release()
    killed_when_it_says(approved, "previewing the whole stack again")

    approved.completes()
