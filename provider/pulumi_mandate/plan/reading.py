"""The plan as people read it: one model of lines, which each renderer writes in its own way.

Made from a document's content and from nothing else. Every text in it is printable ASCII, and
every value is quoted, so that nothing can move the cursor, hide, or imitate our own words; what
remains for a renderer is to escape for its target. All of the document is in it, in an order that
puts first what cannot be undone.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi_mandate.models import Tier, keccak, to_hex

from .canonical import JSON, canonical_bytes
from .document import Document, order
from .inverse import changes_of, inverse
from .markers import KEY, is_marker, is_unknown

Operation = dict[str, Any]

_TITLE = {
    "up": "Plan for",
    "destroy": "Plan to destroy",
    "refresh": "Plan to refresh the state of",
    "import": "Plan to import into",
    "state": "Plan to edit the state of",
}
_FIRST = ("delete", "delete-replaced", "abandon", "forget", "replace", "create-replacement")
_SIGN = {
    "create": "+",
    "update": "~",
    "delete": "-",
    "delete-replaced": "-",
    "abandon": "!",
    "create-replacement": "+",
    "metadata": "=",
    "read": ">",
    "import": "+",
    "refresh": "<",
    "forget": "!",
}
_ABSENT = object()
_NEEDS = {"dependencies": "depends on", "propertyDependencies": "source of inputs"}
_ANSWER = "(what the provider answers)"
_MANY = 20
"""A list of the plan's circumstances that is longer is folded: counted, with its digest."""
_TOLD = frozenset(
    {
        "kind",
        "operations",
        "effectRoot",
        "tier",
        "unknowns",
        "sensitive",
        "window",
        "subject",
        "source",
        "checks",
        "rollback",
    }
)
"""Parts that have lines of their own; every other part is told leaf by leaf."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_:.$/@-]+", re.ASCII)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_:$/@-]+", re.ASCII)


class Change(enum.Enum):
    """What a line says."""

    FACT = "fact"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Line:
    """One fact, or one value before and after."""

    name: str
    after: str | None
    before: str | None = None
    change: Change = Change.FACT
    items: tuple[str, ...] = ()
    """Where `after` only counts them: the values themselves."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation."""

    index: int
    """Its place in the document: the index of its leaf."""
    sign: str
    op: str
    urn: str
    tier: str
    rule: str
    loss: str | None
    """Why it cannot be undone, where it cannot."""
    lines: tuple[Line, ...]
    """Facts and what differs."""
    same: tuple[Line, ...]
    """Inputs, options and outputs that stay as they are."""

    @property
    def risky(self) -> bool:
        """Whether it takes something away."""
        return self.op in _FIRST

    @property
    def title(self) -> str:
        return f"{self.sign} {self.op} {self.urn} [{self.tier}: {self.rule}]"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of the program."""

    title: str
    lines: tuple[str, ...]
    """The diff, line by line; none where the content is withheld or only the mode changed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The whole plan, in reading order."""

    title: str
    head: tuple[Line, ...]
    entries: tuple[Entry, ...]
    losses: tuple[str, ...]
    unknowns: tuple[str, ...]
    files: tuple[FileChange, ...]
    """How the program's source changed; empty also where the plan does not say."""
    rest: tuple[Line, ...]
    """What the plan depends on: program, toolchain, configuration, rules and so on."""


def read_plan(document: Document) -> Reading:
    """The readable model of a document."""
    content = document.content
    losses = {(e["urn"], e["op"]): e["reason"] for e in content["rollback"]["irreversible"]}
    places = {order(operation): index for index, operation in enumerate(document.operations)}
    return Reading(
        title=f"{_TITLE[content['kind']]} {named(str(document.subject))}: "
        f"{len(document.operations)} operations",
        head=tuple(_head(document)),
        entries=tuple(
            _entry(places[order(operation)], operation, losses)
            for operation in in_reading_order(document)
        ),
        losses=tuple(
            f"{entry['op']} {named(entry['urn'])}: {ascii_only(entry['reason'])}"
            for entry in content["rollback"]["irreversible"]
        ),
        unknowns=tuple(_unknown(entry) for entry in content["unknowns"]),
        files=tuple(_file(change) for change in (content["source"] or {}).get("changes", ())),
        rest=tuple(_rest(content)),
    )


def in_reading_order(document: Document) -> list[Operation]:
    """What takes something away first, then what else cannot be undone, then by tier, then as in
    the document."""
    lost = {(entry["urn"], entry["op"]) for entry in document.content["rollback"]["irreversible"]}
    return sorted(
        document.operations,
        key=lambda operation: (
            _FIRST.index(operation["op"]) if operation["op"] in _FIRST else len(_FIRST),
            (operation["urn"], operation["op"]) not in lost,
            -operation["tier"],
        ),
    )


