"""What the person typed: the `pulumi` command above us, read flag by flag against an allow-list.

The whole-plan check previews the stack again, so it must see exactly what the update will do. A
flag that changes meaning on the outer command only (`--config-file`, `--refresh` …) would make the
preview lie, and nothing tells the program about it; so a flag that is not in the table refuses.
What a plan can bind (`--target` and its like, see `flags`) the preview gets too. The syntax is
pflag's:
https://pkg.go.dev/github.com/spf13/pflag#hdr-Command_line_flag_syntax
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from pulumi_mandate.errors import Refused

from .flags import NAMING, OF_A_DESTROY, SWITCHES, bound_flags

STEP = 1


class Takes(enum.Enum):
    """What may follow a flag."""

    SWITCH = "nothing, or =true and =false"
    VALUE = "a value, after = or as the next word"
    OPTIONAL = "nothing, or a value after ="


_LONG = {
    # who and where; the nested preview gets the same stack and directory
    "stack": Takes.VALUE,
    "cwd": Takes.VALUE,
    # asked or not asked
    "yes": Takes.SWITCH,
    "skip-preview": Takes.SWITCH,
    "non-interactive": Takes.SWITCH,
    "expect-no-changes": Takes.SWITCH,
    # how many at once; the order within a plan is not bound
    "parallel": Takes.VALUE,
    # what is shown and written down
    "color": Takes.VALUE,
    "emoji": Takes.SWITCH,
    "message": Takes.VALUE,
    "json": Takes.SWITCH,
    "diff": Takes.SWITCH,
    "debug": Takes.SWITCH,
    "urns": Takes.SWITCH,
    "fully-qualify-stack-names": Takes.SWITCH,
    "show-config": Takes.SWITCH,
    "show-full-output": Takes.SWITCH,
    "show-reads": Takes.SWITCH,
    "show-replacement-steps": Takes.SWITCH,
    "show-sames": Takes.SWITCH,
    "show-secrets": Takes.SWITCH,
    "suppress-outputs": Takes.SWITCH,
    "suppress-permalink": Takes.OPTIONAL,
    "suppress-progress": Takes.SWITCH,
    "logflow": Takes.SWITCH,
    "logtostderr": Takes.SWITCH,
    "verbose": Takes.VALUE,
    "event-log": Takes.VALUE,
    # what a plan of an update binds, and a destroy's in part
    **dict.fromkeys(NAMING, Takes.VALUE),
    **dict.fromkeys(SWITCHES, Takes.SWITCH),
    # set by the Automation API; `auto.inline` is refused below
    "exec-kind": Takes.VALUE,
    "exec-agent": Takes.VALUE,
    # of a destroy: its delete hooks are in the program, so the program runs
    "run-program": Takes.SWITCH,
}
_SHORT = {
    "s": "stack",
    "C": "cwd",
    "y": "yes",
    "f": "skip-preview",
    "p": "parallel",
    "e": "emoji",
    "m": "message",
    "j": "json",
    "d": "debug",
    "Q": "fully-qualify-stack-names",
    "v": "verbose",
    "t": "target",
    "x": "exclude",
}
_CHANGES_MEANING = frozenset(
    {
        "attach-debugger", "client", "config", "config-file", "config-path", "continue-on-error",
        "disable-integrity-checking", "ignore-protect",
        "override-env", "plan", "policy-pack", "policy-pack-config", "refresh", "remove",
        "run-program", "secrets-provider", "skip-config-validation",
        "skip-plugin-pre-install", "strict", *NAMING, *SWITCHES,
    }
)  # fmt: skip
"""Known to change what happens, and refused, of a destroy or of both: so that it can be said."""

_KINDS = {
    "up": "up", "update": "up", "preview": "preview", "pre": "preview",
    "destroy": "destroy", "down": "destroy", "dn": "destroy",
}  # fmt: skip
"""Subcommands, with their aliases, that a program may be run by."""


@dataclass(frozen=True, slots=True)
class OuterCommand:
    """One understood command line of the engine."""

    kind: str
    """`up`, `destroy` or `preview`: every other command is refused while it is read."""
    argv: tuple[str, ...]
    """As the kernel has it, the program's name first."""
    options: tuple[tuple[str, str], ...]
    """Long names and values, in the order typed; a switch has the value `true` or `false`."""

    @property
    def flags(self) -> tuple[str, ...]:
        """Those that the plan must bind, in its own form."""
        return bound_flags(self.options)

    def option(self, name: str) -> str | None:
        """The last value given for a long flag."""
        values = [value for key, value in self.options if key == name]
        return values[-1] if values else None


