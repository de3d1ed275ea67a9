"""Attack: the executor proposes what he will sign for, and gets it voted through.

The vote may be honest, and still one person both asks and does. The defender sees step 2 and the
key that is both.
"""

from __future__ import annotations

import pytest

from tests.chain.genesis import GAS_MONEY
from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_two_roles_in_one_hand_are_refused(approved: Attacked) -> None:
    executor = approved.people["executor"]
    approved.deployment.service.credit(executor.address, GAS_MONEY)
    approved.registry.revoke(approved.plan_hash, approved.people["guardian"])
    document = approved.plan(proposer=executor.address)

    approved.plan_hash = approved.approve(document, proposer=executor)

    approved.refused(2, f"proposer and executor are the same key {executor.address}")
