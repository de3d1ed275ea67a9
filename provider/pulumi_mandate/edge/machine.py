"""Where inboxes, marks and keys are on this machine. A program cannot say it, only the machine can.

| variable | default below `$MANDATE_HOME/edge` |
|---|---|
| `MANDATE_EDGE_INBOXES` | `inboxes/` |
| `MANDATE_EDGE_MARKS` | `marks/` |
| `MANDATE_EDGE_KEY` | `signing-key.pem` |
| `MANDATE_EDGE_TRUSTED` | `trusted/` (public keys; one file or a folder) |
| `MANDATE_EDGE_THRESHOLD` | 1 |

`$MANDATE_HOME` is `pulumi-mandate` below `$XDG_STATE_HOME` or `~/.local/state` unless it is set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi_mandate.errors import UsageError

from .inbox import Inbox
from .keys import SigningKey, load_trusted_keys


@dataclass(frozen=True, slots=True)
class EdgeMachine:
    """Paths and the threshold; nothing is opened before it is needed."""

    inboxes: Path
    marks: Path
    key: Path
    trusted: Path
    threshold: int = 1

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> EdgeMachine:
        """Read the variables of the table above.

        Raises `UsageError`, also where the marks lie inside the inboxes: what can be rolled back
        there must not roll back the memory of it.
        """
        found = os.environ if environment is None else environment
        state = Path(found.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        home = Path(found.get("MANDATE_HOME") or state / "pulumi-mandate") / "edge"
        machine = cls(
            _path(found, "MANDATE_EDGE_INBOXES", home / "inboxes"),
            _path(found, "MANDATE_EDGE_MARKS", home / "marks"),
            _path(found, "MANDATE_EDGE_KEY", home / "signing-key.pem"),
            _path(found, "MANDATE_EDGE_TRUSTED", home / "trusted"),
            _threshold(found.get("MANDATE_EDGE_THRESHOLD") or "1"),
        )
        if machine.marks.resolve().is_relative_to(machine.inboxes.resolve()):
            raise UsageError(
                "MANDATE_EDGE_MARKS lies inside MANDATE_EDGE_INBOXES",
                meaning="Whoever restores an old inbox would restore its memory with it.",
                next_step="keep the marks in a folder that the inbox's writers cannot write",
            )
        return machine

    def inbox(self, name: str) -> Inbox:
        """Open one inbox. Raises `UsageError`, `SignerError` where no trusted key is found."""
        return Inbox(
            self.inboxes, name, self.marks, load_trusted_keys(self.trusted), self.threshold
        )

    def signing_key(self) -> SigningKey:
        """Raises `SignerError`."""
        return SigningKey.load(self.key)


def _path(found: Mapping[str, str], name: str, default: Path) -> Path:
    path = Path(found.get(name) or default)
    if not path.is_absolute():
        raise UsageError(
            f"{name} is not an absolute path", meaning="It must not depend on a folder."
        )
    return path


def _threshold(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError("MANDATE_EDGE_THRESHOLD is not a whole number of at least 1")
    return int(text)
