"""The plan for people: rendered from a document's content and from nothing else.

Everything is shown, in an order that puts first what cannot be undone. Nothing is cut. Characters
that could move the cursor, hide or imitate text are escaped, and every value is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pulumi_mandate.models import Tier

from .canonical import JSON, canonical_bytes
from .document import Document
from .markers import KEY, is_marker, is_unknown

Operation = dict[str, Any]

_FIRST = ("delete", "delete-replaced", "abandon", "replace", "create-replacement")
_SIGN = {
    "create": "+",
    "update": "~",
    "delete": "-",
    "delete-replaced": "-",
    "abandon": "!",
    "create-replacement": "+",
    "metadata": "=",
    "read": ">",
}
_RED, _YELLOW, _BOLD, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"
_ABSENT = object()
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_:.$/@-]+", re.ASCII)


def render_text(document: Document, *, colour: bool = False) -> str:
    """For a terminal. Without `colour` the text is plain ASCII."""
    lines = list(_head(document))
    for operation in in_reading_order(document.operations):
        title = _title(operation)
        if colour:
            title = f"{_colour_of(operation)}{title}{_PLAIN}"
        lines += ["", title, *(f"    {line}" for line in _body(operation))]
    lines += ["", *_tail(document)]
    if colour:
        lines[0] = f"{_BOLD}{lines[0]}{_PLAIN}"
    return "\n".join(lines) + "\n"


def render_markdown(document: Document) -> str:
    """For a proposal or a pull request; every quoted value is inside a code block."""
    head = list(_head(document))
    lines = [f"## {_markdown(head[0])}", "", *(f"- {_markdown(line)}" for line in head[1:])]
    for operation in in_reading_order(document.operations):
        lines += ["", f"### {_markdown(_title(operation))}", "", *_block(_body(operation))]
    lines += ["", *(f"- {_markdown(line)}" for line in _tail(document) if line)]
    return "\n".join(lines) + "\n"


def in_reading_order(operations: list[Operation]) -> list[Operation]:
    """What cannot be undone first, then by tier, then as in the document."""
    return sorted(
        operations,
        key=lambda operation: (
            _FIRST.index(operation["op"]) if operation["op"] in _FIRST else len(_FIRST),
            -operation["tier"],
        ),
    )


def quoted(value: JSON) -> str:
    """A value as one line of ASCII: markers in words, everything else as quoted JSON."""
    if is_unknown(value):
        return "(known only while it runs" + (", secret)" if value["secret"] else ")")
    if is_marker(value, "secret"):
        return f"(secret, {value['commitment']})"
    if is_marker(value, "asset") and value["hash"]:
        return f"(content {value['hash']})"
    if is_marker(value, "provider-code"):
        return f"(code of {named(value['module'])}, class {named(value['class'])}, {value['code']})"
    return ascii_only(canonical_bytes(value).decode())


def named(text: str) -> str:
    """A name as it is where nothing in it could imitate our own words; else quoted."""
    return text if _PLAIN_NAME.fullmatch(text) else quoted(text)


def ascii_only(text: str) -> str:
    """Escape everything that is not printable ASCII, as Python's own literals do."""
    return "".join(
        char if " " <= char <= "~" else char.encode("unicode_escape").decode() for char in text
    )


def _head(document: Document) -> Iterator[str]:
    content, operations = document.content, document.operations
    yield f"Plan for {named(str(document.subject))}: {len(operations)} operations"
    counts: dict[str, int] = {}
    for operation in operations:
        counts[operation["op"]] = counts.get(operation["op"], 0) + 1
    yield "operations: " + ", ".join(f"{count} {op}" for op, count in sorted(counts.items()))
    tier = Tier(content["tier"]["tier"]).name.lower()
    yield f"tier: {tier} (rule {named(content['tier']['rule'])})"
    yield f"cannot be undone: {len(content['rollback']['irreversible'])}"
    yield f"known only while it runs: {len(content['unknowns'])}"
    yield f"program: {content['program']['digest']}"
    yield f"effect root: {content['effectRoot']}"


def _title(operation: Operation) -> str:
    sign = _SIGN.get(operation["op"], "*")
    tier = Tier(operation["tier"]).name.lower()
    rule = named(operation["rule"])
    return f"{sign} {operation['op']} {named(operation['urn'])} [{tier}: {rule}]"


def _body(operation: Operation) -> Iterator[str]:
    if operation["id"] is not None:
        yield f"physical id: {quoted(operation['id'])}"
    if operation["replaceKeys"]:
        yield f"replaced because of: {quoted(operation['replaceKeys'])}"
    for side in ("provider", "options"):
        pair = operation[side]
        yield from _changes(side, pair["before"], pair["after"])
    before, after = operation["before"] or {}, operation["after"] or {}
    for part in ("inputs", "outputs"):
        if part == "outputs" and part not in after and operation["after"] is not None:
            continue  # a provider's answer: it has no "after" to show
        yield from _changes(part, before.get(part, _ABSENT), after.get(part, _ABSENT))
    if operation["dependencies"]:
        yield f"depends on: {quoted(operation['dependencies'])}"


def _changes(path: str, before: Any, after: Any) -> Iterator[str]:
    """One line per leaf that differs; a whole line for what appears or goes."""
    before = _ABSENT if before is None and path in ("provider", "options") else before
    after = _ABSENT if after is None and path in ("provider", "options") else after
    if before is _ABSENT and after is _ABSENT:
        return
    left, right = _plain(before), _plain(after)
    if (left is not None or before is _ABSENT) and (right is not None or after is _ABSENT):
        for key in sorted((left or {}).keys() | (right or {}).keys()):
            name = f"{path}.{named(key)}"
            yield from _changes(
                name, (left or {}).get(key, _ABSENT), (right or {}).get(key, _ABSENT)
            )
        if not (left or right) and _ABSENT in (before, after):
            yield f"{path}: empty" + (" -> removed" if after is _ABSENT else "")
    elif before is _ABSENT:
        yield f"{path}: {quoted(after)}"
    elif after is _ABSENT:
        yield f"{path}: {quoted(before)} -> removed"
    elif canonical_bytes(before) != canonical_bytes(after):
        yield f"{path}: {quoted(before)} -> {quoted(after)}"


def _plain(value: Any) -> dict[str, JSON] | None:
    return value if isinstance(value, dict) and KEY not in value else None


def _tail(document: Document) -> Iterator[str]:
    for entry in document.content["rollback"]["irreversible"]:
        reason = ascii_only(entry["reason"])
        yield f"cannot be undone: {entry['op']} {named(entry['urn'])}: {reason}"
    for entry in document.content["unknowns"]:
        path = ".".join(named(step) for step in entry["path"])
        sources = ", ".join(named(urn) for urn in entry["from"]) or "not recorded"
        yield f"known only while it runs: {named(entry['urn'])} {path} (from {sources})"


def _colour_of(operation: Operation) -> str:
    return _RED if operation["op"] in _FIRST else _YELLOW


def _block(lines: Iterator[str]) -> list[str]:
    """A fenced block whose fence is longer than any run of backticks inside."""
    body = list(lines) or ["nothing else is recorded"]
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


def _markdown(text: str) -> str:
    """Text outside code: nothing in it may become markup, a link or a mention."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#+-!|~@&" else char for char in text)
