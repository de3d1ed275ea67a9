"""Attack: two plans are voted on over the same state, and the second runs after the first.

What people read as `before` is no longer there: together the two may do what nobody agreed to. The
defender sees step 7 and that the base of the second one is another.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import CHANGED, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]
OTHER = CHANGED.replace('"good day"', '"good night"')


def test_the_second_of_two_is_refused(deployed: Attacked) -> None:
    deployed.program(OTHER)
    documents = [deployed.plan()]
    deployed.program(CHANGED)
    second, first = deployed.approve_all([*documents, deployed.plan()])
    deployed.plan_hash = first
    deployed.completes()

    deployed.program(OTHER)
    deployed.plan_hash, deployed.done = second, tuple(deployed.calls())
    deployed.ran = len(deployed.runs())
    deployed.refused(7, "base: approved", "Nothing was changed.")
