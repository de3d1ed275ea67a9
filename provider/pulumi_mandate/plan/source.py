"""The change of the program's source that stands beside its operations: what voters read.

Two programs, each as the list of its files (which its digest binds) and, as far as they may be
shown, their texts. Whoever has both texts computes the same diff again, so a proposer cannot word
it. A file that is not shown is still named, with its digest before and after, and with the reason.
Pure.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import Digest, digest, keccak, to_hex

from .canonical import JSON, canonical_bytes, parse
from .program import ProgramFile, is_side

SCHEMA = "mandate/source/v1"
LONGEST_FILE = 256 * 1024
"""Bytes of one file that is shown. Longer ones are named."""
MOST_LINES = 10_000
"""Of one text: comparing takes, at worst, their square."""
LONGEST_SOURCE = 4 * 1024 * 1024
"""Characters of all texts of one program."""

SECRET = "may hold a secret"  # noqa: S105  # a reason, for people
NOT_TEXT = "not text, or too long"
NOT_KEPT = "no former text to compare with"
WITHHELD = (SECRET, NOT_TEXT, NOT_KEPT)
"""Why a file's change is named and not shown."""

_SECRET_NAMES = re.compile(
    r"(?:^|/)(?:Pulumi\.[^/]+\.ya?ml|\.env[^/]*|[^/]*\.(?:pem|key|p12|pfx|jks|kdbx|tfvars)"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)[^/]*|\.?credentials[^/]*|\.netrc|\.pypirc|\.npmrc"
    r"|kubeconfig[^/]*|[^/]*secret[^/]*)$",
    re.IGNORECASE,
)
_CHANGE_PARTS = frozenset({"path", "change", "before", "after", "diff", "withheld"})
_SOURCE_PARTS = frozenset({"since", "content", "changes"})


@dataclass(frozen=True, slots=True)
class Source:
    """A program's files, and those of its texts that may be shown."""

    files: tuple[ProgramFile, ...]
    texts: Mapping[str, str] = field(repr=False)
    """Path to text. A path that is missing here is withheld."""

    def __post_init__(self) -> None:
        """Every text is the one that the listing names. Raises `InvalidDocument`."""
        listed = {file.path: file.sha256 for file in self.files}
        for path, text in self.texts.items():
            found = hashlib.sha256(text.encode()).hexdigest()
            if listed.get(path) != found:
                raise InvalidDocument(f"the text of {path} is not the one that was digested")

    @property
    def data(self) -> bytes:
        """The texts as canonical bytes: what a store keeps beside the document."""
        return canonical_bytes({"schema": SCHEMA, "texts": dict(self.texts)})

    @property
    def digest(self) -> Digest:
        return keccak(self.data)

    @classmethod
    def load(cls, files: tuple[ProgramFile, ...], data: bytes) -> Source:
        """Read stored texts of these files. Raises `InvalidDocument`."""
        content = parse(data)
        if (
            not isinstance(content, dict)
            or set(content) != {"schema", "texts"}
            or content["schema"] != SCHEMA
            or not isinstance(content["texts"], dict)
            or not all(type(text) is str for text in content["texts"].values())
        ):
            raise InvalidDocument(f"the stored texts are not of the schema {SCHEMA}")
        return cls(files, content["texts"])


@dataclass(frozen=True, slots=True)
class Since:
    """The program that a plan's source is compared with: the one of a completed plan."""

    plan: Digest
    """Its plan hash."""
    source: Source


def may_be_shown(path: str, size: int) -> bool:
    """Decided by name and bytes before the file is read: what may be a secret goes nowhere."""
    return size <= LONGEST_FILE and not _SECRET_NAMES.search(path)


