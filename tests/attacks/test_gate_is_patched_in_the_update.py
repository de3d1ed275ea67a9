"""Attack: an approved program replaces the gate's judge, in the update alone, and changes a value.

A program may do to its own process what it likes, and the README says so. The watcher is another
process: it compares the state with the plan and states the run as failed. The defender sees which
resource is not what was approved.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.models import MandateState
from tests.plugins.attack_fixtures import PROGRAM, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

PATCHED = PROGRAM.replace(
    "import pulumi\n",
    """import pulumi
from pulumi_mandate.gate.operations import OperationCheck

EVIL = not pulumi.runtime.is_dry_run()
if EVIL:
    OperationCheck.__call__ = lambda self, call: None
""",
).replace('"hello"', '"evil" if EVIL else "hello"')


def test_what_it_did_is_found_by_another_process(approved: Attacked) -> None:
    approved.program(PATCHED)
    plan = approved.approve()

    approved.up()

    result = approved.result()
    assert result["status"] == "failed"
    assert any("::first" in line for line in result["reasons"])
    assert approved.mandate(plan).state is MandateState.FAILED
