"""Attack: `PYTHONPATH` brings a `sitecustomize` that runs before the program and covers its traces.

It takes the variable out of its own environment; the gate asks the engine's. The defender sees
step 1 and the variable.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]

COVERED = """
import os

os.environ.pop("PYTHONPATH", None)
"""


def test_code_before_the_first_line_is_refused(approved: Attacked, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(COVERED)
    approved.environment["PYTHONPATH"] = str(tmp_path)

    approved.refused(1, "`PYTHONPATH` may change what the update does", "unset PYTHONPATH")
