"""Attack: `AWS_ENDPOINT_URL` leads the approved plan to another cloud.

The defender sees step 6, the flags the plan was approved with and the address that is here now.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_endpoint_is_refused(approved: Attacked) -> None:
    approved.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"

    approved.refused(6, "toolchain.flags", "http://127.0.0.1:1")