def parse_command(argv: Sequence[str]) -> OuterCommand:
    """Understand a command line completely, or raise `Refused` (step 1).

    A flag outside the table, a flag without its value, a second positional word and a command other
    than `up`, `destroy` and `preview` refuse.
    """
    words = list(argv[1:])
    options: list[tuple[str, str]] = []
    positional: list[str] = []
    while words:
        word = words.pop(0)
        if word == "--":
            positional += words
            break
        if word.startswith("--"):
            options.append(_long(word[2:], words))
        elif word.startswith("-") and word != "-":
            options += _short(word[1:], words)
        else:
            positional.append(word)
            _check_kind(positional)  # before its flags: they are another command's
    if not positional:
        raise Refused(STEP, "the pulumi command above this program has no subcommand")
    _check_kind(positional)
    kind = _KINDS[positional[0]]
    command = OuterCommand(kind=kind, argv=tuple(argv), options=tuple(options))
    if kind != "destroy" and command.option("run-program") is not None:
        raise _unknown("--run-program", "run-program")
    if kind == "destroy":
        for name in dict(options).keys() & ({*NAMING, *SWITCHES} - OF_A_DESTROY):
            raise _unknown(f"--{name}", name)
    if command.option("exec-kind") == "auto.inline":
        raise inline_program()
    return command


def _long(body: str, rest: list[str]) -> tuple[str, str]:
    name, equals, value = body.partition("=")
    takes = _LONG.get(name)
    if takes is None:
        raise _unknown(f"--{name}", name)
    if takes is Takes.VALUE:
        return name, value if equals else _next_word(f"--{name}", rest)
    if takes is Takes.OPTIONAL:
        return name, value if equals else "true"
    return name, _switch(f"--{name}", value) if equals else "true"


def _short(body: str, rest: list[str]) -> list[tuple[str, str]]:
    """`-yf` is two switches, `-sdev`, `-s=dev` and `-s dev` are one flag with a value."""
    found: list[tuple[str, str]] = []
    while body:
        letter, body = body[0], body[1:]
        name = _SHORT.get(letter)
        if name is None:
            raise _unknown(f"-{letter}", {"r": "refresh", "c": "config"}.get(letter))
        if _LONG[name] is Takes.VALUE:
            value = body.removeprefix("=") if body else _next_word(f"-{letter}", rest)
            return [*found, (name, value)]
        if body.startswith("="):
            return [*found, (name, _switch(f"-{letter}", body[1:]))]
        found.append((name, "true"))
    return found


def _next_word(flag: str, rest: list[str]) -> str:
    if not rest:
        raise Refused(STEP, f"`{flag}` of the pulumi command has no value")
    return rest.pop(0)


def _switch(flag: str, value: str) -> str:
    # Go's strconv.ParseBool, which pflag uses
    if value in {"1", "t", "T", "TRUE", "true", "True"}:
        return "true"
    if value in {"0", "f", "F", "FALSE", "false", "False"}:
        return "false"
    raise Refused(STEP, f"`{flag}` of the pulumi command is neither true nor false")


def _check_kind(positional: list[str]) -> None:
    if positional[0] not in _KINDS:
        raise Refused(
            STEP,
            f"`pulumi {positional[0]}` is not gated by this version, so it may not change anything",
            field="command",
            expected="up or destroy",
            found=positional[0],
            meaning="Only the kinds of run that a mandate can name are let through.",
            next_step="put the change into the program, then: mandate propose",
        )
    if len(positional) > 1:
        raise Refused(
            STEP,
            f"`pulumi {positional[0]}` was given a template, which is not the governed program",
            next_step=f"run `pulumi {positional[0]}` in the program's own folder",
        )


def _unknown(flag: str, name: str | None) -> Refused:
    if name == "refresh":
        return refresh_beside(flag)
    if name in _CHANGES_MEANING:
        return Refused(
            STEP,
            f"`{flag}` changes what the update does, and no mandate can say so yet",
            field="flags",
            expected="none that change meaning",
            found=flag,
            meaning="The whole-plan check could not see what this update would do.",
            next_step=f"run the same command without {flag}",
        )
    return Refused(
        STEP,
        f"`{flag}` is not a flag that the gate knows",
        field="flags",
        expected="known flags",
        found=flag,
        meaning="An unknown flag may change what the update does, so it refuses.",
        next_step=f"run the same command without {flag}",
    )


def refresh_beside(flag: str) -> Refused:
    """Why one command does not refresh and change: two plans, so two mandates."""
    return Refused(
        STEP,
        f"`{flag}` changes the state before anything else, and nobody has agreed to that",
        field="flags",
        expected="none",
        found=flag,
        meaning="What a refresh finds is a plan of its own, which people read and vote on.",
        next_step="mandate propose --refresh; after the vote: mandate refresh, and then the same "
        f"command without {flag}",
    )


def inline_program() -> Refused:
    """Why a function of the process that runs it is refused."""
    return Refused(
        STEP,
        "an inline Automation API program is a function in memory, which nobody can vote on",
        meaning="It may be another one in the next process; a file of the checkout is not.",
        next_step="pulumi_mandate.automation.up(stack), which runs it from the checkout",
    )
