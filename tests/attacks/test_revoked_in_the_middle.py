"""The guardian says no while the run is under way: the next operation is not done."""

from __future__ import annotations

import time

import pytest

from pulumi_mandate.gate.run import DENIAL_AGE_SECONDS
from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]


@pytest.mark.parametrize("what", ["mandate", "executor"])
def test_the_next_operation_is_refused(governed: Governed, what: str) -> None:
    plan = governed.approve()
    (governed.notes / "hang-first").touch()
    engine = governed.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 90
    while governed.calls() != ["create first"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    guardian, executor = governed.people["guardian"], governed.people["executor"].address
    if what == "mandate":
        governed.registry.revoke(plan, guardian)
    else:
        governed.deployment.client.transact(guardian, "executor_registry", "revoke", executor)
    time.sleep(DENIAL_AGE_SECONDS + 0.5)  # an answer this old is believed no longer
    (governed.notes / "hang-first").unlink()
    output = engine.communicate(timeout=90)[0]

    assert engine.returncode != 0
    assert "refused at step 10" in output
    assert governed.calls() == ["create first"]
    if what == "mandate":
        assert governed.result(status="failed")
        assert governed.mandate(plan).state is MandateState.FAILED
    else:
        # No active key is left here to state the fact; another executor's, or the lease, closes it.
        assert governed.mandate(plan).state is MandateState.RUNNING