def texts_of(pairs: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """The texts to be shown among (path, content), in order, until `LONGEST_SOURCE` is reached."""
    found: dict[str, str] = {}
    left = LONGEST_SOURCE
    for path, content in pairs:
        text = _as_text(content) if may_be_shown(path, len(content)) else None
        if text is not None and len(text) <= left:
            left -= len(text)
            found[path] = text
    return found


def _as_text(content: bytes) -> str | None:
    """What a person can read; None for anything else."""
    if b"\0" in content or content.count(b"\n") > MOST_LINES:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def source_part(now: Source, since: Since | None) -> dict[str, JSON]:
    """The document's `source`: since when, the digest of the texts, and every changed file."""
    before = since.source if since is not None else Source((), {})
    return {
        "since": to_hex(since.plan) if since is not None else None,
        "content": to_hex(now.digest),
        "changes": _changes(before, now),
    }


def _changes(before: Source, after: Source) -> list[JSON]:
    old = {file.path: file for file in before.files}
    new = {file.path: file for file in after.files}
    return [
        _change(path, old.get(path), new.get(path), before.texts, after.texts)
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def _change(
    path: str,
    old: ProgramFile | None,
    new: ProgramFile | None,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> dict[str, JSON]:
    reason = _why_withheld(path, old, new, before, after)
    shown = None if reason else _diff(before.get(path, ""), after.get(path, ""))
    return {
        "path": path,
        "change": "added" if old is None else "removed" if new is None else "changed",
        "before": [old.mode, old.sha256] if old else None,
        "after": [new.mode, new.sha256] if new else None,
        "diff": shown,
        "withheld": reason,
    }


def _why_withheld(
    path: str,
    old: ProgramFile | None,
    new: ProgramFile | None,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> str | None:
    if _SECRET_NAMES.search(path):
        return SECRET
    if new is not None and path not in after:
        return NOT_TEXT
    return NOT_KEPT if old is not None and path not in before else None


def _diff(before: str, after: str) -> str:
    """As `diff -u` writes it, without its two lines of names."""
    lines = difflib.unified_diff(_lines(before), _lines(after))
    return "".join(_whole(line) for line in list(lines)[2:])


def _lines(text: str) -> list[str]:
    """Split after line feeds and nowhere else, so that no other character can hide one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _whole(line: str) -> str:
    """A last line without a line feed is said to be one by a line that no content can imitate."""
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def check_source(source: Any, files: Sequence[Sequence[str]]) -> None:
    """What a reader can tell of `source` without the texts. Raises `InvalidDocument`.

    Each changed file is named once, in order, and is after the change what the program's listing
    says; where there is nothing to compare with, every file is new.
    """
    _require(isinstance(source, dict) and set(source) == _SOURCE_PARTS, "has not its three parts")
    changes, since = source["changes"], source["since"]
    try:
        digest(source["content"])
        if since is not None:
            digest(since)
    except (TypeError, ValueError):
        raise InvalidDocument("a digest of the source change is not 32 bytes") from None
    _require(isinstance(changes, list), "is not a list of files")
    listed: dict[str, list[str]] = {path: [mode, sha256] for path, mode, sha256 in files}
    for change in changes:
        _check_change(change, listed)
    paths = [change["path"] for change in changes]
    _require(all(a < b for a, b in pairwise(paths)), "is not sorted")
    if since is None:
        new = [change["path"] for change in changes if change["change"] == "added"]
        _require(new == sorted(listed) == paths, "must show every file, as there was none before")


def _check_change(change: Any, listed: Mapping[str, list[str]]) -> None:
    _require(isinstance(change, dict) and set(change) == _CHANGE_PARTS, "has a foreign part")
    path, before, after = change["path"], change["before"], change["after"]
    _require(type(path) is str, "names a file that is not text")
    _require(all(side is None or is_side(side) for side in (before, after)), "has a foreign side")
    _require(before != after, "names a file that does not change")
    kind = "added" if before is None else "removed" if after is None else "changed"
    _require(change["change"] == kind, "calls a change what it is not")
    _require(after == listed.get(path), "disagrees with the program's files")
    shown, reason = change["diff"], change["withheld"]
    _require((shown is None) != (reason is None), "must show a file's change or say why not")
    _require(shown is None or type(shown) is str, "shows something other than text")
    _require(reason is None or reason in WITHHELD, "withholds a file for a reason not known")


def _require(condition: bool, happened: str) -> None:
    if not condition:
        raise InvalidDocument(f"the source change {happened}")
