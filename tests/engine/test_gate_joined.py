"""`mandate up` of a program with `govern()`: one preview, one run, which the program joins."""

from __future__ import annotations

import pytest

from pulumi_mandate.models import MandateState
from tests.engine.test_gate_refresh import mandate
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True


def test_the_program_joins_the_run_of_the_command(governed: Governed) -> None:
    # Without a mandate, and with a program that would not ask: nothing is begun.
    assert "there is no mandate" in mandate(governed, "up", code=3)
    program = (governed.folder / "__main__.py").read_text()
    governed.program(program.replace("pulumi_mandate.govern()", ""))
    assert "would not carry the gate's hooks" in mandate(governed, "up", code=3)
    governed.program(program)
    assert governed.calls() == []
    assert governed.runs() == []

    # With one: previewed once, begun once, every operation judged by the program's own hooks.
    plan = governed.approve()
    said = mandate(governed, "up")
    assert said.count("previewing the whole stack") == 1
    assert "completed" in said
    assert governed.calls() == ["create first", "create second"]
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    (run,) = governed.runs()
    asked = [entry.urn.rpartition("::")[2] for entry in run.journal.entries()]
    assert {"first", "second"} <= set(asked)
    assert list(run.path.glob("joined-*"))
    # The state names lines of the program, and no folder of this machine.
    first = governed.state("first")
    assert first is not None
    assert first["sourcePosition"] == first["stackTrace"][0]["sourcePosition"]
    assert {frame["sourcePosition"].partition("#")[0] for frame in first["stackTrace"]} == {
        "project:///notes.py",
        "project:///__main__.py",
    }

    # Nothing to do is no failure; the outputs are the engine's to write.
    assert "nothing to change" in mandate(governed, "up")

    # Stale: the plan was for the same stack, and the program is another one now.
    governed.program(program.replace('"hello"', '"hello again"'))
    second = governed.approve()
    governed.program(program.replace('"hello"', '"something else"'))
    assert "refused at step 6" in mandate(governed, "up", code=3)
    assert governed.mandate(second).state is MandateState.APPROVED


def test_a_run_that_was_cut_off_goes_on_and_a_destroy_is_joined_too(governed: Governed) -> None:
    plan = governed.approve()
    (governed.notes / "fail-second").touch()
    said = mandate(governed, "up", code=7)
    assert "is open" in said
    assert governed.calls() == ["create first"]

    (governed.notes / "fail-second").unlink()
    assert "completed" in mandate(governed, "up")
    assert governed.calls() == ["create first", "create second"]
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    (run,) = governed.runs()
    assert run.rest() is not None

    assert "a mandate runs once" in mandate(governed, "destroy", code=3)
    governed.approve(governed.plan(kind="destroy"))
    assert "completed" in mandate(governed, "destroy")
    assert governed.calls()[2:] == ["delete second", "delete first"]
