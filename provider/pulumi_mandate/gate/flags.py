"""Flags of `pulumi up` and `pulumi destroy` that a plan may bind: which part, what is made anew.

They stand in the document's `toolchain.flags`, after the environment's variables, in one form: a
plan that was voted on with a flag runs with exactly that one, and a whole plan with none.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pulumi_mandate.errors import UsageError

NAMING = ("target", "exclude", "replace", "target-replace")
"""Each names resources, as URNs or with wildcards, and may be given several times."""
SWITCHES = ("target-dependents", "exclude-dependents")
OF_A_DESTROY = frozenset({"target", "exclude", "target-dependents"})
"""Those that `pulumi destroy` has too; a refresh and an import are about the whole stack."""
_SHORTHAND = {"target-replace": ("target", "replace")}


def bound_flags(options: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The flags among long names and values that a plan binds: sorted, each once, `--name=value`.

    `--target-replace` is the engine's shorthand for two; of a switch the last value counts.
    """
    found, switches = set(), {}
    for name, value in options:
        if name in NAMING:
            found |= {f"--{one}={value}" for one in _SHORTHAND.get(name, (name,))}
        elif name in SWITCHES:
            switches[name] = value == "true"
    return tuple(sorted(found | {f"--{name}" for name, is_set in switches.items() if is_set}))


def flags_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The flags that a document's content binds. The other entries are variables."""
    told = (content.get("toolchain") or {}).get("flags") or ()
    return tuple(flag for flag in told if flag.startswith("--"))


def once_done(flags: Sequence[str]) -> tuple[str, ...]:
    """The same part of the stack, and nothing made anew: what an observer previews afterwards."""
    return tuple(flag for flag in flags if not flag.startswith("--replace="))


def require_kind(kind: str, flags: Sequence[str]) -> None:
    """Raises `UsageError` where the flags are for another kind of plan."""
    known = {"up": {*NAMING, *SWITCHES}, "destroy": OF_A_DESTROY}.get(kind, frozenset())
    for flag in (flag.partition("=")[0] for flag in flags):
        if flag.removeprefix("--") not in known:
            raise UsageError(
                f"{flag} is no flag of a plan of kind {kind}",
                meaning="An update can be about a part of the stack, and so can a destroy; only an "
                "update makes something anew.",
            )


def typed(command: str, flags: Sequence[str]) -> str:
    """A command with its flags, as a person types it."""
    return shlex.join([*command.split(), *flags])
