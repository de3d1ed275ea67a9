"""Attack: the same program with the same values on another stack of the project.

A mandate is for one subject. The defender sees that the other stack has none.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_mandate_is_for_one_stack(approved: Attacked) -> None:
    greeting = ("config", "set", "greeting", "welcome")
    folder = ("config", "set", "folder", str(approved.notes))
    key = ("config", "set", "--secret", "mandate:commitmentKey", "ab" * 32)
    approved.pulumi("stack", "init", "other")
    for command in (greeting, folder, key):
        approved.pulumi(*command, "--stack", "other")

    output = approved.refused(
        3, "there is no mandate", run=lambda: approved.up("--stack", "other", ok=False)
    )

    assert "organization/shop/other" in output
