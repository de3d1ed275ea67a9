"""Help teaches: every command says what it does, how, and shows it; and it is quick."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from pulumi_mandate.cli import main
from pulumi_mandate.cli._app import app
from pulumi_mandate.cli._command import Call, TeachingCommand, TeachingGroup

HEAVY = ("web3", "eth_abi", "boto3", "pulumi", "pydantic", "cryptography")


def commands(
    group: click.Group = app, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself_and_shows_an_example(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*path, "--help"]) == 0

    printed = capsys.readouterr().out
    assert f"Usage: mandate {' '.join(path)}" in printed
    assert f"$ mandate {' '.join(path)}" in printed
    assert ALL[path].help, "a command without a docstring teaches nothing"


@pytest.mark.parametrize("name", ["rotate", "revoke"])
def test_a_key_is_rotated_and_revoked_in_one_way_under_two_names(name: str) -> None:
    key, executor = ALL["keys", name], ALL["executors", name]

    assert key.callback is executor.callback
    assert (key.params, key.help) == (executor.params, executor.help)


@pytest.mark.parametrize(
    ("path", "example"),
    [
        (path, example)
        for path, command in [((), app), *ALL.items()]
        if isinstance(command, TeachingCommand | TeachingGroup)
        for example in command.examples
    ],
)
def test_every_example_can_be_typed(path: tuple[str, ...], example: str) -> None:
    if example.startswith("eval "):
        example = example.removeprefix('eval "$(').removesuffix(')"')
    words = shlex.split(example.partition(" | ")[0])
    assert words[0] == "mandate"

    # An unknown command, option or value raises here; nothing is invoked.
    command: click.Command = app
    rest = words[1:]
    # With the group's own settings: click keeps the first help option that it makes.
    context = click.Context(app, info_name="mandate", obj=Call(), **app.context_settings)
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, name
        command = found
    rest = [word for word in rest if "…" not in word] + (
        ["0x" + "5a" * 32] if any("…" in word for word in rest) else []
    )
    if {"--plan", "--passphrase-file", "--signature"} & set(rest):
        return  # names a file that is not here; `resolve_command` has found the command
    rest = [word if not word.startswith("examples/") else "." for word in rest]
    command.make_context(words[-1], rest, parent=context, obj=Call())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_prints_json(path: tuple[str, ...]) -> None:
    command = ALL[path]
    if isinstance(command, click.Group):
        return

    options = {option for parameter in command.params for option in parameter.opts}

    assert {"--json", "--trust"} <= options


def test_the_list_of_commands_is_not_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    for group in ([], ["dev"], ["keys"], ["trust"]):
        main([*group, "--help"])

    printed = capsys.readouterr().out
    assert not [
        line for line in printed.splitlines() if line.endswith("...") and "Usage" not in line
    ]


def test_without_a_command_the_help_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2

    assert "Commands:" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom pulumi_mandate.cli import main\nmain(['--help'])\n"
        f"found = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "print('HEAVY', found)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "HEAVY []"
