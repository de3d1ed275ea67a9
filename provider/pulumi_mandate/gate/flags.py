"""What a plan binds of its command line: of `pulumi up` and `pulumi destroy` which part of the
stack and what is made anew, of `pulumi state` the whole edit.

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
EDITS = ("delete", "rename", "unprotect")
"""Of `pulumi state`: those that a plan can say, without options such as `--all` and `--force`."""
_STATE = "--state="
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


def edit_flags(command: str, words: Iterable[str]) -> tuple[str, ...]:
    """The flag that binds one edit of the state: URNs, or of a rename a URN and the new name.

    Raises `UsageError`.
    """
    named = list(words) if command == "rename" else sorted(set(words))
    flags = (_STATE + shlex.join([command, *named]),)
    edit_of(flags)
    return flags


def edit_of(flags: Sequence[str]) -> tuple[str, ...]:
    """The words after `pulumi state`, from what a plan of that kind binds.

    Whoever wrote the plan chose them, so nothing among them may be an option of the engine's.
    Raises `UsageError` where they are not one edit.
    """
    words = _words(flags[0]) if len(flags) == 1 and flags[0].startswith(_STATE) else []
    command, *named = words or [""]
    urns = named[:1] if command == "rename" else named
    if (
        command not in EDITS
        or not urns
        or not all(urn.startswith("urn:pulumi:") for urn in urns)
        or (command == "rename" and (len(named) != 2 or named[1][:1] in {"", "-"}))
    ):
        raise UsageError(
            "an edit of the state is one of: " + ", ".join(EDITS),
            meaning="Each names resources by their URNs; a rename names one, and its new name.",
            next_step="pulumi stack --show-urns",
        )
    return tuple(words)


def _words(flag: str) -> list[str]:
    """As a person types it: an edit in words, any other flag as it is."""
    if not flag.startswith(_STATE):
        return [flag]
    try:
        return shlex.split(flag.removeprefix(_STATE))
    except ValueError:  # no edit of ours: `edit_of` refuses it
        return [flag]


def flags_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The flags that a document's content binds. The other entries are variables."""
    told = (content.get("toolchain") or {}).get("flags") or ()
    return tuple(flag for flag in told if flag.startswith("--"))


def once_done(flags: Sequence[str]) -> tuple[str, ...]:
    """The same part of the stack, and nothing made anew: what an observer previews afterwards."""
    return tuple(flag for flag in flags if not flag.startswith(("--replace=", _STATE)))


def require_kind(kind: str, flags: Sequence[str]) -> None:
    """Raises `UsageError` where the flags are for another kind of plan."""
    known = {"up": {*NAMING, *SWITCHES}, "destroy": OF_A_DESTROY, "state": {"state"}}
    for flag in (flag.partition("=")[0] for flag in flags):
        if flag.removeprefix("--") not in known.get(kind, ()):
            raise UsageError(
                f"{flag} is no flag of a plan of kind {kind}",
                meaning="An update can be about a part of the stack, and so can a destroy; only an "
                "update makes something anew.",
            )
    if kind == "state":
        edit_of(flags)


def typed(command: str, flags: Sequence[str]) -> str:
    """A command with its flags, as a person types it."""
    return shlex.join([*command.split(), *(word for flag in flags for word in _words(flag))])
