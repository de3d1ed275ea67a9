"""A run whose program is another one when it ends, or by the time somebody looks."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from pulumi_mandate.gate.closing import (
    finish_run,
    program_of,
)
from pulumi_mandate.gate.judging import COMPLETED, FAILED
from pulumi_mandate.models import MandateState
from pulumi_mandate.plan.program import program_digest
from tests.gate.a_run import AFTER, PLAN, Machine, left_by_the_run
from tests.gate.cases import (
    document,
)


@pytest.fixture
def folder(tmp_path):
    return left_by_the_run(tmp_path / "run")


@pytest.fixture
def program(folder, tmp_path):
    """The folder of a program whose digest is the one in the plan of a complete run."""
    root = tmp_path / "program"
    root.mkdir()
    (root / "__main__.py").write_text("import pulumi")
    approved = program_digest(root, folder.record().stack).part(None)
    plan = document(*PLAN.operations, program=approved)
    folder.write_record(
        dataclasses.replace(folder.record(), document=plan.digest, workdir=str(root))
    )
    machine = Machine(AFTER)
    machine.kept[plan.digest] = plan.data
    return SimpleNamespace(root=root, machine=machine, approved=approved["digest"])


@pytest.mark.parametrize("name", ["__main__.py", "Pulumi.other.yaml"])
def test_a_program_that_changed_while_it_ran_fails_the_run(folder, program, name):
    own = folder.record().stack.rpartition("/")[2]
    (program.root / f"Pulumi.{own}.yaml").write_text("config: {}")
    assert program_of(folder.record()) == program.approved
    (program.root / name).write_text("import evil")

    result = finish_run(folder, program.machine, program_seen=program_of(folder.record()))

    assert (result["status"], result["reasons"]) == (FAILED, ["the program changed while it ran"])
    assert program.machine.state is MandateState.FAILED


@pytest.mark.parametrize("seen", [True, False])
def test_an_untouched_program_completes(folder, program, seen):
    told = program.approved if seen else None

    result = finish_run(folder, program.machine, program_seen=told)

    assert (result["status"], result["reasons"]) == (COMPLETED, [])


def test_who_finishes_later_reports_an_edit_and_does_not_fail_for_it(folder, program):
    (program.root / "__main__.py").write_text("import pulumi  # next change")

    result = finish_run(folder, program.machine)

    assert result["status"] == COMPLETED
    assert "not known" in result["reasons"][0]


def test_a_program_that_cannot_be_read_is_another_one(folder, tmp_path):
    nowhere = str(tmp_path / "nowhere")
    assert program_of(dataclasses.replace(folder.record(), workdir=nowhere)) == ""
