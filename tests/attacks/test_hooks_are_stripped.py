"""A program that gives some resource no hooks of ours, or hooks of our names that do nothing.

What the preview shows is refused before it can even be proposed; what only the update does is found
afterwards, because the state changed and nobody was asked.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

STRIP = """
def strip(args):
    args.opts.hooks = None
    return pulumi.ResourceTransformResult(args.props, args.opts)

"""
ALWAYS = TWO_NOTES.replace(
    "from notes import Note\n",
    "from notes import Note\n" + STRIP + "pulumi.runtime.register_resource_transform(strip)\n",
)
ONLY_IN_UPDATES = ALWAYS.replace(
    "pulumi.runtime.register_resource_transform",
    "if not pulumi.runtime.is_dry_run(): pulumi.runtime.register_resource_transform",
)
BEFORE_GOVERN = """
import pulumi
from notes import Note

first = Note("first", "hello")
""" + TWO_NOTES.replace('first = Note("first", "hello")\n', "")
DUMMIES = TWO_NOTES.replace("import pulumi_mandate\n\npulumi_mandate.govern()\n", "").replace(
    "from notes import Note\n",
    """from notes import Note

HOOKS = pulumi.ResourceHookBinding(**{
    f"before_{moment}": [pulumi.ResourceHook(f"mandate:before-{moment}", lambda args: None)]
    for moment in ("create", "update", "delete")
})


def dress(args):
    args.opts.hooks = HOOKS
    return pulumi.ResourceTransformResult(args.props, args.opts)


pulumi.runtime.register_resource_transform(dress)
""",
)


def test_stripped_or_missing_hooks_cannot_be_proposed(governed: Governed) -> None:
    for program in (ALWAYS, TWO_NOTES.replace("pulumi_mandate.govern()", "")):
        governed.program(program)

        with pytest.raises(Refused, match="would not carry the gate's hooks") as refusal:
            governed.plan()
        assert refusal.value.step == 7
    assert governed.calls() == []


def test_hooks_stripped_only_in_the_update_fail_the_run(governed: Governed) -> None:
    governed.program(ONLY_IN_UPDATES)
    plan = governed.approve()

    governed.up()

    result = governed.result()
    assert result["status"] == "failed"
    assert any("first changed and no check was asked" in line for line in result["reasons"])
    assert governed.mandate(plan).state is MandateState.FAILED


def test_a_resource_made_before_govern_is_checked_all_the_same(governed: Governed) -> None:
    """Registrations wait for the event loop, so the transform is there before the first of them."""
    governed.program(BEFORE_GOVERN)

    assert "refused at step 3" in governed.up(ok=False)
    assert governed.calls() == []


def test_dummies_of_our_names_spend_no_mandate(governed: Governed) -> None:
    """Not stopped by hooks, and said so in the README: whoever edits the program needs other keys.

    But it leaves no run, no receipt and an approved mandate behind, which the audit shows.
    """
    plan = governed.approve()
    governed.program(DUMMIES)

    governed.up()

    assert governed.runs() == []
    assert governed.mandate(plan).state is MandateState.APPROVED
