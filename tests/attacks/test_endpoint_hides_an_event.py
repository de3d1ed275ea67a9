"""Attack: one of two endpoints leaves out events: nobody seems to have approved a plan.

And the other way round: what only one of them tells was never approved. The defender sees that the
endpoints disagree, and about what.
"""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.models import keccak, to_hex
from tests.chain.lying import about
from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_hidden_approval_is_a_disagreement(approved: Attacked) -> None:
    with approved.second_endpoint(about("eth_getLogs", lambda _: [])):
        output = approved.up(ok=False)

    assert "disagree about the" in output
    approved.untouched()


def test_an_approval_that_one_made_up_is_a_disagreement(approved: Attacked) -> None:
    """Every event once more, of another plan; the honest ones are there as well."""
    told = []

    def more(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        other = [log | {"topics": [log["topics"][0], to_hex(keccak(b"never"))]} for log in logs]
        told.extend(other)
        return [*logs, *other]

    with approved.second_endpoint(about("eth_getLogs", more)):
        output = approved.up(ok=False)

    assert told
    assert "disagree about the" in output
    approved.untouched()
