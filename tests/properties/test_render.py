"""Whatever somebody names or types: voters see all of it, and it stays text."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.reading import read_plan
from pulumi_mandate.plan.render import render_markdown, render_text
from tests.plan.samples import UNKNOWN, build, creation, recorded, secret, sourced
from tests.properties.strategies import OBJECTS, mutated, places

SOURCE = sourced("a.py", "one\n", "two\n")
CONTENT = json.loads(build(recorded(), **SOURCE).data)  # no list of it stands in two places
SHOWN = ("type", "id", "before", "after", "provider", "options", "replaceKeys", "dependencies",
         "propertyDependencies")  # fmt: skip
PLACES = [
    (("operations", index, part), place)
    for index, operation in enumerate(CONTENT["operations"])
    for part in SHOWN
    for place in places(operation[part])
    if place or operation[part] is not None
] + [
    ((part,), place)
    for part in (
        "program",
        "toolchain",
        "config",
        "base",
        "salt",
        "proposer",
        "clears",
        "window",
        "source",
    )
    for place in places(CONTENT[part])
    # Of a file that is shown no reason is given, and its digest is in the list of files.
    if part != "source" or not {"before", "after", "withheld"} & set(place)
]
NASTY = st.text(
    st.sampled_from("`~\\<>&\"'[]()!#*_|$@:/.-\r\n\t\x1b\u202e\u200b aA1💡"), max_size=30
)
OURS = re.compile(
    r"## Plan|### Cannot be undone, or known only while it runs|### Source|### Also in the plan|"
    r"### \d+\. [a-z-]+ \((?:low|medium|high)\)|",
    re.ASCII,
)


def document_of(name: str, inputs: dict[str, Any], source: str = "x") -> Document:
    value = {**inputs, "hidden": secret("s"), "later": UNKNOWN}
    masked = {**inputs, "hidden": "[secret]", "later": UNKNOWN}
    changed = sourced(f"{name}.py", "x\ny\n", f"{source}\ny\n")
    return build(creation(name, *json.loads(json.dumps([value, masked]))), **changed)


def outside_fences(markdown: str) -> list[str]:
    """The lines that a Markdown reader takes for Markdown."""
    outside, fence = [], ""
    for line in markdown.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line.removesuffix("text")
        else:
            outside.append(line)
    assert not fence
    return outside


@given(NASTY, st.dictionaries(NASTY, NASTY, max_size=4), NASTY)
def test_nothing_typed_leaves_its_place(name: str, inputs: dict[str, str], source: str) -> None:
    document = document_of(name, inputs, source)
    text, markdown = render_text(document), render_markdown(document)

    assert re.fullmatch(r"[\n -~]*", text)
    assert re.fullmatch(r"[\n -~]*", markdown)
    assert [line for line in outside_fences(markdown) if not OURS.fullmatch(line)] == []
    lines = source.count("\n") * "a\n" + "a"
    honest = document_of("x", dict.fromkeys(map(str, range(len(inputs))), "v"), lines)
    assert len(text.splitlines()) == len(render_text(honest).splitlines())


@given(OBJECTS)
def test_every_typed_value_is_shown(inputs: dict[str, Any]) -> None:
    text = render_text(document_of("x", inputs))

    for value in inputs.values():
        if type(value) in (str, bool, int) and re.fullmatch(r"[ -~]*", str(value)):
            assert json.dumps(value) in text


def test_every_change_of_the_plan_is_visible() -> None:
    honest = read_plan(Document(b"", CONTENT))
    hidden = []
    for outer, inner in PLACES:
        content = copy.deepcopy(CONTENT)
        *path, last = (*outer, *inner)
        target: Any = content
        for step in path:
            target = target[step]
        target[last] = mutated(target[last])
        if read_plan(Document(b"", content)) == honest:
            hidden.append((*outer, *inner))

    diff = json.loads(json.dumps(CONTENT))
    diff["source"]["changes"][0]["diff"] += "+hidden, with no line feed after it"
    assert "+hidden" in render_text(Document(b"", diff))
    assert len(PLACES) > 100
    assert hidden == []
