"""Attack: the same project and stack names on another state backend, whose state is empty.

The trust file knows the id of one backend only. The defender is told which address has none.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_mandate_is_for_one_backend(approved: Attacked, tmp_path: Path) -> None:
    approved.environment["PULUMI_BACKEND_URL"] = f"file://{tmp_path}"
    file = approved.folder / "Pulumi.test.yaml"
    settings = file.read_text()
    approved.pulumi("stack", "init", "test")
    file.write_text(settings)

    output = approved.up(ok=False)

    assert "has no enrolled id" in output
    approved.untouched()
