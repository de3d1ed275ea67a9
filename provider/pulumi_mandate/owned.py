"""Files that say whom this machine believes. They belong to it: never to a checkout, or to others.

Whoever can write such a file decides in the machine's name, so its place and its permissions are
looked at each time it is read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pulumi_mandate.errors import Refused, UsageError

_CHECKOUT_MARKS = (".git", ".hg", ".jj", "Pulumi.yaml")


def owned_text(path: Path, what: str, *, meaning: str, absent: str) -> str:
    """The text of such a file. `what` is its name in sentences, `meaning` what its writer decides.

    Raises `UsageError` where it is missing, with `absent` as next step, `Refused` where its place
    or its permissions make it somebody else's.
    """
    try:
        real = path.resolve(strict=True)
    except OSError as error:
        raise UsageError(f"there is no {what} at {path}", meaning=meaning, next_step=absent) from (
            error
        )
    _check_place(real, what, meaning)
    _check_permissions(real, meaning)
    return real.read_text(encoding="utf-8")


def _check_place(real: Path, what: str, meaning: str) -> None:
    for folder in real.parents:
        mark = next((m for m in _CHECKOUT_MARKS if (folder / m).exists()), None)
        if mark is not None:
            raise Refused(
                0,
                f"the {what} {real} lies inside a checkout ({folder} holds {mark})",
                meaning=f"{meaning}, and whoever changes the program could then change it",
                next_step=f"move it out, for example to ~/.config/pulumi-mandate/{real.name}",
            )


def _check_permissions(real: Path, meaning: str) -> None:
    for place in (real, real.parent):
        facts = place.stat()
        others = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if place != real and facts.st_mode & stat.S_ISVTX:
            others = 0  # in a sticky folder others cannot replace our file
        if others or facts.st_uid not in (os.geteuid(), 0):
            raise Refused(
                0,
                f"{place} can be changed by others than you",
                meaning=meaning,
                next_step=f"`chmod go-w {place}`, and own it yourself",
            )
