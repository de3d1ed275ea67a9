"""Updates, replacements, deletions and changes that no hook sees, each under one mandate."""

from __future__ import annotations

import pytest

from pulumi_mandate.chain.previewing import Previewer
from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]


@pytest.fixture
def previewer() -> Previewer:
    """Every preview of these stacks is made in a cell, where the machine gives one."""
    return Previewer(required=False)


FIRST = (
    TWO_NOTES
    + """
Note("moved", "m")
Note("gone", "x")
Note("kept", pulumi.Output.secret("hidden"))
"""
)
THEN = (
    FIRST.replace('"hello"', '"hello, world"')
    .replace('Note("moved", "m")', 'Note("moved", "m", file="elsewhere")')
    .replace('Note("gone", "x")\n', "")
    .replace('secret("hidden"))', 'secret("hidden"), pulumi.ResourceOptions(protect=True))')
)


def test_every_kind_of_operation_under_a_second_mandate(governed: Governed) -> None:
    governed.program(FIRST)
    first = governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    done = governed.calls()

    governed.program(THEN)
    document = governed.plan()
    ops = {(o["urn"].rpartition("::")[2], o["op"]) for o in document.operations}
    assert ops >= {
        ("first", "update"), ("second", "update"), ("moved", "create-replacement"),
        ("moved", "delete-replaced"), ("gone", "delete"), ("kept", "metadata"),
    }  # fmt: skip
    assert "refused at step 3" in governed.up(ok=False)
    assert governed.calls() == done

    second = governed.approve(document)
    output = governed.pulumi("up", "--yes").stdout  # with its preview, which says where we stand
    assert "approved, may be used for" in output

    result = governed.result()
    assert result["status"] == "completed", result
    assert governed.files() == {
        "first": "hello, world", "second": "12 letters", "elsewhere": "m", "kept": "hidden",
    }  # fmt: skip
    assert governed.mandate(first).state is MandateState.UNCONFIRMED
    assert governed.mandate(second).state is MandateState.UNCONFIRMED
    assert governed.state("kept")["protect"] is True


def test_a_resource_changed_behind_the_plans_back_is_refused(governed: Governed) -> None:
    """The base moved: what people saw as `before` is no longer there."""
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    governed.program(TWO_NOTES.replace('"hello"', '"hello, world"'))
    plan = governed.approve()
    done = governed.calls()

    exported = governed.pulumi("stack", "export", "--show-secrets").stdout
    moved = governed.folder.parent / "moved.json"
    moved.write_text(exported.replace('"text": "hello"', '"text": "other"'))
    governed.pulumi("stack", "import", "--file", str(moved))

    assert "refused at step 7" in governed.up(ok=False)
    assert governed.calls() == done
    assert governed.mandate(plan).state is MandateState.APPROVED
