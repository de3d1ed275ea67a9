"""Attack: a `sitecustomize` among the installed packages: Python imports it before every program.

The defender sees step 6 and that something unowned lies there.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_startup_module_of_nobody_is_refused(approved: Attacked, own_environment: Path) -> None:
    (own_environment / "sitecustomize.py").write_text("EVIL = True\n")

    approved.refused(6, "toolchain.(unowned)")
