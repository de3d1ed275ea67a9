"""What a command says: one answer on standard output, progress on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

import click

from ..errors import MandateError

_GREEN, _RED, _YELLOW = "green", "red", "yellow"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one command: the same facts for a machine and for a person."""

    data: Mapping[str, Any]
    """Printed by `--json`. Keys are stable, camelCase; digests and addresses are 0x strings."""
    text: str
    """Printed otherwise. No trailing newline."""
    exit_code: int = 0
    """Not 0 where the facts themselves are a refusal (`trace` with a broken link)."""


@dataclass(frozen=True, slots=True)
class Style:
    """Colours, or none."""

    colour: bool = False

    def _paint(self, text: str, **how: Any) -> str:
        return click.style(text, **how) if self.colour else text

    def good(self, text: str) -> str:
        return self._paint(text, fg=_GREEN)

    def bad(self, text: str) -> str:
        return self._paint(text, fg=_RED, bold=True)

    def warn(self, text: str) -> str:
        return self._paint(text, fg=_YELLOW)

    def quiet(self, text: str) -> str:
        return self._paint(text, dim=True)

    def strong(self, text: str) -> str:
        return self._paint(text, bold=True)


def wants_colour(stream: TextIO) -> bool:
    """Only on a terminal that can, and never against https://no-color.org."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def to_json(data: Mapping[str, Any]) -> str:
    """Two-space JSON in the order that the command chose.

    Raises `TypeError` for a value that is not JSON: a command that leaks an object is a defect.
    """
    import json

    return json.dumps(data, indent=2, ensure_ascii=False)


def print_answer(answer: Answer, *, as_json: bool) -> None:
    """Write the answer to standard output."""
    print(to_json(answer.data) if as_json else answer.text, flush=True)


def print_error(error: MandateError, *, as_json: bool) -> None:
    """JSON goes to standard output, where the reader of `--json` looks; text to standard error."""
    if as_json:
        print(to_json(error.as_dict()), flush=True)
        return
    style = Style(wants_colour(sys.stderr))
    first, _, rest = error.diagnostics().partition("\n")
    print(style.bad("error:"), first, file=sys.stderr)
    if rest:
        print(rest, file=sys.stderr)


def progress(message: str) -> None:
    """Tell a waiting person what is awaited; never part of the answer."""
    style = Style(wants_colour(sys.stderr))
    print(style.quiet(f"… {message}"), file=sys.stderr, flush=True)
