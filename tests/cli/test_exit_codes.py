"""One place turns errors into exit codes and, with `--json`, into one object on standard output."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from pulumi_mandate import errors
from pulumi_mandate.cli import _app, main
from pulumi_mandate.cli._command import Call, command
from pulumi_mandate.cli._output import Answer

CODES = [
    (errors.MandateError("x"), 1),
    (errors.UsageError("x"), 2),
    (errors.Refused(7, "x"), 3),
    (errors.InvalidDocument("x"), 3),
    (errors.ChainError("x"), 4),
    (errors.SignerError("x"), 5),
    (errors.EngineError("x"), 6),
    (errors.PartlyApplied("x"), 7),
]


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    @command("fail", "fail", examples=("mandate fail",))
    def fail(call: Call) -> Answer:
        raise error

    monkeypatch.setitem(_app.app.commands, "fail", fail)


@pytest.mark.parametrize(("error", "code"), CODES, ids=lambda v: type(v).__name__)
def test_every_error_has_its_exit_code(
    error: errors.MandateError,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing(monkeypatch, error)

    assert main(["fail"]) == code

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")


@pytest.mark.parametrize(("error", "code"), CODES, ids=lambda v: type(v).__name__)
def test_json_errors_are_one_object_on_standard_output(
    error: errors.MandateError,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing(monkeypatch, error)

    assert main(["fail", "--json"]) == code

    found = json.loads(capsys.readouterr().out)
    assert (found["error"], found["exitCode"]) == (type(error).__name__, code)


def test_a_refusal_says_step_field_and_both_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(
        monkeypatch,
        errors.Refused(
            6, "other source", field="program", expected="0xaa", found="0xbb", next_step="vote"
        ),
    )

    main(["fail"])

    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "error: refused at step 6: other source",
        "  program: approved 0xaa, found 0xbb",
        "next: vote",
    ]


def test_a_defect_never_prints_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, RuntimeError("https://user:hunter2@example.org"))

    assert main(["fail"]) == 1

    printed = capsys.readouterr()
    assert "hunter2" not in printed.out + printed.err
    assert "RuntimeError" in printed.err


def test_interrupted_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())

    assert main(["fail"]) == 130


@pytest.mark.parametrize(
    "arguments",
    [["dovote"], ["vote", "1"], ["vote", "1", "maybe"], ["show", "--wrong", "1"], ["show", "x"]],
)
def test_what_cannot_be_typed_is_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--json"]) == 2

    assert json.loads(capsys.readouterr().out)["exitCode"] == 2


def test_a_missing_trust_file_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--trust", str(tmp_path / "none.toml")]) == 2

    assert "next: `mandate dev start`" in capsys.readouterr().err


def test_the_documented_codes_are_the_ones_in_use() -> None:
    documented = {
        int(line.split()[0]) for line in _app.EXIT_CODES.splitlines() if line.startswith("  ")
    }

    assert documented == {0, *(code for _, code in CODES)}


def test_colour_needs_a_terminal_and_no_objection(monkeypatch: pytest.MonkeyPatch) -> None:
    from pulumi_mandate.cli._output import Style, wants_colour

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(Terminal())  # type: ignore[arg-type]
    assert Style(True).good("ok") == click.style("ok", fg="green")
    assert Style(False).good("ok") == "ok"

    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())  # type: ignore[arg-type]
