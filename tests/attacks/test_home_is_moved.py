"""Attack: the program moves `MANDATE_HOME`, so that the gate finds no lock and no run of another.

The defender sees step 1 and the variable: the engine was started with another one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import PROGRAM, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_home_is_refused(approved: Attacked, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    approved.program(f"import os\nos.environ['MANDATE_HOME'] = {str(moved)!r}\n" + PROGRAM)

    approved.refused(1, "`MANDATE_HOME` is not what it was when the engine was started")
    assert not moved.exists(), "and what is kept of the refusal is where the engine's user looks"
