"""Attack: a file of an installed package is edited, version and `RECORD` stay as they were.

The defender sees step 6, the package, and its digest then and now.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked, replace

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_an_edited_package_is_refused(approved: Attacked, own_environment: Path) -> None:
    module = own_environment / "boto3" / "session.py"
    replace(module, module.read_text() + "\n# evil\n")

    approved.refused(6, "toolchain.boto3: approved", "an installed package or an endpoint differs")
