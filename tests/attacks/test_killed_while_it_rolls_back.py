"""kill -9 of the watcher in the middle of the way back: some of it is done, and nobody has said so.

The run stays open, `mandate resume` previews again and does what is still missing, once. Nothing
makes the run a complete one any more, however healthy the page says that it is.
"""

from __future__ import annotations

import os
import signal

import pytest

from pulumi_mandate.gate.ancestor import is_alive
from pulumi_mandate.models import MandateState
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import wait_until
from tests.plugins.health_fixtures import INVERSE, HealthPage

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_who_resumes_goes_on_with_the_way_back(unwell: Attacked, health: HealthPage) -> None:
    before, forward = unwell.files(), len(unwell.done) + 3
    health.answers.clear()
    unwell.up()
    wait_until(lambda: health.asked == 1)
    hangs, fails = unwell.notes / "hang-update-first", unwell.notes / "fail-update-second"
    hangs.touch()
    fails.touch()
    health.answers.set()
    wait_until(lambda: "update first" in unwell.calls()[forward:])
    undo = unwell.runs()[-1].undo
    for pid in unwell.watchers():
        os.kill(pid, signal.SIGKILL)

    said = unwell.run_command(["mandate", "resume"])
    assert said.returncode == 3, "the engine of the way back still works"
    assert "still works" in said.stderr
    hangs.unlink()
    engine = undo.record()
    wait_until(lambda: not is_alive(engine.engine_pid, engine.engine_started))
    assert unwell.runs()[-1].result() is None
    health.status = 200

    refused = unwell.up(ok=False)  # an engine is at work there already: this one
    assert "refused at step 12" in refused
    assert "mandate resume" in refused
    said = unwell.run_command(["mandate", "resume"])  # the cloud is still down
    assert said.returncode == 7, said.stdout + said.stderr
    assert "not rolled back yet: the engine ended with exit code" in said.stdout
    assert unwell.mandate(unwell.plan_hash).state is MandateState.RUNNING
    fails.unlink()
    said = unwell.run_command(["mandate", "resume"])

    assert said.returncode == 0, said.stdout + said.stderr
    assert "not healthy: front: the answer is 503, not 200" in said.stdout
    assert "rolled back to the program of plan" in said.stdout
    assert unwell.mandate(unwell.plan_hash).state is MandateState.FAILED
    assert sorted(unwell.calls()[forward:]) == INVERSE, "each once"
    assert unwell.files() == before
    assert health.asked == 1
