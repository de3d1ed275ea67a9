"""The text of a proposal and its three lines for machines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.governance.description import (
    MAX_LENGTH,
    Description,
    build_description,
    parse_description,
)
from pulumi_mandate.models import Address, digest, keccak, to_hex

PROPOSER = Address("0x" + "aB" * 20)
PLAN, DOCUMENT = keccak(b"plan"), keccak(b"document")
GOOD = build_description("A title", "one\n\ntwo", PROPOSER, plan_hash=PLAN, document=DOCUMENT)


def test_the_form_is_the_documented_one() -> None:
    assert (
        f"A title\n\none\n\ntwo\n\nplan: {to_hex(PLAN)}\ndocument: {to_hex(DOCUMENT)}\n"
        f"#proposer={PROPOSER}"
    ) == GOOD
    assert len(GOOD[GOOD.index("#proposer=") :]) == 52  # what OpenZeppelin looks at


TITLES = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=60)


@given(TITLES, st.text(max_size=200), st.binary(min_size=32, max_size=32), st.booleans())
def test_what_is_built_is_what_is_parsed(
    title: str, summary: str, raw: bytes, about_a_plan: bool
) -> None:
    plan = digest(raw) if about_a_plan else None
    document = DOCUMENT if about_a_plan else None
    try:
        text = build_description(title, summary, PROPOSER, plan_hash=plan, document=document)
    except ValueError:
        return  # refused rather than mistaken

    parsed = parse_description(text)

    assert (parsed.title, parsed.plan_hash, parsed.document) == (title, plan, document)
    assert parsed.summary == summary.strip("\n")
    assert parsed.proposer == PROPOSER


@pytest.mark.parametrize(
    "summary",
    [
        f"plan: {to_hex(DOCUMENT)}",
        f"harmless\n  document: {to_hex(PLAN)}",
        "see #proposer=0x" + "00" * 20,
        "a bell \x07",
        "turned \u202e round",
        "carriage\rreturn",
        "x" * MAX_LENGTH,
    ],
)
def test_a_summary_that_could_mislead_is_refused(summary: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        build_description("A title", summary, PROPOSER, plan_hash=PLAN, document=DOCUMENT)


def test_a_summary_cannot_play_the_lines_of_a_plan() -> None:
    lines = f"plan: {to_hex(PLAN)}\ndocument: {to_hex(DOCUMENT)}"
    with pytest.raises(ValueError, match="in the middle"):
        build_description("A title\n\n" + lines, "", PROPOSER)
    with pytest.raises(ValueError, match="the title is one line"):
        build_description("A title\nof two lines", "", PROPOSER)


def test_plan_and_document_come_together() -> None:
    with pytest.raises(ValueError, match="together"):
        build_description("A title", "", PROPOSER, plan_hash=PLAN)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + "\n", "does not end"),
        (GOOD + " ", "does not end"),
        (GOOD[:-1], "does not end"),
        (GOOD.replace("\n#proposer", " #proposer"), "does not end"),
        (GOOD.replace("0x" + "aB", "0x" + "zz"), "does not end"),
        (GOOD.replace(f"plan: {to_hex(PLAN)}", "plan: 0x12"), "a digest is"),
        (GOOD.replace("document: ", "document:  "), "a digest is"),
        (GOOD.replace("one", f"plan: {to_hex(PLAN)}"), "in the middle"),
        (GOOD.replace("A title", " "), "no title"),
        ("", "does not end"),
        (f"#proposer={PROPOSER}", "does not end"),
    ],
)
def test_another_form_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_description(text)


def test_a_plan_line_without_its_document_is_not_half_read() -> None:
    text = str(Description("A title", "", PROPOSER)).replace(
        "#proposer", f"plan: {to_hex(PLAN)}\n#proposer"
    )
    with pytest.raises(ValueError, match="in the middle"):
        parse_description(text)
