"""`make test` runs what it says, all of it, and fails where any of it fails."""

from __future__ import annotations

import sys

import pytest

from tools import checks
from tools.checks import Check

GOOD = Check("good", ((sys.executable, "-c", "pass"),))
BAD = Check("bad", ((sys.executable, "-c", "raise SystemExit(1)"),))


def test_every_check_runs_and_one_failure_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks, "CHECKS", (BAD, GOOD))
    monkeypatch.setattr(checks, "chosen", lambda names: [BAD, GOOD])
    code = checks.main([])
    summary = capsys.readouterr().err.partition("summary:")[2]

    assert code == 1
    assert "bad        FAILED" in summary
    assert "good       passed" in summary


def test_a_check_ends_at_its_first_failing_command(capfd: pytest.CaptureFixture[str]) -> None:
    after = (sys.executable, "-c", "print('reached')")
    outcome = checks.run_check(Check("both", (*BAD.commands, after)))

    assert not outcome.passed
    assert "reached" not in capfd.readouterr().out


def test_a_command_that_is_not_there_fails() -> None:
    assert not checks.run_check(Check("absent", (("no-such-command-here",),))).passed


def test_an_unknown_name_is_refused() -> None:
    assert checks.main(["no-such-check"]) == 2


def test_nothing_is_left_out() -> None:
    assert [check.name for check in checks.chosen([])] == [
        "format",
        "style",
        "types",
        "layers",
        "contracts",
        "package",
        "tests",
    ]
