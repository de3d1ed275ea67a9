"""kill -9 anywhere: nothing is done twice, and the next command repairs or resumes.

The mandate stays the same one, the run stays the same run.
"""

from __future__ import annotations

import os
import signal

import pytest

from pulumi_mandate.gate.closing import finish_run
from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import TWO_NOTES, Governed, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True


def test_the_program_dies_after_begin_and_before_the_first_operation(governed: Governed) -> None:
    flag = governed.notes / "fail-early"
    dies = f"""
import os
if os.path.exists({str(flag)!r}) and not pulumi.runtime.is_dry_run():
    os._exit(9)
"""
    governed.program(TWO_NOTES.replace("import pulumi\n", "import pulumi\n" + dies))
    plan = governed.approve()
    flag.touch()

    governed.up(ok=False)
    assert governed.result(status="open")["status"] == "open"
    assert governed.mandate(plan).state is MandateState.RUNNING
    assert governed.calls() == []
    flag.unlink()

    output = governed.up()
    assert "resuming run" in output
    assert governed.result(status="completed")
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert len(governed.runs()) == 1
    assert sorted(governed.calls()) == ["create first", "create second"]


def test_a_provider_fails_half_way_and_the_run_is_resumed(governed: Governed) -> None:
    plan = governed.approve()
    (governed.notes / "fail-second").touch()

    governed.up(ok=False)
    assert governed.result(status="open")["reasons"]
    assert governed.calls() == ["create first"]
    (governed.notes / "fail-second").unlink()

    governed.up()
    assert governed.result(status="completed")
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert governed.calls() == ["create first", "create second"]


def test_the_engine_is_killed_in_the_middle_of_a_create(governed: Governed) -> None:
    plan = governed.approve()
    (governed.notes / "hang-first").touch()
    engine = governed.start("up", "--yes", "--skip-preview")
    wait_until(lambda: governed.calls() == ["create first"])
    os.killpg(engine.pid, signal.SIGKILL)
    engine.communicate()
    (governed.notes / "hang-first").unlink()
    assert governed.result(status="open")

    # Nobody knows whether the create happened: refused until somebody settles it.
    governed.pulumi("cancel", "--yes")
    output = governed.up(ok=False)
    assert "pending_operations" in output
    assert governed.calls() == ["create first"]
    assert governed.mandate(plan).state is MandateState.RUNNING


def test_the_watcher_is_killed_and_the_next_command_closes_the_run(governed: Governed) -> None:
    plan = governed.approve()
    (governed.notes / "hang-second").touch()
    engine = governed.start("up", "--yes", "--skip-preview")
    wait_until(lambda: "create second" in governed.calls())
    for pid in governed.watchers():
        os.kill(pid, signal.SIGKILL)
    (governed.notes / "hang-second").unlink()
    output = engine.communicate()[0]
    assert engine.returncode == 0, output
    assert governed.runs()[0].result() is None
    assert governed.mandate(plan).state is MandateState.RUNNING

    output = governed.up()

    assert "the last run of this stack was cut off" in output
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert governed.calls() == ["create first", "create second"]
    # What `mandate resume` calls: already closed is success.
    assert finish_run(governed.runs()[0], governed.machine)["status"] == "completed"


def test_the_chain_is_away_when_the_run_ends(governed: Governed) -> None:
    plan = governed.approve()
    (governed.notes / "hang-second").touch()
    engine = governed.start("up", "--yes", "--skip-preview")
    wait_until(lambda: "create second" in governed.calls())
    governed.deployment.service.stop()
    (governed.notes / "hang-second").unlink()
    assert engine.wait() == 0, engine.communicate()[0]
    engine.communicate()
    log = governed.runs()[0].log
    wait_until(lambda: "the chain does not answer" in log.read_text())

    governed.deployment.service.start()

    assert governed.result(status="completed")
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
