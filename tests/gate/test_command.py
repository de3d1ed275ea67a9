"""What became of a `pulumi up`, as a sentence and an exit code."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from pulumi_mandate.errors import (
    ChainError,
    EngineError,
    MandateError,
    PartlyApplied,
    Refused,
    SignerError,
    UsageError,
)
from pulumi_mandate.gate import command
from pulumi_mandate.gate.folder import RunFolder
from pulumi_mandate.gate.journal import ALLOWED, REFUSED, Entry

ERRORS = [
    MandateError("a", meaning="b", next_step="c"),
    UsageError("a", meaning="b", next_step="c"),
    Refused(6, "a", field="program", expected="1", found="2", meaning="b", next_step="c"),
    ChainError("a"),
    SignerError("a"),
    EngineError("a"),
    PartlyApplied("a"),
]
PID = 4242


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path))
    return tmp_path


def leave_refusal(machine: Path, error: MandateError) -> Path:
    file = machine / "refusals" / f"{PID}.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"started": 1, **error.as_dict()}))
    return file


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_the_gate_raised_in_the_program_is_raised_again(
    error: MandateError, machine: Path
) -> None:
    leave_refusal(machine, error)

    with pytest.raises(type(error)) as raised:
        command._without_run(lambda: "pulumi up", PID, 1, time.time() - 60)

    assert raised.value.diagnostics() == error.diagnostics()
    assert raised.value.exit_code == error.exit_code


def test_a_refusal_of_an_older_engine_with_the_same_pid_does_not_count(machine: Path) -> None:
    file = leave_refusal(machine, ERRORS[2])
    os.utime(file, (1, 1))

    with pytest.raises(EngineError):
        command._without_run(lambda: "pulumi up", PID, 1, time.time() - 60)


def test_nothing_to_change_is_success(machine: Path) -> None:
    assert command._without_run(lambda: "pulumi up", PID, 0, time.time()).exit_code == 0


def run_with(machine: Path, *verdicts: str) -> RunFolder:
    folder = RunFolder(machine / "runs" / "00")
    folder.path.mkdir(parents=True)
    for verdict in verdicts:
        folder.journal.append(Entry(verdict, "create", "urn:pulumi:a::b::c::d", 0))
    return folder


RESULT = {"runId": "0x" + "ab" * 32, "planHash": "0x" + "cd" * 32, "reasons": ["not done"]}


@pytest.mark.parametrize(
    ("status", "verdicts", "engine", "code"),
    [
        ("completed", (ALLOWED,), 0, 0),
        ("completed", (ALLOWED,), 1, 6),
        ("failed", (ALLOWED, REFUSED), 1, 7),
        ("open", (ALLOWED,), 1, 7),
        ("failed", (REFUSED,), 1, 3),
        ("open", (), 1, 6),
    ],
)
def test_a_run_ends_with_the_code_that_its_operations_deserve(
    status: str, verdicts: tuple[str, ...], engine: int, code: int, machine: Path
) -> None:
    folder = run_with(machine, *verdicts)

    outcome = command._with_run(lambda: "pulumi up", folder, {**RESULT, "status": status}, engine)

    assert outcome.exit_code == code
    assert status in outcome.sentence


@pytest.mark.parametrize(("told", "then"), [({}, "mandate propose"), ({"next": "x"}, "x")])
def test_what_comes_next_is_the_runs_own_word(
    told: dict[str, str], then: str, machine: Path
) -> None:
    result = {**RESULT, "status": "failed", **told}

    outcome = command._with_run(lambda: "pulumi up", run_with(machine, ALLOWED), result, 0)

    assert outcome.sentence.endswith(f"next: {then}")


def test_a_run_that_nobody_closed_is_not_reported_as_done(machine: Path) -> None:
    with pytest.raises(PartlyApplied, match="not closed"):
        command._with_run(lambda: "pulumi up", run_with(machine, ALLOWED), None, 0)


def test_the_result_of_an_earlier_try_does_not_count(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "CLOSING_SECONDS", 0.3)
    folder = run_with(machine)
    folder.write_result({**RESULT, "status": "open"})
    os.utime(folder.path / "result.json", (1, 1))

    assert command._result(folder, since=time.time() - 60) is None

    folder.write_result({**RESULT, "status": "completed"})
    found = command._result(folder, since=time.time() - 60)
    assert found is not None
    assert found["status"] == "completed"
