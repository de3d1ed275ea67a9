"""Attack: `main` in Pulumi.yaml leads out of the program's folder, to code that no digest covers.

The gate is that other program's to call; whoever proposes it is told, and one that calls it is
refused at step 1 with the setting named.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import PROGRAM, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_program_elsewhere_is_refused(approved: Attacked, tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(PROGRAM)
    project = approved.folder / "Pulumi.yaml"
    project.write_text(project.read_text() + f"main: {tmp_path}\n")

    approved.refused(1, "`main`", "a place inside the program's folder, without links")
