"""Attack: the program stays as approved, a value in the stack's configuration changes.

The stack's file is no part of the program's digest, its values are bound one by one. The defender
sees step 7, and which value is what.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_value_is_refused(approved: Attacked) -> None:
    approved.pulumi("config", "set", "greeting", "go away")

    approved.refused(7, "welcome", "go away")
