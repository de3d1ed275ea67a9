"""The change of the source: complete, computed and never worded, and silent about secrets."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import keccak, to_hex
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.program import ProgramDigest, ProgramFile
from pulumi_mandate.plan.source import (
    LONGEST_FILE,
    MOST_LINES,
    NOT_KEPT,
    NOT_TEXT,
    SECRET,
    Since,
    Source,
    check_source,
    may_be_shown,
    source_part,
    texts_of,
)

PLAN = keccak(b"the last plan")


def source(**contents: str | bytes) -> Source:
    """A program of these files; `a__py` stands for `a.py`."""
    pairs = [
        (name.replace("__", "."), text.encode() if isinstance(text, str) else text)
        for name, text in sorted(contents.items())
    ]
    files = tuple(
        ProgramFile(path, "file", hashlib.sha256(content).hexdigest()) for path, content in pairs
    )
    return Source(files, texts_of(pairs))


def files_of(program: Source) -> list[list[str]]:
    files: list[list[str]] = ProgramDigest.of(program.files).part(None)["files"]
    return files


def changes(before: Source | None, after: Source) -> list[dict[str, Any]]:
    since = Since(PLAN, before) if before is not None else None
    part = source_part(after, since)
    check_source(part, files_of(after))
    found: list[dict[str, Any]] = part["changes"]
    return found


def test_a_changed_line_is_shown_as_diff_shows_it() -> None:
    (change,) = changes(source(a__py="one\ntwo\n"), source(a__py="one\nthree\n"))

    assert (change["path"], change["change"]) == ("a.py", "changed")
    assert change["diff"] == "@@ -1,2 +1,2 @@\n one\n-two\n+three\n"


def test_only_what_changed_is_named_and_each_kind_is_told() -> None:
    found = changes(
        source(gone__py="x", kept__py="y", moved__py="z\n"),
        source(kept__py="y", moved__py="zz\n", new__py="w\n"),
    )

    kinds = [(change["path"], change["change"]) for change in found]
    assert kinds == [("gone.py", "removed"), ("moved.py", "changed"), ("new.py", "added")]


def test_without_a_completed_plan_every_file_is_new() -> None:
    (change,) = changes(None, source(a__py="one\n"))

    assert (change["change"], change["before"]) == ("added", None)
    assert change["diff"] == "@@ -0,0 +1 @@\n+one\n"


def test_a_missing_last_line_feed_cannot_be_imitated() -> None:
    (without,) = changes(source(a__py=""), source(a__py="x"))
    (typed,) = changes(source(a__py=""), source(a__py="x\n\\ No newline at end of file\n"))

    assert without["diff"] == "@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n"
    assert typed["diff"] == "@@ -0,0 +1,2 @@\n+x\n+\\ No newline at end of file\n"


@pytest.mark.parametrize(
    "path",
    ["Pulumi.prod.yaml", "sub/.env", ".env.local", "tls/server.KEY", "id_ed25519",
     ".aws/credentials", "terraform.tfvars", ".netrc", "kubeconfig", "my-secrets.json"],
)  # fmt: skip
def test_what_may_be_a_secret_is_named_and_not_shown(path: str) -> None:
    before = Source((ProgramFile(path, "file", "00" * 32),), {})
    content = b"password: hunter2"
    after = Source(
        (ProgramFile(path, "file", hashlib.sha256(content).hexdigest()),),
        texts_of([(path, content)]),
    )

    (change,) = changes(before, after)

    assert (change["diff"], change["withheld"]) == (None, SECRET)
    assert b"hunter2" not in after.data + canonical_bytes(change)
    assert not may_be_shown(path, 1)


@pytest.mark.parametrize("path", ["__main__.py", "Pulumi.yaml", "requirements.txt", "lib/keys.py"])
def test_an_ordinary_file_is_shown(path: str) -> None:
    assert may_be_shown(path, 1)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"a\0b", b"x" * (LONGEST_FILE + 1), b"\n" * (MOST_LINES + 1)],
    ids=["not UTF-8", "with a zero", "too long", "too many lines"],
)
def test_what_nobody_reads_is_named_with_its_digests(content: bytes) -> None:
    (change,) = changes(source(a__bin="text\n"), source(a__bin=content))

    assert (change["diff"], change["withheld"]) == (None, NOT_TEXT)
    assert change["after"][1] == hashlib.sha256(content).hexdigest()


def test_a_text_that_was_not_kept_is_no_empty_one() -> None:
    before = Source(source(a__py="one\n").files, {})

    (change,) = changes(before, source(a__py="two\n"))

    assert (change["diff"], change["withheld"]) == (None, NOT_KEPT)


def test_a_changed_mode_is_a_change() -> None:
    after = source(a__sh="x\n")
    (file,) = after.files
    before = Source((ProgramFile(file.path, "executable", file.sha256),), dict(after.texts))

    (change,) = changes(before, after)

    assert (change["before"][0], change["after"][0], change["diff"]) == ("executable", "file", "")


def test_texts_are_those_that_were_digested() -> None:
    kept = source(a__py="one\n")
    assert Source.load(kept.files, kept.data) == kept

    with pytest.raises(InvalidDocument, match="not the one that was digested"):
        Source.load(source(a__py="two\n").files, kept.data)


@pytest.mark.parametrize(
    "data",
    [b"{}", b"[]", b'{"schema":"mandate/source/v1","texts":[]}', b'{"schema":"x","texts":{}}',
     b'{"schema":"mandate/source/v1","texts":{"a.py":1}}'],
)  # fmt: skip
def test_stored_texts_of_another_form_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidDocument):
        Source.load(source(a__py="one\n").files, data)


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *steps, last, value = path

    def change(part: dict[str, Any]) -> None:
        target: Any = part
        for step in steps:
            target = target[step]
        target[last] = value

    return change


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a foreign part": _set("note", "harmless"),
    "a since that is no digest": _set("since", "0x00"),
    "a content that is no digest": _set("content", None),
    "changes that are no list": _set("changes", {}),
    "a file twice": lambda part: part["changes"].append(part["changes"][0]),
    "another order": lambda part: part["changes"].reverse(),
    "another digest than the program's": _set("changes", 0, "after", 1, "00" * 32),
    "a file the program lacks": _set("changes", 0, "path", "0.py"),
    "a removal of what is there": _set("changes", 0, "after", None),
    "a change called otherwise": _set("changes", 0, "change", "added"),
    "neither shown nor withheld": _set("changes", 0, "diff", None),
    "both shown and withheld": _set("changes", 0, "withheld", SECRET),
    "a reason of one's own": lambda part: part["changes"][0].update(diff=None, withheld="dull"),
    "a side that is a word": _set("changes", 0, "before", "x"),
    "no change at all": lambda part: part["changes"][0].update(before=part["changes"][0]["after"]),
    "a beginning that names only some files": _set("since", None),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_change_is_refused(name: str) -> None:
    before, after = source(a__py="1\n", b__py="1\n", c__py="1\n"), source(
        a__py="2\n", b__py="2\n", c__py="1\n"
    )  # fmt: skip
    part = copy.deepcopy(source_part(after, Since(PLAN, before)))
    check_source(part, files_of(after))
    assert part["since"] == to_hex(PLAN)
    FORGERIES[name](part)

    with pytest.raises(InvalidDocument):
        check_source(part, files_of(after))


NAMES = st.sampled_from(["a__py", "b__py", "c__txt"])
TEXTS = st.text(st.sampled_from("ab\n\r\\+- "), max_size=12)


@given(st.dictionaries(NAMES, TEXTS), st.dictionaries(NAMES, TEXTS))
def test_two_programs_differ_where_their_contents_do(
    before: dict[str, str], after: dict[str, str]
) -> None:
    found = {change["path"] for change in changes(source(**before), source(**after))}

    every = before.keys() | after.keys()
    different = {n.replace("__", ".") for n in every if before.get(n) != after.get(n)}
    assert found == different


@given(TEXTS, TEXTS, TEXTS)
def test_two_new_texts_never_show_the_same_diff(old: str, one: str, other: str) -> None:
    (first,) = changes(source(a__py=old), source(a__py=one)) or [{"diff": None}]
    (second,) = changes(source(a__py=old), source(a__py=other)) or [{"diff": None}]

    assert (first["diff"] == second["diff"]) == (one == other)
