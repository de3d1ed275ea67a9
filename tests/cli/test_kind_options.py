"""`--destroy` and its like: which command of Pulumi a plan is of, as the commands get it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pulumi_mandate.cli import _engine, main
from pulumi_mandate.cli._program import ProgramChoice, kind_of, kind_options
from pulumi_mandate.errors import UsageError
from pulumi_mandate.gate.command import Outcome

A, B = "urn:pulumi:dev::shop::a:b:C::a", "urn:pulumi:dev::shop::a:b:C::b"


@click.command()
@kind_options
def shown(kind: str, imports: Path | None, edit: tuple[str, ...]) -> None:
    click.echo(f"{kind_of(kind, imports, edit)} {list(edit)}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "up []"),
        (["--destroy"], "destroy []"),
        (["--import", "file.json"], "import []"),
        (["--state-delete", B, "--state-delete", A], f"state ['--state=delete {A} {B}']"),
        (["--state-rename", A, "new"], f"state ['--state=rename {A} new']"),
        (["--state-unprotect", A], f"state ['--state=unprotect {A}']"),
    ],
)
def test_each_kind_has_its_option(words: list[str], said: str) -> None:
    assert CliRunner().invoke(shown, words, catch_exceptions=False).output == f"{said}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--destroy", "--import", "file.json"], "--import and --destroy are two plans"),
        (["--refresh", "--state-delete", A], "--state and --refresh are two plans"),
        (["--state-delete", A, "--state-unprotect", A], "one edit of the state"),
        (["--state-delete", "a"], "an edit of the state is one of"),
    ],
)
def test_two_kinds_are_two_plans(words: list[str], said: str) -> None:
    result = CliRunner().invoke(shown, words)

    assert isinstance(result.exception, UsageError)
    assert said in result.exception.happened


def test_a_move_is_refused_with_the_way_that_two_mandates_give(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["state", "move", A, B]) == UsageError.exit_code

    said = capsys.readouterr().err
    assert "a move of 2 resources changes two stacks" in said
    assert "--import FILE" in said
    assert "--state-delete URN" in said


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["delete", A], f"--state=delete {A}"),
        (["rename", A, "new"], f"--state=rename {A} new"),
        (["unprotect", B, A], f"--state=unprotect {A} {B}"),
    ],
)
def test_an_edit_is_run_as_it_was_bound(
    words: list[str], flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def run(session: object, program: ProgramChoice, *, message: str | None, kind: str) -> Outcome:
        ran.append((kind, program.flags, program.stack, message))
        return Outcome("completed", 0)

    monkeypatch.setattr(_engine, "run_governed", run)

    assert main(["state", *words, "--stack", "dev"]) == 0
    assert ran == [("state", (flag,), "dev", None)]
