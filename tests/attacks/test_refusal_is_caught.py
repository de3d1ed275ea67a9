"""Attack: the program catches whatever `govern()` raises, and goes on.

A refusal is no exception: the process ends. The defender sees the refusal, and no resource.
"""

from __future__ import annotations

import pytest

from tests.plugins.attack_fixtures import PROGRAM, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

CATCHES = PROGRAM.replace(
    "pulumi_mandate.govern()\n",
    "try:\n    pulumi_mandate.govern()\nexcept BaseException:\n    pass\n",
)


def test_no_except_survives_a_refusal(approved: Attacked) -> None:
    assert CATCHES != PROGRAM
    approved.program(CATCHES)

    approved.refused(6, "the program is not the one that was voted on")
