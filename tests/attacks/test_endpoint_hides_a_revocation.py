"""Attack: the guardian has revoked the mandate, and one of two endpoints calls it approved.

One that lies is caught by the other. The defender sees that they disagree, and about what.
"""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.models import MandateState
from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

WORDS_OF_A_MANDATE = 16


def test_one_no_is_enough(approved: Attacked) -> None:
    approved.registry.revoke(approved.plan_hash, approved.people["guardian"])
    revoked, told = int(MandateState.REVOKED), int(MandateState.APPROVED)
    lies = []

    def deny(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        found = str(answer.get("result"))[2:]
        words = [found[at : at + 64] for at in range(0, len(found), 64)]
        if (
            method == "eth_call"
            and len(words) == WORDS_OF_A_MANDATE
            and int(words[0], 16) == revoked
        ):
            lies.append(params)
            return {**answer, "result": "0x" + "".join([f"{told:064x}", *words[1:]])}
        return answer

    with approved.second_endpoint(deny):
        output = approved.up(ok=False)

    assert lies
    assert "disagree about registry.mandate" in output
    assert approved.calls() == []
    assert approved.runs() == []
    assert approved.mandate(approved.plan_hash).state is MandateState.REVOKED
