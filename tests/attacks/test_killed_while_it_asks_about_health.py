"""kill -9 of the watcher while it asks whether what was made is healthy: nobody has said yes yet.

The run is not complete, and the next command asks again. Whoever can kill the watcher cannot turn
an unhealthy run into a complete one.
"""

from __future__ import annotations

import os
import signal

import pytest

from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import Governed, wait_until
from tests.plugins.health_fixtures import HealthPage

pytestmark = [pytest.mark.engine, pytest.mark.chain]


@pytest.fixture
def rules(health: HealthPage) -> Rules:
    return health.rules()


def test_the_next_command_asks_again(governed: Governed, health: HealthPage) -> None:
    plan = governed.approve()
    health.answers.clear()
    governed.up()
    wait_until(lambda: health.asked == 1)
    for pid in governed.watchers():
        os.kill(pid, signal.SIGKILL)
    assert governed.runs()[0].result() is None
    assert governed.mandate(plan).state is MandateState.RUNNING
    health.status = 503
    health.answers.set()

    governed.pulumi("preview")  # looks, and finishes nothing
    assert governed.mandate(plan).state is MandateState.RUNNING
    said = governed.run_command(["mandate", "resume"])

    assert said.returncode == 0, said.stderr
    assert "not healthy: front: the answer is 503, not 200" in said.stdout
    assert "not rolled back: no program completed on this stack before" in said.stdout
    assert "next: mandate propose --destroy" in said.stdout
    assert health.asked == 2
    assert governed.result()["status"] == "failed"
    assert governed.mandate(plan).state is MandateState.FAILED
    assert governed.calls() == ["create first", "create second"]
