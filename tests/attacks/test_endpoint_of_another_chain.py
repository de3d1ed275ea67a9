"""Attack: one of two endpoints answers for another chain, on which everything may be approved.

The defender sees which chain it serves and which one the trust file names.
"""

from __future__ import annotations

import pytest

from tests.chain.lying import about
from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_chain_is_not_believed(approved: Attacked) -> None:
    with approved.second_endpoint(about("eth_chainId", lambda _: "0x1")):
        output = approved.up(ok=False)

    assert "serves chain 1, the trust file names chain 31337" in output
    approved.untouched()
