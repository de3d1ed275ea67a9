"""Attack: a line of the program is edited after the vote.

The defender sees step 6, both digests of the program, and that a file changed.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import PROGRAM, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_the_edited_program_is_refused(approved: Attacked) -> None:
    approved.program(PROGRAM.replace('"hello"', '"evil"'))

    approved.refused(6, "program: approved 0x", "A file of the source tree changed")
