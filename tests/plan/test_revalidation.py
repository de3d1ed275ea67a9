"""Retain, Replace, Clear: the gate's own comparison, long before the run."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.models import keccak
from pulumi_mandate.plan.compare import differences
from pulumi_mandate.plan.revalidation import Verdict, revalidate
from pulumi_mandate.plan.toolchain import toolchain
from tests.plan.samples import UNKNOWN, build, creation, program, recorded


def test_the_same_change_is_retained_whoever_previews_it_and_when() -> None:
    pending = build(recorded())
    again = build(recorded(), salt=keccak(b"other"), not_before=5, expires_at=6, commit="ab" * 20)

    found = revalidate(pending, again)

    assert (found.verdict, found.differences) == (Verdict.RETAIN, ())


@pytest.mark.parametrize(
    "change",
    [
        {"program": program("edited")},
        {"rules": keccak(b"other")},
        {"toolchain": toolchain("v3.259.0", [])},
    ],
    ids=["program", "rules", "toolchain"],
)
def test_what_the_gate_would_refuse_is_replaced(change: dict[str, Any]) -> None:
    pending, wanted = build(recorded()), build(recorded(), **change)

    found = revalidate(pending, wanted)

    assert found.verdict is Verdict.REPLACE
    assert list(found.differences) == differences(pending, wanted) != []


def test_another_operation_is_replaced_and_nothing_left_to_do_is_cleared() -> None:
    pending = build(creation("x", {"label": "a"}))

    assert revalidate(pending, build(creation("x", {"label": "b"}))).verdict is Verdict.REPLACE
    assert revalidate(pending, None).verdict is Verdict.CLEAR


def test_an_unknown_that_became_known_keeps_its_votes_and_not_the_other_way_round() -> None:
    unknown = build(creation("x", {"label": UNKNOWN}))
    known = build(creation("x", {"label": "a"}))

    assert revalidate(unknown, known).verdict is Verdict.RETAIN
    assert revalidate(known, unknown).verdict is Verdict.REPLACE
