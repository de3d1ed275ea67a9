"""Attack: an executor holds his run open until its lease, or the mandate's window, is over.

What people agreed to was a change within a time. The defender sees step 10 at the next operation;
what was done before it is in the receipt, and the run is stated as failed.
"""

from __future__ import annotations

import time

import pytest

from pulumi_mandate.gate.run import DENIAL_AGE_SECONDS
from pulumi_mandate.models import MandateState
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.chain]

WINDOW = 600
"""What is left of it when the run begins: seconds."""


@pytest.mark.parametrize("what", ["lease", "window"])
def test_nothing_is_done_after_it(approved: Attacked, what: str) -> None:
    if what == "window":  # which ends before any lease does
        ends = approved.mandate(approved.plan_hash).expires_at
        approved.deployment.advance(ends - approved.deployment.client.now() - WINDOW)
    (approved.notes / "hang-first").touch()
    engine = approved.start("up", "--yes", "--skip-preview")
    wait_until(lambda: "create first" in approved.calls())

    over = WINDOW if what == "window" else approved.deployment.terms.max_lease
    approved.deployment.advance(over + 1)
    time.sleep(DENIAL_AGE_SECONDS + 0.5)  # an answer this old is believed no longer
    (approved.notes / "hang-first").unlink()
    output = engine.communicate(timeout=90)[0]

    assert engine.returncode != 0
    assert "refused at step 10" in output
    assert "the lease of the run, or the mandate's window, is over" in output
    assert "create second" not in approved.calls()
    assert approved.mandate(approved.plan_hash).state is not MandateState.UNCONFIRMED
