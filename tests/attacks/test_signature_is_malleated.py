"""Attack: an order's signature is copied, turned into its twin with the high s, and sent first.

Other libraries take the twin for the same signer's. The registry does not, and the mandate stands.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.errors import ContractRefused
from pulumi_mandate.models import signing_digest
from tests.governance.cases import an_order
from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


def test_the_twin_begins_nothing(approved: Attacked) -> None:
    plan = approved.fields()
    order = an_order(approved.deployment, plan)
    signature = approved.people["executor"].sign_digest(
        signing_digest(approved.deployment.domain, order)
    )
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    twin = r + (ORDER - s).to_bytes(32, "big") + bytes([55 - v])

    for forged in (twin, signature[:64], signature[:64] + bytes([v - 27]), bytes(65)):
        with pytest.raises(ContractRefused) as refusal:
            approved.registry.begin(plan, order, forged, approved.people["runner"])
        assert refusal.value.error

    approved.untouched()
