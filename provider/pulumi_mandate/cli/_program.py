"""Options of the commands that preview a program, and the call that does it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..models import NO_CLEARS, Address, Digest, digest
from ._target import DurationType

if TYPE_CHECKING:
    from ..gate.where import ProgramAt
    from ..plan.document import Document
    from ._session import Session

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
DEFAULT_WINDOW = "30d"


@dataclass(frozen=True, slots=True)
class ProgramChoice:
    """Which program, and which stack of it."""

    folder: Path
    stack: str | None
    imports: Path | None = None
    """What to import, for a plan of that kind."""
    flags: tuple[str, ...] = ()
    """Of an update or a destroy: those that say which part of the stack it is about. Of an edit of
    the state: the edit."""

    def place(self) -> ProgramAt:
        """As the gate names it. Raises what `selected_stack` raises."""
        from ..gate.where import ProgramAt

        imports = self.imports.resolve() if self.imports else None
        return ProgramAt(self.folder.resolve(), selected_stack(self), imports, self.flags)


def program_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--cwd` and `--stack`, as Pulumi spells them."""
    for option in (
        click.option("--stack", "-s", metavar="NAME", help="Stack (default: the selected one)."),
        click.option(
            "--cwd",
            "-C",
            "folder",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            default=Path("."),
            metavar="DIR",
            help="Folder of the program (default: this one).",
        ),
    ):
        function = option(function)
    return function


_FLAGS = {
    "target": "Only this resource; may be given several times.",
    "exclude": "Leave a resource as it is.",
    "replace": "Make a resource anew.",
    "target-replace": "--target and --replace of one resource.",
    "target-dependents": "And what depends on it.",
    "exclude-dependents": "Nor what depends on it.",
}
_LETTERS = {"target": ("-t",), "exclude": ("-x",)}


def flag_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--target` and its like, as `pulumi up` spells them; the command gets them as `flags`."""
    return _with_flags(function, tuple(_FLAGS))


def destroy_flag_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Those of them that `pulumi destroy` has."""
    return _with_flags(function, ("target", "exclude", "target-dependents"))


def _with_flags(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    @wraps(function)
    def with_flags(*arguments: Any, **values: Any) -> Any:
        from ..gate.flags import bound_flags

        given = [(name, values.pop(name.replace("-", "_"))) for name in names]
        typed = [
            (name, one)
            for name, found in given
            for one in (["true"] if found is True else found or [])
        ]
        return function(*arguments, flags=bound_flags(typed), **values)

    for name in reversed(names):
        declared = (f"--{name}", *_LETTERS.get(name, ()))
        if name.endswith("dependents"):
            option = click.option(*declared, is_flag=True, help=_FLAGS[name])
        else:
            option = click.option(*declared, multiple=True, metavar="URN", help=_FLAGS[name])
        with_flags = option(with_flags)
    return with_flags


def no_refresh_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--refresh` of `pulumi up` and `pulumi destroy`, known in order to be refused with a way."""

    def refuse(_: click.Context, __: click.Parameter, given: bool) -> None:  # click
        if given:
            from ..gate.outer import refresh_beside

            raise refresh_beside("--refresh")

    return click.option(
        "--refresh", "-r", is_flag=True, hidden=True, expose_value=False, callback=refuse
    )(function)


def kind_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--destroy` and its like: which command of Pulumi the plan is of.

    The command gets them as `kind`, `imports` and `edit`, the flag that binds an edit of the state.
    """

    @wraps(function)
    def with_kind(*arguments: Any, **values: Any) -> Any:
        from ..gate.flags import EDITS, edit_flags

        typed = [(name, values.pop(f"state_{name}")) for name in EDITS]
        edits = [edit_flags(name, words) for name, words in typed if words]
        if len(edits) > 1:
            raise UsageError("one plan makes one edit of the state")
        return function(*arguments, edit=edits[0] if edits else (), **values)

    for option in (
        click.option(
            "--state-unprotect",
            multiple=True,
            metavar="URN",
            help="Plan `mandate state unprotect URN`; may be given several times.",
        ),
        click.option(
            "--state-rename",
            nargs=2,
            metavar="URN NAME",
            help="Plan `mandate state rename URN NAME`.",
        ),
        click.option(
            "--state-delete",
            multiple=True,
            metavar="URN",
            help="Plan `mandate state delete URN`; may be given several times.",
        ),
        click.option("--destroy", "kind", flag_value="destroy", help="Plan `pulumi destroy`."),
        click.option("--refresh", "kind", flag_value="refresh", help="Plan `mandate refresh`."),
        click.option(
            "--import",
            "imports",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Plan `mandate import FILE`.",
        ),
        click.option("--up", "kind", flag_value="up", default=True, hidden=True),
    ):
        with_kind = option(with_kind)
    return with_kind


