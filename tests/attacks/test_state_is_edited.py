"""Attack: `pulumi state` renames a resource, or takes one out, behind an approved plan's back.

A plain edit of the state runs no program and meets no gate. The defender sees step 7: over this
state the program wants other operations than those that were voted on.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

URN = "urn:pulumi:test::shop::pulumi-python:dynamic:Resource::"


def test_a_mandate_over_another_state_is_refused(deployed: Attacked) -> None:
    deployed.pulumi("state", "rename", f"{URN}first", "else", "--yes")
    deployed.refused(7, "base: approved", "Nothing was changed.")

    deployed.pulumi("state", "rename", f"{URN}else", "first", "--yes")
    deployed.pulumi("state", "delete", f"{URN}greeting", "--yes")
    deployed.refused(7, f"{URN}greeting.create", "an operation that was not approved")
