"""Attack: the program takes away the gate's way to end it, and registers resources after a refusal.

The hooks were told to refuse everything before the exit was tried. The defender sees step 6, and
then each operation refused at step 10.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import PROGRAM, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

STAYS = "import os\nos._exit = lambda code: None\n" + PROGRAM


def test_a_program_that_cannot_be_ended_does_nothing(approved: Attacked) -> None:
    approved.program(STAYS)

    approved.refused(6, "the program is not the one that was voted on", "refused at step 10")
