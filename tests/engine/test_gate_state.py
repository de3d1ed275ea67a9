"""`mandate state`: the state is edited under a mandate that shows the edit, or not at all."""

from __future__ import annotations

import pytest

from pulumi_mandate.gate.flags import edit_flags
from pulumi_mandate.models import MandateState, Tier
from pulumi_mandate.plan.document import Document
from tests.engine.test_gate_refresh import THREE, URN, exported, mandate
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True

FIRST, SECOND, KEPT = (f"{URN}{name}" for name in ("first", "second", "kept"))
PRIMARY = f"{URN}primary"


def edit(governed: Governed, command: str, *words: str) -> Document:
    return governed.plan(kind="state", flags=edit_flags(command, words))


def test_an_edit_of_the_state_is_proposed_voted_on_and_made(governed: Governed) -> None:
    governed.program(THREE)
    governed.pulumi("stack", "init", "other", "--no-select", "--copy-config-from", "test")
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    calls, files, state = governed.calls(), governed.files(), exported(governed)

    assert "refused at step 3" in mandate(governed, "state", "delete", KEPT, code=3)

    # What people read: what leaves, and who follows a new name.
    delete, stale = edit(governed, "delete", KEPT), edit(governed, "delete", SECOND)
    rename = edit(governed, "rename", FIRST, "primary")
    (gone,) = delete.operations
    assert (gone["op"], gone["urn"], gone["after"]) == ("abandon", KEPT, None)
    assert delete.tier is Tier.HIGH
    renamed, follower = rename.operations
    assert (renamed["op"], renamed["urn"]) == ("metadata", PRIMARY)
    assert renamed["before"]["urn"] == FIRST
    assert follower["dependencies"] == {"before": [FIRST], "after": [PRIMARY]}

    # Another edit than was voted on; the same one of another stack, which has no mandate.
    hashes = governed.approve_all([delete, rename, stale])
    governed.pulumi("stack", "export", "--file", "../state.json")
    governed.pulumi("stack", "import", "--force", "--file", "../state.json", "--stack", "other")
    output = mandate(governed, "state", "rename", FIRST, "other", code=3)
    assert "refused at step 6" in output
    assert "toolchain.flags" in output
    output = mandate(governed, "state", "delete", KEPT, code=3, stack="other")
    assert "there is no mandate for organization/shop/other" in output
    assert exported(governed) == state

    # With its mandate, each.
    assert "completed" in mandate(governed, "state", "rename", FIRST, "primary")
    assert "completed" in mandate(governed, "state", "delete", KEPT)
    moved, dependent = governed.state("primary"), governed.state("second")
    assert governed.state("first") is governed.state("kept") is None
    assert moved is not None
    assert moved["id"] == renamed["id"]
    assert dependent is not None
    assert dependent["dependencies"] == [PRIMARY]
    assert (governed.calls(), governed.files()) == (calls, files)

    # With a stale one: what would leave depends on another name by now.
    state = exported(governed)
    assert "refused at step 7" in mandate(governed, "state", "delete", SECOND, code=3)
    assert exported(governed) == state
    done, approved = MandateState.UNCONFIRMED, MandateState.APPROVED
    assert [governed.mandate(one).state for one in hashes] == [done, done, approved]