def quoted(value: JSON) -> str:
    """A value as one line of ASCII: markers in words, everything else as quoted JSON."""
    if is_unknown(value):
        return "(known only while it runs" + (", secret)" if value["secret"] else ")")
    if is_marker(value, "auto-name"):
        return f"({named(value['prefix'])} and {named(value['drawn'])}, drawn when it is made)"
    if is_marker(value, "secret"):
        return f"(secret, {named(value['commitment'])})"
    if is_marker(value, "asset") and value["hash"] and not value["path"] and not value["entries"]:
        return f"({'archive' if value['archive'] else 'file'} {named(value['hash'])})"
    if is_marker(value, "provider-code"):
        return (
            f"(code of {named(value['module'])}, class {named(value['class'])}, "
            f"package {named(value['package'])}, {named(value['code'])})"
        )
    return ascii_only(canonical_bytes(value).decode())


def named(text: str) -> str:
    """A name as it is where nothing in it could imitate our own words; else quoted."""
    return text if _PLAIN_NAME.fullmatch(text) else quoted(text)


def ascii_only(text: str) -> str:
    """Escape everything that is not printable ASCII, as Python's own literals do."""
    return "".join(
        char if " " <= char <= "~" else char.encode("unicode_escape").decode() for char in text
    )


def _head(document: Document) -> Iterator[Line]:
    content, operations = document.content, document.operations
    counts: dict[str, int] = {}
    for operation in operations:
        counts[operation["op"]] = counts.get(operation["op"], 0) + 1
    yield Line("operations", ", ".join(f"{count} {op}" for op, count in sorted(counts.items())))
    tier = Tier(content["tier"]["tier"]).name.lower()
    yield Line("tier", f"{tier} (rule {named(content['tier']['rule'])})")
    for rule, reason in sorted(content["tier"]["reasons"].items()):
        yield Line(f"why {named(rule)}", quoted(reason))
    for check in content["checks"]:
        yield from _check(check)
    yield Line("undoing it takes", _undoing(operations))
    yield Line("cannot be undone", str(len(content["rollback"]["irreversible"])))
    yield Line("known only while it runs", str(len(content["unknowns"])))
    if content["sensitive"]:
        refused = ", ".join(quoted(glob) for glob in content["sensitive"])
        yield Line("what is unknown as a whole may hold nothing named", refused)
    subject = content["subject"]
    for part in ("organisation", "project", "stack", "backend"):
        yield Line(part, named(subject[part]))
    yield Line("not before", _time(content["window"]["notBefore"]))
    yield Line("expires at", _time(content["window"]["expiresAt"]))
    yield Line("effect root", content["effectRoot"])
    yield Line("source", _source(content["source"]))


def _undoing(operations: list[Operation]) -> str:
    words = Counter(change.word for change in inverse(changes_of(operations)))
    return ", ".join(f"{count} {word}" for word, count in sorted(words.items())) or "nothing"


def _source(source: dict[str, Any] | None) -> str:
    if source is None:
        return "the plan does not show how it changed"
    count = len(source["changes"])
    since = source["since"] or "the beginning: no plan was completed yet"
    return f"{count} files changed since {since} (texts {source['content']})"


def _file(change: dict[str, Any]) -> FileChange:
    title = f"{change['change']} {named(change['path'])}"
    before, after = change["before"], change["after"]
    if before and after and before[0] != after[0]:
        title += f", {named(before[0])} -> {named(after[0])}"
    elif (after or before)[0] != "file":
        title += f", {named((after or before)[0])}"
    if change["withheld"] is not None:
        digests = " -> ".join(named(side[1]) for side in (before, after) if side)
        return FileChange(f"{title}: not shown, {ascii_only(change['withheld'])}; {digests}", ())
    lines = change["diff"].split("\n")
    if not lines[-1]:  # what ends with a line feed has no line after it
        lines.pop()
    return FileChange(title, tuple(ascii_only(line) for line in lines))


def _check(check: dict[str, Any]) -> Iterator[Line]:
    """A verdict, what was measured, and each finding; an override before all of them."""
    name = named(check["id"])
    if check["override"] is not None:
        reason = quoted(check["override"])
        yield Line(f"check {name}", f"FAILED, and voters are asked to accept it because {reason}")
    weight = "mandatory" if check["mandatory"] else "not mandatory"
    made = f"version {named(check['version'])}, settings {named(check['digest'])}"
    yield Line(f"check {name}", f"{named(check['verdict'])} ({weight}, {made})")
    for measure, value in sorted(check["measures"].items()):
        yield Line(f"check {name} measured {named(measure)}", quoted(value))
    for finding in check["findings"]:
        about = f" ({named(finding['urn'])})" if finding["urn"] else ""
        yield Line(f"check {name} found", f"{quoted(finding['message'])}{about}")


