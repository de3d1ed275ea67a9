"""Ways in, one beside the other, on two stacks of one registry: a mandate of the one is none for
the other, and none is good over a state that moved on. The table is in this folder's README."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest

from pulumi_mandate.models import MandateState
from tests.engine.test_gate_refresh import READ, exported
from tests.plugins.gate_fixtures import PROVIDER, TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

PULUMI = ("pulumi", "--non-interactive")
MANDATE = (sys.executable, "-m", "pulumi_mandate.cli")
LOCAL = """
import sys
import pulumi.automation as auto

auto.select_stack(sys.argv[-1], work_dir=".").up(on_output=print, on_error=print)
"""
PART = ("--target", "**::first")
WAYS = {
    "pulumi up --target": (*PULUMI, "up", "--yes", "--skip-preview", *PART, "--stack"),
    "pulumi destroy": (*PULUMI, "destroy", "--yes", "-f", "--run-program", "--stack"),
    "stack.up() of a local program": (sys.executable, "-c", LOCAL),
    "mandate up": (*MANDATE, "up", "--stack"),
    "mandate destroy --target": (*MANDATE, "destroy", *PART, "--target-dependents", "--stack"),
    "mandate refresh": (*MANDATE, "refresh", "--stack"),
}
CHANGED = TWO_NOTES.replace('"hello"', '"good morning"').replace('("size", first.size)', '("a", 1)')


def say(governed: Governed, way: str, stack: str) -> str:
    """What a way printed, which did not end well."""
    done = governed.run_command([*WAYS[way], stack])
    assert done.returncode != 0, way
    return done.stdout + done.stderr


def resources(governed: Governed, stack: str) -> Any:
    """Those of the state, which also holds the time at which somebody last looked."""
    return json.loads(
        governed.pulumi("stack", "export", "--show-secrets", "--stack", stack).stdout
    )["deployment"]["resources"]


def all_refused(governed: Governed, ways: Iterable[str], stack: str, words: str) -> None:
    """Each way refuses with these words, and nothing is changed."""
    done, state = governed.calls(), resources(governed, stack)
    for way in ways:
        assert words in say(governed, way, stack), way
    assert governed.calls() == done
    assert resources(governed, stack) == state


def sister(governed: Governed) -> None:
    """`other`: the same program, settings and resources, in another state."""
    settings = governed.folder / "Pulumi.test.yaml"
    state = exported(governed).replace("urn:pulumi:test::", "urn:pulumi:other::")
    file = governed.folder.parent / "other.json"
    file.write_text(state.replace("::shop-test", "::shop-other"))
    governed.pulumi("stack", "init", "other", "--no-select")
    shutil.copy(settings, settings.with_name("Pulumi.other.yaml"))
    governed.pulumi("stack", "import", "--stack", "other", "--file", str(file))


def test_someone_elses_mandate_and_a_stale_one_open_no_way(governed: Governed) -> None:
    (governed.folder / "notes.py").write_text(
        PROVIDER.replace("    def delete", READ + "    def delete")
    )
    governed.program(TWO_NOTES.replace('("size", first.size)', '("a", 1)'))
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    sister(governed)

    governed.program(CHANGED)
    (governed.notes / "first").write_text("hello?")  # by hand: there is drift as well
    parts = [
        governed.plan(),
        governed.plan(flags=("--target=**::first",)),
        governed.plan(kind="destroy"),
        governed.plan(kind="destroy", flags=("--target-dependents", "--target=**::first")),
        governed.plan(kind="refresh"),
    ]
    plans = governed.approve_all(parts)

    # Someone else's: each of these ways has its mandate, of another stack.
    all_refused(governed, WAYS, "other", "there is no mandate for organization/shop/other")

    # A destroy that runs no program asks nobody, so the engine itself refuses it.
    done = governed.pulumi("destroy", "--yes", "--skip-preview", ok=False)
    assert "delete hooks" in done.stdout + done.stderr

    # A plain refresh meets no gate. It changes the state alone, and every mandate over what the
    # state was before is stale.
    calls = governed.calls()
    governed.pulumi("refresh", "--yes", "--skip-preview", "--stack", "test")
    assert governed.calls() == calls
    stale = [way for way in WAYS if way != "mandate refresh"]
    all_refused(governed, stale, "test", "refused at step 7")
    assert "nothing to change" in governed.run_command([*WAYS["mandate refresh"], "test"]).stderr
    assert {governed.mandate(plan).state for plan in plans} == {MandateState.APPROVED}

    # With one: the Automation API's own `up` of a program on disk is plain `pulumi up`.
    plan = governed.approve()
    subprocess.run(
        [*WAYS["stack.up() of a local program"], "test"],
        cwd=governed.folder, env=governed.environment, capture_output=True, check=True,
    )  # fmt: skip
    assert governed.result()["status"] == "completed"
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert governed.files() == {"first": "good morning", "second": "12 letters"}
