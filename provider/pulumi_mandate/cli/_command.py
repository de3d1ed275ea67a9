"""What every subcommand has: `--json`, `--trust`, `--as` where it signs, and help that teaches."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._output import Answer, Style

if TYPE_CHECKING:
    from ._session import Session

Callback = Callable[..., Answer]


@dataclass
class Call:
    """One invocation: the options that every command takes. Passed as click's `obj`."""

    as_json: bool = False
    trust_file: Path | None = None
    account: str | None = None
    style: Style = field(default_factory=Style)

    _session: Session | None = None

    @property
    def session(self) -> Session:
        """Trust file, chain, store and keys, each opened when it is first used."""
        if self._session is None:
            from ._session import Session

            self._session = Session(self.trust_file, self.account)
        return self._session


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None and value is not False:
        setattr(context.ensure_object(Call), str(parameter.name), value)


def _json_option() -> click.Option:
    return click.Option(
        ["--json", "as_json"],
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Print one JSON object, for errors too.",
    )


def _trust_option() -> click.Option:
    return click.Option(
        ["--trust", "trust_file"],
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        expose_value=False,
        callback=_remember,
        help="Trust file of this machine (or MANDATE_TRUST).",
    )


def _account_option() -> click.Option:
    return click.Option(
        ["--as", "account"],
        metavar="NAME",
        expose_value=False,
        callback=_remember,
        help="The account of the trust file that signs (or MANDATE_AS).",
    )


def _write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    with formatter.section("Examples"):
        for example in examples:
            formatter.write(" " * formatter.current_indent + "$ " + example + "\n")


class TeachingCommand(click.Command):
    """A command whose help shows how it is used."""

    def __init__(
        self, *arguments: Any, examples: Sequence[str], signs: bool = False, **keywords: Any
    ) -> None:
        super().__init__(*arguments, **keywords)
        self.examples = tuple(examples)
        if signs:
            self.params.append(_account_option())
        self.params += [_trust_option(), _json_option()]

    def under(self, group: str) -> TeachingCommand:
        """This very command in a second group; only its examples name that one."""
        again = copy.copy(self)
        again.examples = tuple(
            " ".join(("mandate", group, *example.split(" ")[2:])) for example in self.examples
        )
        return again

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        _write_examples(formatter, self.examples)


class TeachingGroup(click.Group):
    """A group whose help lists its commands in the order in which people need them."""

    def __init__(self, *arguments: Any, examples: Sequence[str], **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.examples = tuple(examples)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(formatter, self.examples)
        if self.epilog:
            formatter.write(f"\n{self.epilog}\n")


def command(
    name: str, summary: str, *, examples: Sequence[str], signs: bool = False
) -> Callable[[Callback], TeachingCommand]:
    """Make a function that returns an `Answer` a subcommand; the function gets the `Call` first.

    `summary` is its line in the list of commands; `signs` adds `--as NAME`.
    """

    def decorate(callback: Callback) -> TeachingCommand:
        return click.command(
            name, cls=TeachingCommand, short_help=summary, examples=examples, signs=signs
        )(click.pass_obj(callback))

    return decorate