def kind_of(kind: str, imports: Path | None, edit: tuple[str, ...] = ()) -> str:
    """The kind that the options name together. Raises `UsageError` where they name two."""
    given = {"import": imports is not None, "state": bool(edit), kind: kind != "up"}
    named = [name for name, is_given in given.items() if is_given]
    if len(named) > 1:
        raise UsageError(f"--{named[0]} and --{named[1]} are two plans, not one")
    return named[0] if named else kind


def window_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--valid-for` and `--salt`: parts of a plan that nobody can read off the program."""
    for option in (
        click.option(
            "--salt",
            metavar="0x…",
            help="32 bytes; random by default, so that a change can be approved twice.",
        ),
        click.option(
            "--valid-for",
            "window",
            type=DurationType(),
            default=DEFAULT_WINDOW,
            show_default=True,
            metavar="SPAN",
            help="The mandate ends this long after now, chain time.",
        ),
    ):
        function = option(function)
    return function


def override_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--override`: a question to voters, so a new one with each proposal."""
    return click.option(
        "--override",
        "overrides",
        multiple=True,
        metavar="CHECK=REASON",
        help="Ask voters to accept a check that failed; the plan is then high.",
    )(function)


def emergency_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--emergency` and `--reason`: said on purpose, and part of the plan hash."""
    for option in (
        click.option("--reason", metavar="TEXT", help="With --emergency: why it cannot wait."),
        click.option(
            "--emergency",
            "incident",
            metavar="INCIDENT",
            help="For the council to declare, without a vote; it owes a ratification for it.",
        ),
    ):
        function = option(function)
    return function


def emergency_of(incident: str | None, reason: str | None) -> tuple[str, str] | None:
    """What the two options say together. Raises `UsageError`."""
    from ..plan.assessment import INCIDENT, is_text

    if incident is None and reason is None:
        return None
    if incident is None or not is_text(reason):
        raise UsageError(
            "an emergency needs --emergency INCIDENT and --reason TEXT",
            meaning="The reason is one line of at most 500 characters; both stay on record.",
        )
    if not INCIDENT.fullmatch(incident):
        raise UsageError(
            f"{incident!r} is no name of an incident",
            meaning="It is at most 31 letters, digits, dots, dashes and underscores.",
        )
    return incident, str(reason)


def new_salt(text: str | None) -> Digest:
    """The given salt, or 32 random bytes. Raises `UsageError`."""
    if text is None:
        return Digest(secrets.token_bytes(32))
    try:
        return digest(text)
    except ValueError as error:
        raise UsageError(f"--salt: {error}") from None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a proposer decides, beside what the program wants."""

    proposer: Address
    window: tuple[int, int]
    """Not before, expires at; chain time in seconds."""
    salt: Digest
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Why voters should accept a check that failed, by its id."""
    again: bool = False
    """Whether the plan is only made to be compared with one that was proposed."""
    clears: Digest = NO_CLEARS
    """The obligation that the plan is to cure."""
    emergency: tuple[str, str] | None = None
    """The incident and why it cannot wait; None: the rules choose the tier."""


def own_terms(
    session: Session,
    *,
    window: int,
    salt: str | None,
    overrides: Sequence[str] = (),
    emergency: tuple[str, str] | None = None,
) -> Terms:
    """Those of this command's account, from now on. Raises `UsageError`, `ChainError`."""
    reasons = dict(map(_override, overrides))
    now = session.client.now()
    ends, proposer = (now, now + window), session.account.address
    return Terms(proposer, ends, new_salt(salt), reasons, emergency=emergency)


def _override(text: str) -> tuple[str, str]:
    name, equals, reason = text.partition("=")
    if not name or not equals or not reason.strip():
        raise UsageError("--override is CHECK=REASON", next_step="mandate preview")
    return name, reason.strip()


def build_plan(
    session: Session, program: ProgramChoice, terms: Terms, *, kind: str = "up"
) -> Document:
    """Preview the program and make its canonical document; `kind` is the command's.

    Raises `EmptyPlan`, `Refused` for a program that is not governed, `EngineError`.
    """
    from ..gate.prepare import prepare_plan
    from ..gate.source import last_completed

    return prepare_plan(
        program.place(),
        session.trust,
        proposer=terms.proposer,
        window=terms.window,
        salt=terms.salt,
        kind=kind,
        completed=lambda subject: last_completed(session.registry, session.store, subject),
        rules=session.machine.rules_of,
        overrides=terms.overrides,
        emergency=terms.emergency,
        again=terms.again,
        clears=terms.clears,
    )


def selected_stack(program: ProgramChoice) -> str:
    """The named stack, or the one that is selected in the program's folder.

    Raises `EngineError`, `UsageError` where none is selected.
    """
    if program.stack is not None:
        return program.stack
    from ..gate.engine import run_engine

    name = run_engine(["stack", "--show-name"], program.folder.resolve()).strip()
    if not name:
        raise UsageError("no stack is selected", next_step="add --stack NAME")
    return name
