"""Attack: one of two endpoints is behind, at a time before the vote or before a revocation.

What is final is what both say is final, so an approval that one has not seen grants nothing. The
defender sees step 3.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_what_one_has_not_seen_grants_nothing(approved: Attacked) -> None:
    behind = hex(approved.deployment.client.final_block().number - 20)

    def lag(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_getBlockByNumber" and params[0] == "finalized":
            return {**answer, "result": {**answer["result"], "number": behind}}
        return answer

    with approved.second_endpoint(lag):
        approved.refused(3, "there is no mandate")
