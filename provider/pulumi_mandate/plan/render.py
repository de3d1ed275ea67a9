"""The plan for a terminal and for Markdown, written from its model in `reading`. Nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .document import Document
from .reading import Change, Entry, Line, Reading, read_plan

_RED, _YELLOW, _BOLD, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"


def render_text(document: Document, *, colour: bool = False) -> str:
    """For a terminal. Without `colour` the text is printable ASCII and line ends."""
    reading = read_plan(document)
    lines = [reading.title, *map(_text, reading.head)]
    for entry in reading.entries:
        title = entry.title
        if colour:
            title = f"{_RED if entry.risky else _YELLOW}{title}{_PLAIN}"
        lines += ["", title, *(f"    {line}" for line in _body(entry))]
    for file in reading.files:
        lines += ["", f"source {file.title}", *(f"    | {line}" for line in file.lines)]
    lines += ["", *_tail(reading)]
    if colour:
        lines[0] = f"{_BOLD}{lines[0]}{_PLAIN}"
    return "\n".join(lines) + "\n"


def render_markdown(document: Document) -> str:
    """For a proposal or a pull request.

    Whatever is not our own fixed words stands in a code block: escaped in running text, a host
    would still turn it into links and mentions.
    """
    reading = read_plan(document)
    lines = ["## Plan", "", *_block([reading.title, *map(_text, reading.head)])]
    for number, entry in enumerate(reading.entries, 1):
        lines += ["", f"### {number}. {entry.op} ({entry.tier})", ""]
        lines += _block([entry.title, *_body(entry)])
    for file in reading.files:
        lines += ["", "### Source", "", *_block([file.title, *file.lines])]
    lines += ["", "### Also in the plan", "", *_block(_tail(reading))]
    return "\n".join(lines) + "\n"


def _text(line: Line) -> str:
    if line.change is Change.CHANGED:
        return f"{line.name}: {line.before} -> {line.after}"
    if line.change is Change.REMOVED:
        return f"{line.name}: {line.before} -> removed"
    return f"{line.name}: {line.after}" + (" (each: --html or --json)" if line.items else "")


def _body(entry: Entry) -> Iterator[str]:
    if entry.loss is not None:
        yield f"cannot be undone: {entry.loss}"
    yield from map(_text, entry.lines)
    if entry.same:
        yield f"not changed: {len(entry.same)} values (each: --html or --json)"


def _tail(reading: Reading) -> list[str]:
    return [
        *(f"cannot be undone: {loss}" for loss in reading.losses),
        *(f"known only while it runs: {unknown}" for unknown in reading.unknowns),
        *map(_text, reading.rest),
    ]


def _block(body: Sequence[str]) -> list[str]:
    """A fenced block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for line in body for run in _backticks(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *body, fence]


def _backticks(line: str) -> Iterator[str]:
    run = ""
    for char in line + " ":
        if char == "`":
            run += char
        elif run:
            yield run
            run = ""
