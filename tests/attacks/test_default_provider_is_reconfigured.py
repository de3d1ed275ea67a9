"""Attack: `aws:region` is set after the vote: a default provider changes, and has no hook.

The defender sees step 7 and the key that nobody had voted on.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_region_is_refused(approved: Attacked) -> None:
    approved.pulumi("config", "set", "aws:region", "eu-evil-9")

    approved.refused(7, "aws:region")
