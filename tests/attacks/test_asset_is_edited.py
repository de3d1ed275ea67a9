"""Attack: a file that an approved resource carries is edited after the vote.

Providers in Python are told its path and not its content, so it must lie in the program's folder,
whose digest binds it. The defender sees step 6 and both digests.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import PROGRAM, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_content_is_refused(approved: Attacked) -> None:
    leaflet = approved.folder / "leaflet.txt"
    leaflet.write_text("as voted")
    approved.program(PROGRAM + 'Note("leaflet", pulumi.FileAsset("leaflet.txt"))\n')
    approved.plan_hash = approved.approve()
    leaflet.write_text("as somebody likes")

    approved.refused(6, "program: approved 0x")
