"""The terminal, Markdown and the page: each shows every change, and takes no text for markup."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_mandate.console.page import render_page
from pulumi_mandate.plan import summary
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.reading import in_reading_order
from pulumi_mandate.plan.render import render_markdown, render_text
from tests.properties.test_render import CONTENT, document_of
from tests.vectors.documents import DOMAIN

ATTACKS = [
    *("<b>", "</td>", "<!--", "<script>", "</script>", "&lt;", "' onload='", '" x="', "$", "\\"),
    *("```", "~~~", "\n\n", "\n### ", "[a](b)", "![a](b)", "@team", " ", "a", "\r", "\x00", "\x7f"),
    *("\x1b[2K", "\x9b2J", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\U0001f4a1"),
    "\U000e0041",
]
HOSTILE = st.lists(st.sampled_from(ATTACKS), max_size=6).map("".join)
SHOWN = HOSTILE.map(lambda text: text.replace("\0", ""))  # a file with a zero byte is withheld


def tree(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """What may stand in an operation, below names that anybody may have chosen."""
    inner = st.recursive(
        leaves,
        lambda item: st.lists(item, max_size=3) | st.dictionaries(HOSTILE, item, max_size=3),
        max_leaves=8,
    )
    return st.dictionaries(HOSTILE, inner, max_size=4)


NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.sampled_from([1.5, -0.1, 1e21, 5e-324])
SCALARS = HOSTILE | st.none() | st.booleans() | NUMBERS
TELLING = {"secret": "commitment", "asset": "path", "auto-name": "prefix"}
MARKERS = st.sampled_from(
    [{"mandate:v1": "secret", "commitment": "0x" + digit * 64} for digit in "12"]
    + [
        {"mandate:v1": "asset", "archive": False, "hash": None, "path": f"./{n}", "entries": None}
        for n in "12"
    ]
    + [{"mandate:v1": "auto-name", "prefix": f"x{digit}-", "drawn": "hex(7)"} for digit in "12"]
)
SIDES = tree(SCALARS | MARKERS)


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Every scalar by its path; what a marker says is not taken apart."""
    if isinstance(value, dict) and "mandate:v1" not in value:
        return {k: v for key in value for k, v in leaves_of(value[key], (*path, key)).items()}
    if isinstance(value, list):
        pairs = enumerate(value)
        return {k: v for at, item in pairs for k, v in leaves_of(item, (*path, at)).items()}
    return {path: value}


def words(value: Any) -> str:
    """What must be read of a value, in ASCII; written without the code under test."""
    if isinstance(value, dict):
        return str(value[TELLING[value["mandate:v1"]]])
    text = rfc8785.dumps(value).decode()
    return text.encode("ascii", "backslashreplace").decode().replace("\x7f", "\\x7f")


class Shape(HTMLParser):
    """The elements of a page and the names of their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}",))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def sections(document: Document) -> Iterator[tuple[str, list[str]]]:
    """Of each rendering, the part of each operation in reading order."""
    text = render_text(document).split("\n\n")
    markdown = render_markdown(document).split("\n### ")
    assert markdown.pop(1).startswith("Cannot be undone, or known only")
    page = render_page(document, DOMAIN).split('<article class="entry')
    count = len(document.operations)
    yield "text", text[1 : 1 + count]
    yield "markdown", markdown[1 : 1 + count]
    yield "page", [unescape(part.partition("In the bytes")[0]) for part in page[1 : 1 + count]]


@settings(deadline=None)
@given(SIDES, SIDES)
def test_every_changed_value_is_in_all_three_renderings(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    content = copy.deepcopy(CONTENT)
    update, *_ = (one for one in content["operations"] if one["op"] == "update")
    update["before"]["inputs"], update["after"]["inputs"] = before, after
    content["unknowns"] = summary.unknowns(content["operations"])
    content["rollback"] = summary.rollback(content["operations"])
    document = Document.of(content)
    at = in_reading_order(document).index(update)

    old, new = leaves_of(before), leaves_of(after)
    changed = [
        (path, side[path])
        for side, other in ((old, new), (new, old))
        for path in side
        if path not in other or rfc8785.dumps(side[path]) != rfc8785.dumps(other[path])
    ]
    for name, parts in sections(document):
        assert update["urn"] in parts[at], name
        for path, value in changed:
            assert words(value) in parts[at], (name, path, value)
            for key in path:
                plain = words(key).removeprefix('"').removesuffix('"')
                assert type(key) is int or plain in parts[at], (name, path)


@settings(deadline=None)
@given(HOSTILE, st.dictionaries(HOSTILE, HOSTILE, max_size=4), SHOWN)
def test_nothing_typed_becomes_markup(name: str, inputs: dict[str, str], source: str) -> None:
    page = render_page(document_of(name, inputs, source), DOMAIN)
    lines = source.count("\n") * "a\n" + "a"
    honest = document_of("x", dict.fromkeys(map(str, range(len(inputs))), "v"), lines)
    found = Shape(page)

    assert re.fullmatch(r"[\n -~]*", page)
    assert re.fullmatch(r"[\n -~\u201c\u201d]*", "".join(found.texts))  # quotes of our own
    assert found.tags == Shape(render_page(honest, DOMAIN)).tags