def _entry(index: int, operation: Operation, losses: dict[tuple[str, str], str]) -> Entry:
    lines = list(_body(operation))
    loss = losses.get((operation["urn"], operation["op"]))
    return Entry(
        index=index,
        sign=_SIGN.get(operation["op"], "*"),
        op=operation["op"],
        urn=named(operation["urn"]),
        tier=Tier(operation["tier"]).name.lower(),
        rule=named(operation["rule"]),
        loss=ascii_only(loss) if loss is not None else None,
        lines=tuple(line for line in lines if line.change is not Change.SAME),
        same=tuple(line for line in lines if line.change is Change.SAME),
    )


def _body(operation: Operation) -> Iterator[Line]:
    if _type_of(operation["urn"]) != operation["type"]:
        yield Line("type", quoted(operation["type"]))
    if operation["id"] is not None:
        yield Line("physical id", quoted(operation["id"]))
    if operation["replaceKeys"]:
        yield Line("replaced because of", quoted(operation["replaceKeys"]))
    for side in ("provider", "options"):
        yield from _changes(side, *_sides(operation[side]))
    before, after = operation["before"] or {}, operation["after"] or {}
    for part in sorted({"inputs", "outputs", *before, *after}):
        if operation["after"] is not None and part == "outputs" and part not in after:
            if part in before:  # a provider's answer: it has no "after" to show
                yield Line(part, _ANSWER, quoted(before[part]), Change.CHANGED)
            continue
        yield from _changes(part, before.get(part, _ABSENT), after.get(part, _ABSENT))
    for part, name in _NEEDS.items():
        if any(operation[part].values()):
            yield from _changes(name, *_sides(operation[part]))


def _sides(pair: dict[str, Any]) -> tuple[Any, Any]:
    before, after = (_ABSENT if pair[s] is None else pair[s] for s in ("before", "after"))
    return before, after


def _changes(path: str, before: Any, after: Any) -> Iterator[Line]:
    """One line per leaf; a whole line for what appears or goes."""
    if before is _ABSENT and after is _ABSENT:
        return
    left, right = _plain(before), _plain(after)
    if (left is not None or before is _ABSENT) and (right is not None or after is _ABSENT):
        for key in sorted((left or {}).keys() | (right or {}).keys()):
            yield from _changes(
                f"{path}.{_key(key)}",
                (left or {}).get(key, _ABSENT),
                (right or {}).get(key, _ABSENT),
            )
        if left or right:
            return
    if before is _ABSENT:
        yield Line(path, quoted(after), None, Change.ADDED)
    elif after is _ABSENT:
        yield Line(path, None, quoted(before), Change.REMOVED)
    else:
        same = canonical_bytes(before) == canonical_bytes(after)
        yield Line(path, quoted(after), quoted(before), Change.SAME if same else Change.CHANGED)


def _rest(content: dict[str, Any]) -> Iterator[Line]:
    for part in sorted(content.keys() - _TOLD):
        yield from _leaves(part, content[part])


def _leaves(path: str, value: JSON) -> Iterator[Line]:
    """A value that has no before: a line per leaf, and one per item of a short list."""
    inside = _plain(value)
    if inside:
        for key in sorted(inside):
            yield from _leaves(f"{path}.{_key(key)}", inside[key])
    elif isinstance(value, list) and len(value) > _MANY:
        digest = to_hex(keccak(canonical_bytes(value)))
        yield Line(path, f"{len(value)} items, {digest}", items=tuple(map(quoted, value)))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield Line(f"{path}.{index}", quoted(item))
    else:
        yield Line(path, quoted(value))


def _type_of(urn: str) -> str:
    """`a:b:C` of `urn:pulumi:stack::project::parent$a:b:C::name`."""
    return ("::".join(urn.split("::")[2:3])).rpartition("$")[2]


def _plain(value: Any) -> dict[str, JSON] | None:
    return value if isinstance(value, dict) and KEY not in value else None


def _key(key: str) -> str:
    """A key as a step of a path: one that holds the path's own dot is quoted."""
    return key if _PLAIN_KEY.fullmatch(key) else quoted(key)


def _unknown(entry: dict[str, Any]) -> str:
    path = ".".join(_key(step) for step in entry["path"])
    sources = ", ".join(named(urn) for urn in entry["from"]) or "not recorded"
    told = f"{entry['op']} {named(entry['urn'])} {path} (from {sources})"
    return f"{told}, and then {_constraint(entry['constraint'])}"


def _constraint(constraint: dict[str, JSON] | None) -> str:
    if constraint is None:
        return "whatever it is"
    (name, value), *_ = constraint.items()
    words = {"equals": "exactly", "oneOf": "one of", "pattern": "matching"}
    return f"{words[name]} {quoted(value)}, or it is refused"


def _time(seconds: int) -> str:
    """Chain time for people. By arithmetic, because the plan's layer knows no clock.

    Source: http://howardhinnant.github.io/date_algorithms.html, `civil_from_days`.
    """
    days, rest = divmod(seconds, 86400)
    era, day_of_era = divmod(days + 719468, 146097)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    hours, minutes = rest // 3600, rest // 60 % 60
    return f"{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{rest % 60:02} UTC ({seconds})"
