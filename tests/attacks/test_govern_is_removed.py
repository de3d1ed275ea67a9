"""Attack: the line `govern()` goes, and with it a resource that a mandate had made.

Its delete hook is in the state and is ours: without the line the engine does not know it, and does
not delete. The defender sees the hook's name. (What the same edit may still create is in the
README: third-party resources are then protected by credentials only.)
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import CHANGED, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

URN = "urn:pulumi:test::shop::pulumi-python:dynamic:Resource::"
WITHOUT = CHANGED.replace("pulumi_mandate.govern()\n", "").replace(
    'Note("greeting", pulumi.Config().require("greeting"))\n', ""
)


def test_what_was_governed_is_not_deleted(deployed: Attacked) -> None:
    deployed.program(WITHOUT)

    output = deployed.up("--target", f"{URN}greeting", ok=False)

    assert "mandate:before-delete" in output
    deployed.untouched()
