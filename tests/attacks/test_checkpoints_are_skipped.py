"""Attack: `PULUMI_SKIP_CHECKPOINTS` keeps out of the state what a killed update has done.

The defender sees step 1 and the variable.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_state_that_forgets_is_refused(approved: Attacked) -> None:
    approved.environment["PULUMI_SKIP_CHECKPOINTS"] = "true"

    approved.refused(1, "`PULUMI_SKIP_CHECKPOINTS`", "unset PULUMI_SKIP_CHECKPOINTS")
