"""What voters read in a terminal and in Markdown: all of it, and nothing that can pretend."""

from __future__ import annotations

import re

import pytest

from pulumi_mandate.plan.reading import in_reading_order, read_plan
from pulumi_mandate.plan.render import render_markdown, render_text
from tests.plan.samples import (
    UNKNOWN,
    build,
    creation,
    made_up,
    operation,
    plan,
    recorded,
    resource,
    secret,
    step,
)

TRICKS = "\x1b[2K\r\u202egood\u200b\n+ create urn:evil \u0430dmin \U0001f600 ``` </pre> @team"


def test_everything_of_the_recorded_plan_is_shown() -> None:
    document = build(recorded())
    text = render_text(document)

    for entry in document.operations:
        assert f"{entry['op']} {entry['urn']}" in text
    for shown in ("inputs.size: 1 -> 1.5", 'inputs.kind: "one" -> "two"', "outputs.phase: 1 -> 2",
                  "options.protect: true -> removed",
                  'inputs.ref: "arn:thing:alpha" -> (known only',
                  "cannot be undone: what is deleted does not come back",
                  "expires at: 2027-01-22 08:00:00 UTC (1800604800)",
                  'config.fixture:phase: "2"',
                  "cannot be undone: 3",
                  "undoing it takes: 1 create, 1 delete, 1 replace, 6 update",
                  "known only while it runs: 3", "tier: high"):  # fmt: skip
        assert shown in text
    assert "hunter2" not in text


def test_a_resource_that_only_waits_for_another_shows_both() -> None:
    raw = recorded()
    for part in (plan(raw, "g")["goal"], step(raw, "g")["newState"]):
        part["dependencies"] = ["urn:new"]
    for part in (*resource(raw, "g"), step(raw, "g")["oldState"]):
        part["dependencies"] = ["urn:old"]
    document = build(raw)

    assert operation(document, "g")["dependencies"] == {"before": ["urn:old"], "after": ["urn:new"]}
    assert 'depends on: ["urn:old"] -> ["urn:new"]' in render_text(document)


def test_what_cannot_be_undone_comes_first() -> None:
    ops = [operation["op"] for operation in in_reading_order(build(recorded()))]

    assert ops[:4] == ["delete", "delete-replaced", "replace", "create-replacement"]
    assert len(ops) == 11

    entries = read_plan(build(recorded())).entries
    losses = [entry.loss is not None for entry in entries]
    # The update of `h` takes a value from what is replaced.
    assert losses == [True, True, False, False, True, *([False] * 6)]
    assert entries[4].urn.endswith("::h")


@pytest.mark.parametrize("render", [render_text, render_markdown])
def test_losses_and_unknowns_stand_by_name_before_the_operations(render: object) -> None:
    text = render(build(recorded()))  # type: ignore[operator]
    warnings = re.findall(r"^(?:cannot be undone|known only while it runs): .*urn:", text, re.M)

    assert len(warnings) == 3 + 3
    assert all(text.index(line) < text.index("- delete ") for line in warnings)


@pytest.mark.parametrize("render", [render_text, render_markdown])
def test_values_cannot_move_the_cursor_or_hide(render: object) -> None:
    document = build(creation("x", {"v": TRICKS, TRICKS: "w"}))
    text = render(document)  # type: ignore[operator]

    assert re.fullmatch(r"[\n -~]*", text)
    assert "\n+ create urn:evil" not in text
    assert "\\u202e" in text
    assert "\\u0430dmin" in text


def test_a_name_cannot_imitate_our_own_words() -> None:
    text = render_text(build(creation("x [low: fine]", {"a: 1\n    b": "v", 'k"': "w"})))

    assert "create urn:pulumi" not in text
    assert "[high: no-rule-matches]" in text
    assert 'inputs."a: 1' in text


def test_a_long_value_is_never_cut() -> None:
    long = "x" * 20_000

    assert long in render_text(build(creation("x", {"v": long})))


def test_markdown_quotes_every_value_in_a_fence_it_cannot_leave() -> None:
    markdown = render_markdown(build(creation("x", {"v": "`````\n# heading"})))

    assert "``````text" in markdown
    assert "\n# heading" not in markdown


def test_markers_are_words_and_what_looks_like_one_is_not() -> None:
    text = render_text(
        build(creation("x", {"u": UNKNOWN, "s": secret("p"), "t": "(known only while it runs)"},
                       {"u": UNKNOWN, "s": "[secret]", "t": "(known only while it runs)"}))
    )  # fmt: skip

    assert "inputs.u: (known only while it runs)" in text
    assert "inputs.s: (secret, 0x" in text
    assert 'inputs.t: "(known only while it runs)"' in text


def test_colour_changes_nothing_but_colour() -> None:
    document = build(made_up({"x": {"label": "a"}}))
    coloured = render_text(document, colour=True)

    assert re.sub(r"\x1b\[\d+m", "", coloured) == render_text(document)
    assert "\x1b[" in coloured


def test_a_summary_is_cut_between_its_parts_and_says_so() -> None:
    document = build(made_up({f"t{number:02}": {"v": "`" * 30} for number in range(30)}))
    whole = render_markdown(document)
    short = render_markdown(document, most=3000)

    assert render_markdown(document, most=len(whole)) == whole
    assert len(short) <= 3000
    body, _, end = short.rpartition("Cut here, after ")
    assert whole.startswith(body)
    assert body.endswith("\n\n")
    assert end == f"{body.count('## ')} of 32 parts. All of it: `mandate show`.\n"
    fences = re.findall(r"^`{3,}", body, re.MULTILINE)
    assert fences
    assert fences[::2] == fences[1::2]


def test_a_summary_without_room_shows_nothing_of_the_plan() -> None:
    text = render_markdown(build(made_up({"x": {}})), most=100)

    assert text == "Cut here, after 0 of 3 parts. All of it: `mandate show`.\n"
