"""The plan for a terminal and for Markdown, written from its model in `reading`. Nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .document import Document
from .reading import Change, Entry, Line, Reading, read_plan

_RED, _YELLOW, _BOLD, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"


def render_text(document: Document, *, colour: bool = False) -> str:
    """For a terminal. Without `colour` the text is printable ASCII and line ends."""
    reading = read_plan(document)
    lines = [reading.title, *map(_text, reading.head), *_warnings(reading)]
    for entry in reading.entries:
        title = entry.title
        if colour:
            title = f"{_RED if entry.risky else _YELLOW}{title}{_PLAIN}"
        lines += ["", title, *(f"    {line}" for line in _body(entry))]
    for file in reading.files:
        lines += ["", f"source {file.title}", *(f"    | {line}" for line in file.lines)]
    lines += ["", *map(_text, reading.rest)]
    if colour:
        lines[0] = f"{_BOLD}{lines[0]}{_PLAIN}"
    return "\n".join(lines) + "\n"


def render_markdown(document: Document, *, most: int | None = None) -> str:
    """For a proposal or a pull request, of at most so many characters where that is asked.

    Whatever is not our own fixed words stands in a code block: escaped in running text, a host
    would still turn it into links and mentions. What does not fit is left out block by block, and
    the end says how much that is.
    """
    blocks = list(_markdown(read_plan(document)))
    if most is None or sum(map(len, blocks)) <= most:
        return "".join(blocks)
    kept, room = [], most - len(_left_out(blocks, blocks))
    for block in blocks:
        room -= len(block)
        if room < 0:
            break
        kept.append(block)
    return "".join([*kept, _left_out(kept, blocks)])


def _markdown(reading: Reading) -> Iterator[str]:
    yield _section("## Plan", [reading.title, *map(_text, reading.head)])
    if warnings := _warnings(reading):
        yield _section("### Cannot be undone, or known only while it runs", warnings)
    for number, entry in enumerate(reading.entries, 1):
        yield _section(f"### {number}. {entry.op} ({entry.tier})", [entry.title, *_body(entry)])
    for file in reading.files:
        yield _section("### Source", [file.title, *file.lines])
    yield _section("### Also in the plan", [*map(_text, reading.rest)])


def _section(heading: str, body: Sequence[str]) -> str:
    return "\n".join([heading, "", *_block(body), "", ""])


def _left_out(kept: Sequence[str], blocks: Sequence[str]) -> str:
    return f"Cut here, after {len(kept)} of {len(blocks)} parts. All of it: `mandate show`.\n"


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


def _warnings(reading: Reading) -> list[str]:
    """By name, before anything else: also what is cut off at its end begins with them."""
    return [
        *(f"cannot be undone: {loss}" for loss in reading.losses),
        *(f"known only while it runs: {unknown}" for unknown in reading.unknowns),
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
