"""What follows a run: what the rules ask, and the way back where the answer is no."""

from __future__ import annotations

import json

import pytest

from pulumi_mandate.errors import EmptyPlan
from pulumi_mandate.gate.journal import ALLOWED
from pulumi_mandate.models import MandateState, digest
from pulumi_mandate.plan.receipt import DONE, UNDONE, Receipt
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import wait_until
from tests.plugins.health_fixtures import FORMER, INVERSE, HealthPage

pytestmark = [pytest.mark.engine, pytest.mark.chain]
NOT_HEALTHY = "not healthy: front: the answer is 503, not 200"


def receipt_of(stack: Attacked, result: dict[str, str]) -> Receipt:
    store = stack.machine.store
    named = store.document_of(digest(result["receiptRoot"]))
    assert named is not None
    return Receipt.load(store.get(named))


def test_what_is_not_healthy_is_rolled_back(unwell: Attacked, health: HealthPage) -> None:
    before = {"first": "hello", "second": "5 letters", "greeting": "welcome"}
    assert unwell.files() == before

    said = unwell.run_command(["mandate", "up", "--json"])

    assert said.returncode == 7, said.stderr
    result = json.loads(said.stdout)["run"]
    (former, _) = unwell.runs()
    plan = to_short(former.record().plan_hash)
    assert (result["status"], result["undo"]) == ("failed", "completed")
    assert result["reasons"] == [NOT_HEALTHY, f"rolled back to the program of plan {plan}…"]
    assert unwell.mandate(unwell.plan_hash).state is MandateState.FAILED
    assert health.asked == 1
    assert unwell.files() == before
    calls = unwell.calls()[len(unwell.done) :]
    assert sorted(calls[:3]) == ["create third", "update first", "update second"]
    assert sorted(calls[3:]) == INVERSE
    receipt = receipt_of(unwell, result)
    assert {one.outcome for one in receipt.results} == {UNDONE}
    undo = unwell.runs()[-1].undo
    assert {(one.verdict, one.moment) for one in undo.journal.entries()} == {
        (ALLOWED, "delete"), (ALLOWED, "update")
    }  # fmt: skip
    assert undo.reasons() == [NOT_HEALTHY]
    # The stack is what it was: the former program wants nothing.
    unwell.program(FORMER)
    with pytest.raises(EmptyPlan):
        unwell.plan()


def test_what_nothing_undoes_is_left_as_it_is(unwell: Attacked) -> None:
    unwell.program(FORMER.replace('second = Note("second"', '_ = ("second"'))
    plan = unwell.approve()
    unwell.up()

    result = unwell.result()

    assert (result["status"], result["undo"]) == ("failed", "failed")
    assert result["reasons"][0] == NOT_HEALTHY
    assert result["reasons"][1].startswith("not rolled back: nothing undoes delete of ")
    assert "what is deleted does not come back" in result["reasons"][1]
    assert unwell.mandate(plan).state is MandateState.FAILED
    assert unwell.calls()[len(unwell.done) :] == ["delete second"]
    assert {one.outcome for one in receipt_of(unwell, result).results} == {DONE}
    assert not unwell.runs()[-1].undo.has_begun


@pytest.mark.parametrize("hard", [False, True])
def test_a_run_that_was_revoked_may_be_undone_unless_even_that_is_forbidden(
    unwell: Attacked, health: HealthPage, hard: bool
) -> None:
    health.answers.clear()
    unwell.up()
    wait_until(lambda: health.asked == 1)
    unwell.registry.revoke(unwell.plan_hash, unwell.people["guardian"], hard=hard)
    assert unwell.mandate(unwell.plan_hash).state is MandateState.STOPPING
    health.answers.set()

    result = unwell.result()

    assert result["status"] == "failed"
    assert unwell.mandate(unwell.plan_hash).state is MandateState.FAILED
    calls = unwell.calls()[len(unwell.done) + 3 :]
    if hard:
        why = "not rolled back: the guardian forbade even the approved inverse"
        assert (result["reasons"][1], calls) == (why, [])
    else:
        assert (result["undo"], sorted(calls)) == ("completed", INVERSE)


def to_short(plan: bytes) -> str:
    return f"0x{plan.hex()[:8]}"
