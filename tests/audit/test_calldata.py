"""Calls read from their bytes, without a chain."""

from __future__ import annotations

import pytest

from pulumi_mandate.audit.calldata import decode_approval
from pulumi_mandate.audit.links import Broken
from pulumi_mandate.chain.artifacts import artifact
from pulumi_mandate.models import Tier, keccak

PLAN = keccak(b"plan")


@pytest.mark.parametrize(
    ("function", "tier"),
    [
        ("approveLow", Tier.LOW),
        ("approveMedium", Tier.MEDIUM),
        ("approveHigh", Tier.HIGH),
        ("approveCritical", Tier.CRITICAL),
    ],
)
def test_an_approval_says_whose_electorate_it_is(function: str, tier: Tier) -> None:
    abi = artifact("PlanRegistry").abi

    assert decode_approval(abi, abi.encode_call(function, [PLAN])) == (PLAN, tier)
    with pytest.raises(Broken):
        decode_approval(abi, abi.encode_call(function, [PLAN]) + b"\x00")


def test_what_only_the_council_may_do_is_no_approval_of_a_vote() -> None:
    abi = artifact("PlanRegistry").abi

    with pytest.raises(Broken, match="approveEmergency"):
        decode_approval(abi, abi.encode_call("approveEmergency", [PLAN]))
