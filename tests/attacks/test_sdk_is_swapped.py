"""Attack: the Pulumi SDK, by which the gate is called, is another one of the same version.

The defender sees step 6, the package, and its digest then and now.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked, replace

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_sdk_is_refused(approved: Attacked, own_environment: Path) -> None:
    module = own_environment / "pulumi" / "output.py"
    replace(module, module.read_text() + "\n# evil\n")

    approved.refused(6, "toolchain.pulumi: approved")
