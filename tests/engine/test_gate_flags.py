"""`--target` and its like: a part of a stack is voted on as that part, and nothing else runs."""

from __future__ import annotations

import pytest

from pulumi_mandate.errors import EmptyPlan, IncompletePlan
from pulumi_mandate.gate.flags import flags_of, once_done
from pulumi_mandate.models import MandateState
from tests.engine.test_gate_refresh import mandate
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

URN = "urn:pulumi:test::shop::pulumi-python:dynamic:Resource::"
FIRST, SECOND = URN + "first", URN + "second"
PLAIN = TWO_NOTES.replace('pulumi.export("size", first.size)', "")
CHANGED = PLAIN.replace('"hello"', '"good morning"') + 'third = Note("third", "new")\n'


def ops(governed: Governed, *flags: str) -> dict[str, str]:
    """What a plan of that part holds; the stack's own outputs left out."""
    document = governed.plan(flags=flags)
    assert flags_of(document.content) == flags
    return {
        operation["urn"].rpartition("::")[2]: operation["op"]
        for operation in document.operations
        if operation["urn"].rpartition("::")[2] != "shop-test"
    }


def test_a_part_of_a_stack_is_changed_under_its_own_mandate(governed: Governed) -> None:
    governed.program(PLAIN)
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    governed.program(CHANGED)
    done = governed.calls()
    target = f"--target={FIRST}"

    # Without a mandate; and with one for the whole change, which is another plan.
    assert "refused at step 3" in governed.up("--target", FIRST, ok=False)
    governed.approve()
    assert "toolchain.flags" in governed.up("--target", FIRST, ok=False)
    assert "toolchain.flags" in governed.up("--replace", FIRST, ok=False)
    assert governed.calls() == done

    # What is left out is in no plan, new resources included.
    assert ops(governed, target) == {"first": "update"}
    assert ops(governed, f"--exclude={FIRST}") == {"third": "create"}
    part = governed.plan(flags=(target,))
    whole, with_mandate = governed.approve_all([governed.plan(), part])

    # Another part; the whole has its own mandate, which nobody has spent.
    assert "toolchain.flags" in governed.up("--exclude", FIRST, ok=False)
    # Edited since the vote.
    governed.program(CHANGED + "# only a comment\n")
    assert "refused at step 6" in governed.up("-t", FIRST, ok=False)
    governed.program(CHANGED)
    assert governed.calls() == done

    governed.up("-t", FIRST, f"--target={FIRST}")

    assert governed.result()["status"] == "completed"
    assert governed.calls() == [*done, "update first"]
    assert governed.files() == {"first": "good morning", "second": "5 letters"}
    assert governed.mandate(with_mandate).state is MandateState.UNCONFIRMED
    # An observer looks at that part, whatever else the program wants.
    with pytest.raises(EmptyPlan):
        governed.plan(flags=once_done(flags_of(part.content)))

    # The whole was voted on over what was there before: its mandate is stale now.
    assert "refused at step 7" in governed.up(ok=False)
    assert governed.mandate(whole).state is MandateState.APPROVED
    assert governed.calls() == [*done, "update first"]


def test_making_anew_is_voted_on_as_that(governed: Governed) -> None:
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    done = governed.calls()
    flags = (f"--replace={SECOND}", f"--target={SECOND}")
    document = governed.plan(flags=flags)
    assert {o["op"] for o in document.operations} == {
        "create-replacement", "replace", "delete-replaced",
    }  # fmt: skip
    plan = governed.approve(document)

    # A mandate for it is none for the other one, nor for a command without the flag.
    assert "toolchain.flags" in mandate(governed, "up", "--target-replace", FIRST, code=3)
    assert "no mandate is needed" in governed.up()
    assert governed.calls() == done

    assert "completed" in mandate(governed, "up", "--target-replace", SECOND)

    assert governed.calls() == [*done, "create second", "delete second"]
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED

    # What would be left unknown for ever is refused before anybody votes.
    governed.program(TWO_NOTES + 'new = Note("new", "x")\npulumi.export("new", new.size)\n')
    with pytest.raises(IncompletePlan, match="may stay unknown for ever"):
        governed.plan(flags=(f"--target={FIRST}",))
