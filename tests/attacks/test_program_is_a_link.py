"""Attack: a module of the approved program becomes a link to a file elsewhere, of the same content.

Whoever owns that file could change it between the check and the import. The defender is told which
file leaves the folder.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_link_out_of_the_tree_is_refused(approved: Attacked, tmp_path: Path) -> None:
    module = approved.folder / "notes.py"
    elsewhere = tmp_path / "notes.py"
    elsewhere.write_bytes(module.read_bytes())
    module.unlink()
    module.symlink_to(elsewhere)

    output = approved.up(ok=False)

    assert "notes.py is a link that leaves the program's folder" in output
    approved.untouched()
