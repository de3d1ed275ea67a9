"""The program that completed before does more when it runs again: because something outside told
it to, in the open, or only once it is no preview any more.

In the open, the comparison with the approved inverse finds it and nothing is run. Hidden, it is
refused at the operation, before the provider is called, by the same hooks as ever.
"""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.gate.journal import REFUSED
from pulumi_mandate.models import MandateState
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import wait_until
from tests.plugins.health_fixtures import INVERSE, HealthPage

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def roll_back_with(flag: str, unwell: Attacked, health: HealthPage) -> dict[str, Any]:
    """The change runs honestly; then the flag is there, and the way back begins."""
    health.answers.clear()
    unwell.up()
    wait_until(lambda: health.asked == 1)
    (unwell.notes / f"hang-{flag}").touch()
    health.answers.set()
    return unwell.result()


def test_in_the_open_nothing_of_it_is_run(unwell: Attacked, health: HealthPage) -> None:
    result = roll_back_with("more", unwell, health)

    assert (result["status"], result["undo"]) == ("failed", "failed")
    assert "wants something else than the approved inverse" in result["reasons"][1]
    assert "::extra" in result["reasons"][1]
    assert len(unwell.calls()) == len(unwell.done) + 3, "the change alone"
    assert not unwell.runs()[-1].undo.has_begun


def test_hidden_it_is_refused_at_the_operation(unwell: Attacked, health: HealthPage) -> None:
    result = roll_back_with("more-later", unwell, health)

    assert (result["status"], result["undo"]) == ("failed", "failed")
    assert "not rolled back, or in part" in result["reasons"][1]
    assert "create of urn:pulumi:test::shop::" in result["reasons"][1]
    assert "is not in the approved plan" in result["reasons"][1]
    assert "create extra" not in unwell.calls()
    assert set(unwell.calls()[len(unwell.done) + 3 :]) <= set(INVERSE)
    refused = [e for e in unwell.runs()[-1].undo.journal.entries() if e.verdict == REFUSED]
    assert refused[0].urn.endswith("::extra")
    assert unwell.mandate(unwell.plan_hash).state is MandateState.FAILED
