"""`--target` and its like, as the commands get them."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from pulumi_mandate.cli import main
from pulumi_mandate.cli._program import destroy_flag_options, flag_options


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ([], "()"),
        (["-t", "b", "--target", "a"], "('--target=a', '--target=b')"),
        (["--target-replace", "a"], "('--replace=a', '--target=a')"),
        (["-x", "a", "--exclude-dependents"], "('--exclude-dependents', '--exclude=a')"),
        (["--target-dependents", "--replace", "a"], "('--replace=a', '--target-dependents')"),
    ],
)
def test_they_come_in_the_form_that_a_plan_binds(words: list[str], flags: str) -> None:
    @click.command()
    @click.option("--other", default=1)
    @flag_options
    def shown(other: int, flags: tuple[str, ...]) -> None:
        click.echo(f"{other} {flags}")

    assert CliRunner().invoke(shown, words).output == f"1 {flags}\n"


def test_a_destroy_has_some_of_them() -> None:
    @click.command()
    @destroy_flag_options
    def shown(flags: tuple[str, ...]) -> None:
        click.echo(flags)

    words = ["-t", "a", "--target-dependents"]
    assert CliRunner().invoke(shown, words).output == "('--target-dependents', '--target=a')\n"
    assert CliRunner().invoke(shown, ["--replace", "a"]).exit_code == 2


@pytest.mark.parametrize("words", [["up", "--refresh"], ["up", "-r"], ["destroy", "--refresh"]])
def test_a_refresh_on_the_side_is_refused_with_what_to_type(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 3

    said = capsys.readouterr().err
    assert "`--refresh` changes the state" in said
    assert "mandate propose --refresh" in said
    assert "mandate refresh" in said
