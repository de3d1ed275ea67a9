"""Attack: `PULUMI_DEBUG_PROVIDERS` sends every operation of the approved plan to another process.

The defender sees step 1 and the variable, before anything is previewed.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_provider_of_his_own_is_refused(approved: Attacked) -> None:
    approved.environment["PULUMI_DEBUG_PROVIDERS"] = "pulumi-python:1"

    output = approved.refused(1, "`PULUMI_DEBUG_PROVIDERS`", "unset PULUMI_DEBUG_PROVIDERS")

    assert "previewing" not in output
