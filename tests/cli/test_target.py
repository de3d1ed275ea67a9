"""What people type to name proposals, plans, resources and spans of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.cli._target import (
    ByNumber,
    ByPlan,
    ByUrn,
    describe_duration,
    parse_duration,
    parse_target,
)
from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import digest

HASH = "0x" + "5a" * 32
URN = "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::orders"


def test_each_kind_of_name() -> None:
    assert parse_target("12") == ByNumber(12)
    assert parse_target(HASH) == ByPlan(digest(HASH))
    assert parse_target(URN) == ByUrn(URN)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "0", "-1", "1.0", "0x5a", HASH + "00", "shop", "١٢"])
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_target(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("12h", 43_200), ("2d12h", 216_000), ("1w", 604_800)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "3", "d", "3 d", "-3d", "3y", "3d!"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=10**9))
def test_a_described_duration_has_at_most_two_units(seconds: int) -> None:
    assert len(describe_duration(seconds).split()) <= 4
