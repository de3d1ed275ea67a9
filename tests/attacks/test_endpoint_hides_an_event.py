"""Attack: one of two endpoints leaves out events: nobody seems to have approved a plan.

And the other way round: what only one of them tells was never approved. The defender sees that the
endpoints disagree, and about what.
"""

from __future__ import annotations

import pytest

from tests.chain.lying import about
from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_hidden_approval_is_a_disagreement(approved: Attacked) -> None:
    with approved.second_endpoint(about("eth_getLogs", lambda _: [])):
        output = approved.up(ok=False)

    assert "disagree about the" in output
    approved.untouched()
