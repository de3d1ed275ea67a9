"""`mandate refresh`: drift enters the state under a mandate that shows it, or not at all."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pulumi_mandate.chain.previewing import Previewer
from pulumi_mandate.errors import EmptyPlan
from pulumi_mandate.models import MandateState, Tier
from tests.plugins.gate_fixtures import PROVIDER, TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True


@pytest.fixture
def previewer() -> Previewer:
    """Every preview of these stacks is made in a cell, where the machine gives one."""
    return Previewer(required=False)


READ = """
    def read(self, id, props):
        from pulumi.dynamic import ReadResult

        path = Path(props["folder"], id)
        if not path.exists():
            return ReadResult("", {})
        return ReadResult(id, {**props, "text": path.read_text(), "size": len(path.read_text())})

"""
THREE = TWO_NOTES + 'Note("kept", pulumi.Output.secret("hidden"))\n'
URN = "urn:pulumi:test::shop::pulumi-python:dynamic:Resource::"


def mandate(governed: Governed, *words: str, code: int = 0, stack: str = "test") -> str:
    """What a person types; its whole output."""
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_mandate.cli", *words, "--stack", stack],
        cwd=governed.folder,
        env=governed.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    return output


@pytest.fixture
def drifted(governed: Governed) -> Governed:
    """Three notes under a completed run; then two are edited by hand, and one is gone."""
    (governed.folder / "notes.py").write_text(
        PROVIDER.replace("    def delete", READ + "    def delete")
    )
    governed.program(THREE)
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    with pytest.raises(EmptyPlan):
        governed.plan(kind="refresh")
    (governed.notes / "first").write_text("hello?")
    (governed.notes / "kept").write_text("found out")
    (governed.notes / "second").unlink()
    return governed


def exported(governed: Governed) -> str:
    return governed.pulumi("stack", "export").stdout


def test_drift_is_proposed_voted_on_and_taken_over(drifted: Governed) -> None:
    state = exported(drifted)
    assert "refused at step 3" in mandate(drifted, "refresh", code=3)
    assert exported(drifted) == state

    document = drifted.plan(kind="refresh")
    assert drifted.plan(kind="refresh").effect_root == document.effect_root
    assert exported(drifted) == state
    operations = {o["urn"].removeprefix(URN): o for o in document.operations}
    assert {name: o["op"] for name, o in operations.items()} == {
        "first": "refresh", "kept": "refresh", "second": "forget",
    }  # fmt: skip
    outputs = [operations["first"][side]["outputs"] for side in ("before", "after")]
    assert [(o["text"], o["size"]) for o in outputs] == [("hello", 5), ("hello?", 6)]
    secret = [operations["kept"][side]["outputs"]["text"] for side in ("before", "after")]
    assert secret[0] != secret[1]
    assert b"found out" not in document.data
    assert document.tier is Tier.HIGH

    # A mandate to destroy the stack is none to refresh it.
    change = drifted.approve(drifted.plan(kind="destroy"))
    assert "kind: approved" in mandate(drifted, "refresh", code=3)
    assert drifted.mandate(change).state is MandateState.APPROVED

    plan = drifted.approve(document)
    output = mandate(drifted, "refresh")

    assert "completed" in output
    assert drifted.mandate(plan).state is MandateState.UNCONFIRMED
    assert drifted.observed(document) == drifted.result()["postState"]
    assert drifted.state("second") is None
    found = drifted.state("first")
    assert found is not None
    assert found["outputs"]["text"] == "hello?"
    assert "nothing to change" in mandate(drifted, "refresh")


def test_the_cloud_that_moved_since_the_vote_is_refused(drifted: Governed) -> None:
    plan = drifted.approve(drifted.plan(kind="refresh"))
    state = exported(drifted)
    (drifted.notes / "kept").write_text("other one")  # a secret: only a commitment differs

    output = mandate(drifted, "refresh", code=3)

    assert "refused at step 7" in output
    assert "other one" not in output
    assert exported(drifted) == state
    assert drifted.mandate(plan).state is MandateState.APPROVED
    assert json.loads(state)["deployment"]["resources"]
