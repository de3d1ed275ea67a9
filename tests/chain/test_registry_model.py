"""The registry on a real EVM agrees with its model over random histories."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pulumi_mandate.governance.consent import Duty
from pulumi_mandate.models import (
    Tier,
)
from tests.chain.registry_chain import Chain
from tests.chain.registry_histories import Histories

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with tempfile.TemporaryDirectory() as folder:
        made = Chain(Path(folder))
        yield made
        made.bare.__exit__(None)


def walk(history: Histories) -> None:
    """One history in which everything happens that chance might leave out."""
    history.begin_anew()
    for by_council in (False, True):
        history.cosign(which=6, by_council=by_council)
    for which in (0, 6):
        history.reserve(which=which)
    history.begin_well(which=7)  # waits
    for who in ("stranger", "proposer"):
        history.withdraw(which=8, who=who, chance=True)
    history.revoke(which=8, hard=True, chance=True)
    history.supersede(which=1, by=3, who="proposer")
    history.supersede(which=1, by=0, who="proposer")
    history.begin_well(which=9)  # too dear
    for who in ("stranger", "finance"):
        history.cosign_finance(which=9, who=who)
    history.observe(which=6, who="observer", truly=True)
    history.run_and_confirm(which=6)
    history.report_unconfirmed(which=9, late=False)
    history.run_and_owe(which=9)
    history.cure(duty=Duty.UNCONFIRMED, tier=Tier.MEDIUM)
    history.run_well(which=2, completed=False)
    history.begin_and_vanish(which=0)
    history.cure(duty=Duty.ABANDONED, tier=Tier.HIGH)
    for place in range(len(history.plans)):
        history.compare(place)


def test_the_registry_does_what_its_model_says(chain: Chain) -> None:
    seen: Counter[str] = Counter()

    class Told(Histories):
        pass

    Told.chain, Told.seen = chain, seen
    Told.TestCase.settings = settings(
        max_examples=100,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    walk(Told())
    Told.TestCase("runTest").runTest()

    # A history that never gets anywhere would agree with anything.
    never = {
        f"{what}: {answer}"
        for what in (
            *("approve", "attest", "cosign", "revoke", "withdraw"),
            *("begin", "renew", "take over", "complete", "fail"),
            *("finance", "reserve", "supersede", "observe", "report", "abandon"),
        )
        for answer in ("yes", "no")
    } - set(seen)
    assert not never, seen
    low = sum(seen[f"begin of {tier.name}: yes"] for tier in (Tier.LOW, Tier.HIGH))
    assert low > 0
    assert seen["cure"] > 0
