"""`pulumi destroy --run-program` on a governed program: under a mandate of its own kind, or not at
all."""

from __future__ import annotations

import pytest

from pulumi_mandate.chain.previewing import Previewer
from pulumi_mandate.errors import IncompletePlan
from pulumi_mandate.models import MandateState, Tier
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True


@pytest.fixture
def previewer() -> Previewer:
    """Every preview of these stacks is made in a cell, where the machine gives one."""
    return Previewer(required=False)


PART = ("--target=**::second",)
KEPT = TWO_NOTES + (
    'Note("kept", pulumi.Output.secret("hidden"), pulumi.ResourceOptions(retain_on_delete=True))\n'
)
FILES = {"first": "hello", "second": "5 letters", "kept": "hidden"}


def destroy(governed: Governed, *flags: str, ok: bool = True) -> str:
    """What a person types; its whole output."""
    done = governed.pulumi("destroy", "--yes", "--skip-preview", "--run-program", *flags, ok=ok)
    return done.stdout + done.stderr


@pytest.fixture
def deployed(governed: Governed) -> Governed:
    """Three notes under a completed run; one of them stays when it is deleted."""
    governed.program(KEPT)
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    return governed


def test_a_stack_is_destroyed_under_its_mandate_and_no_other(deployed: Governed) -> None:
    done = deployed.calls()
    output = destroy(deployed, ok=False)
    assert "refused at step 3" in output
    assert deployed.calls() == done

    # A mandate to change the stack is none to destroy it.
    deployed.program(KEPT.replace('"hello"', '"hello, world"'))
    change = deployed.approve()
    output = destroy(deployed, ok=False)
    assert "refused at step 7" in output
    assert "kind: approved " in output
    deployed.program(KEPT)
    assert deployed.calls() == done
    assert deployed.mandate(change).state is MandateState.APPROVED

    document = deployed.plan(kind="destroy")
    assert document.content["kind"] == "destroy"
    assert document.tier is Tier.HIGH
    assert b"hidden" not in document.data
    ops = [(o["urn"].rpartition("::")[2], o["op"]) for o in document.operations]
    assert sorted(ops) == [
        ("default", "delete"), ("first", "delete"), ("kept", "abandon"), ("second", "delete"),
        ("shop-test", "delete"),
    ]  # fmt: skip
    lost = [e["urn"].rpartition("::")[2] for e in document.content["rollback"]["irreversible"]]
    assert sorted(lost) == ["default", "first", "kept", "second"]  # the stack itself holds nothing
    assert deployed.plan(kind="destroy").effect_root == document.effect_root
    plan = deployed.approve(document)

    # A mandate to destroy the stack is none to change it.
    deployed.program(KEPT.replace('"hello"', '"other"'))
    assert "refused at step" in deployed.up(ok=False)
    deployed.program(KEPT)
    assert deployed.calls() == done

    destroy(deployed)

    result = deployed.result()
    assert result["status"] == "completed", result
    assert deployed.files() == {"kept": "hidden"}
    assert deployed.calls() == [*done, "delete second", "delete first"]
    assert deployed.mandate(plan).state is MandateState.UNCONFIRMED
    assert deployed.state("first") is None
    assert deployed.observed(document) == result["postState"]


def test_a_state_that_moved_since_the_vote_is_not_destroyed(deployed: Governed) -> None:
    plan = deployed.approve(deployed.plan(kind="destroy"))
    done = deployed.calls()
    exported = deployed.pulumi("stack", "export", "--show-secrets").stdout
    moved = deployed.folder.parent / "moved.json"
    moved.write_text(exported.replace('"text": "hello"', '"text": "other"'))
    deployed.pulumi("stack", "import", "--file", str(moved))

    assert "refused at step 7" in destroy(deployed, ok=False)

    assert deployed.calls() == done
    assert deployed.mandate(plan).state is MandateState.APPROVED


def test_a_part_and_then_the_rest_under_a_mandate_each_which_is_spent_once(
    deployed: Governed,
) -> None:
    done = deployed.calls()
    # What the engine would write into what stays, a placeholder here, refuses before the vote.
    deployed.program(KEPT + 'pulumi.export("new", Note("new", "x").size)\n')
    with pytest.raises(IncompletePlan, match="gives it other outputs"):
        deployed.plan(kind="destroy", flags=PART)
    deployed.program(KEPT)
    document = deployed.plan(kind="destroy", flags=PART)
    assert [(o["urn"].rpartition("::")[2], o["op"]) for o in document.operations] == [
        ("second", "delete")
    ]
    plan = deployed.approve(document)

    # It is none for the whole, nor for another part.
    assert "toolchain.flags" in destroy(deployed, ok=False)
    assert "toolchain.flags" in destroy(deployed, "--exclude", "**::first", ok=False)
    assert deployed.calls() == done

    destroy(deployed, "-t", "**::second")

    assert deployed.result()["status"] == "completed"
    assert deployed.calls() == [*done, "delete second"]
    assert deployed.files() == {"first": "hello", "kept": "hidden"}
    assert deployed.mandate(plan).state is MandateState.UNCONFIRMED
    assert deployed.observed(document) == deployed.result()["postState"]

    deployed.approve(deployed.plan(kind="destroy"))
    full = deployed.folder.parent / "full.json"
    full.write_text(deployed.pulumi("stack", "export").stdout)
    destroy(deployed)
    assert deployed.result()["status"] == "completed"
    done = deployed.calls()
    deployed.pulumi("stack", "import", "--file", str(full))

    output = destroy(deployed, ok=False)

    assert "refused at step 3: the mandate is unconfirmed now" in output
    assert deployed.calls() == done


def test_a_protected_resource_says_so_before_anybody_votes(governed: Governed) -> None:
    governed.program(TWO_NOTES + 'Note("safe", "x", pulumi.ResourceOptions(protect=True))\n')
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"

    with pytest.raises(IncompletePlan, match="safe is protected"):
        governed.plan(kind="destroy")
    assert "safe is protected" in destroy(governed, ok=False)
