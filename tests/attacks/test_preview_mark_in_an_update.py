"""Attack: the mark of the gate's own previews is set for a real update, to be taken for one.

It silences a message in a dry run and is an error here. The defender sees step 1 and the mark.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.gate.environment import NESTED_MARK
from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_the_mark_is_no_way_round(approved: Attacked) -> None:
    approved.environment[NESTED_MARK] = "1"

    approved.refused(1, f"`{NESTED_MARK}` is set in a real update", f"unset {NESTED_MARK}")
