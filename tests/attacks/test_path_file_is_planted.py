"""Attack: a `.pth` file beside the installed packages, whose statement runs before every program.

No package lists it. The defender sees step 6 and that something unowned lies there.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_path_file_of_nobody_is_refused(approved: Attacked, own_environment: Path) -> None:
    (own_environment / "evil.pth").write_text("import os; os.environ.setdefault('EVIL', '1')\n")

    approved.refused(6, "toolchain.(unowned)")
