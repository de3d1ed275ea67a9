"""`mandate state`: edits of the state by hand, each under a mandate that shows what it changes."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError
from ._command import Call, TeachingGroup, command
from ._output import Answer
from ._program import ProgramChoice, program_options

_URNS = click.argument("urns", nargs=-1, required=True, metavar="URN...")


@click.group(
    "state",
    cls=TeachingGroup,
    short_help="`pulumi state`, if its mandate stands.",
    examples=(
        "mandate propose --as ana --state-delete 'urn:pulumi:…::old'",
        "mandate state delete 'urn:pulumi:…::old'",
    ),
)
def state() -> None:
    """Edit the state, if and only if people agreed to exactly that.

    An edit runs no program and asks no provider, so a plain `pulumi state` meets no gate; it
    changes the state alone, and mandates that were voted on over the old state no longer fit.
    """


@command(
    "delete",
    "`pulumi state delete`, if its mandate stands.",
    signs=True,
    examples=(
        "mandate propose --as ana --state-delete 'urn:pulumi:…::old'",
        "mandate state delete 'urn:pulumi:…::old'",
    ),
)
@_URNS
@program_options
def delete(call: Call, urns: tuple[str, ...], folder: Path, stack: str | None) -> Answer:
    """Take resources out of the state. They stay where they are, and nobody manages them.

    The mandate was proposed with `mandate propose --state-delete URN`, of the same resources. Take
    them out of the program too, or the next plan makes them anew.
    """
    return _edit(call, folder, stack, "delete", urns)


@command(
    "rename",
    "`pulumi state rename`, if its mandate stands.",
    signs=True,
    examples=(
        "mandate propose --as ana --state-rename 'urn:pulumi:…::old' new",
        "mandate state rename 'urn:pulumi:…::old' new",
    ),
)
@click.argument("urn", metavar="URN")
@click.argument("name", metavar="NAME")
@program_options
def rename(call: Call, urn: str, name: str, folder: Path, stack: str | None) -> Answer:
    """Give a resource of the state another name; whoever names it follows.

    The mandate was proposed with `mandate propose --state-rename URN NAME`. Give it that name in
    the program too, or the next plan deletes it and makes another.
    """
    return _edit(call, folder, stack, "rename", (urn, name))


@command(
    "unprotect",
    "`pulumi state unprotect`, if its mandate stands.",
    signs=True,
    examples=(
        "mandate propose --as ana --state-unprotect 'urn:pulumi:…::old'",
        "mandate state unprotect 'urn:pulumi:…::old'",
    ),
)
@_URNS
@program_options
def unprotect(call: Call, urns: tuple[str, ...], folder: Path, stack: str | None) -> Answer:
    """Let resources be deleted that the state guards against it.

    The mandate was proposed with `mandate propose --state-unprotect URN`, of the same resources.
    """
    return _edit(call, folder, stack, "unprotect", urns)


@command(
    "move",
    "Refused, with the way that two mandates give.",
    examples=("mandate state move 'urn:pulumi:…::old'",),
)
@_URNS
def move(call: Call, urns: tuple[str, ...]) -> Answer:
    """A move changes two stacks at once, and a mandate is about one.

    Import the resources into the other stack, under its mandate; then delete them from this one's
    state, under a mandate of this one. In between both manage them, and at no moment nobody does.
    """
    raise UsageError(
        f"a move of {len(urns)} resources changes two stacks, and a mandate is about one",
        meaning="Each stack has its own voters; one mandate cannot speak for both.",
        next_step="mandate propose --import FILE, for the other stack; once that is done: mandate "
        "propose --state-delete URN, for this one",
    )


for _subcommand in (delete, rename, unprotect, move):
    state.add_command(_subcommand)


def _edit(
    call: Call, folder: Path, stack: str | None, command: str, words: tuple[str, ...]
) -> Answer:
    from ..gate.flags import edit_flags
    from ._engine import run_governed

    program = ProgramChoice(folder, stack, flags=edit_flags(command, words))
    outcome = run_governed(call.session, program, message=None, kind="state")
    return Answer(outcome.as_data(), outcome.sentence, exit_code=outcome.exit_code)
