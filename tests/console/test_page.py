"""The page as it is written; `tests/browser` opens it."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape

import pytest

from pulumi_mandate.console.page import SCRIPTS, render_page, static, verifier_script
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.reading import Line, read_plan
from tests.plan.samples import build, creation, facts, made_up, recorded, sourced
from tests.vectors.documents import DOMAIN


def page_of(document: Document) -> str:
    return render_page(document, DOMAIN)


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(build(recorded()))


def test_it_is_plain_ascii_and_the_same_every_time(page: str) -> None:
    assert page.isascii()
    assert page == page_of(build(recorded()))


def test_nothing_is_verified_as_it_is_written(page: str) -> None:
    assert '<body data-state="unchecked">' in page
    assert '<output id="recomputed">not yet</output>' in page
    assert 'data-state="good"' not in page


def test_its_policy_allows_its_own_style_and_script_and_nothing_else(page: str) -> None:
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (script,) = re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL)
    rules = dict(rule.split(" ", 1) for rule in policy[0].replace("&#x27;", "'").split("; "))

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest(style)}'",
        "script-src": f"'sha256-{digest(script)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_it_names_no_other_file(page: str) -> None:
    markup = page.replace(verifier_script(), "")

    assert re.findall(r"""\b(?:src|href)=\S+|url\(|@import""", markup) == ['href="#operations">To']
    assert "://" not in markup


def test_its_script_is_the_tested_files_and_its_imports_are_among_them() -> None:
    for name in SCRIPTS:
        text = static(name)
        assert text.isascii()
        assert "</script" not in text.lower()
        assert "<!--" not in text
        for line in text.splitlines():
            if line.startswith("import "):
                (other,) = re.findall(r'^import \{[^}]*\} from "\./([a-z]+\.js)";$', line)
                assert SCRIPTS.index(other) < SCRIPTS.index(name)
            else:
                assert line in verifier_script()


def test_all_of_the_reading_is_in_it() -> None:
    packages = [{"name": f"p{number}", "version": "1"} for number in range(30)]
    tools = facts().toolchain
    many = {**tools.content, "packages": packages}
    document = build(recorded(), **sourced("a.py", "one\n", "two\n<b>\n"))
    changed = Document.of({**document.content, "toolchain": many})
    page, reading = page_of(changed), read_plan(changed)

    def texts(line: Line) -> list[str]:
        return [text for text in (line.name, line.before, line.after, *line.items) if text]

    lines = [*reading.head, *reading.rest]
    for entry in reading.entries:
        lines += [*entry.lines, *entry.same]
        assert f"{entry.op} {entry.urn}" in page
    wanted = [text for line in lines for text in texts(line)]
    wanted += [*reading.losses, *reading.unknowns]
    wanted += [text for file in reading.files for text in (file.title, *file.lines)]
    assert "+<b>" in wanted
    assert len([line for line in reading.rest if line.items]) == 1
    assert [text for text in wanted if escape(text) not in page] == []


def test_what_cannot_be_undone_stands_first(page: str) -> None:
    ops = re.findall(r"<h3>\S+ ([a-z-]+) ", page)

    assert ops[:4] == ["delete", "delete-replaced", "replace", "create-replacement"]
    assert len(ops) == 11


def test_a_long_value_is_never_cut() -> None:
    assert "x" * 20_000 in page_of(build(creation("x", {"v": "x" * 20_000})))


def test_many_operations_are_all_there() -> None:
    things = {f"t{number}": {"v": number} for number in range(300)}

    assert page_of(build(made_up(things))).count("data-leaf=") == 300 + verifier_script().count(
        "data-leaf="
    )
