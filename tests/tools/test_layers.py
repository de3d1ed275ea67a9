"""The layer contract fails on a breach; a contract that cannot fail keeps nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("provider/pulumi_mandate", "components/pulumi_mandate_components")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Both packages and the project's settings, to break."""
    for package in PACKAGES:
        target = tmp_path / Path(package).name
        shutil.copytree(ROOT / package, target, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _lint(folder: Path) -> tuple[int, str]:
    """The exit code, and what is shown without its colours."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=folder, text=True, capture_output=True, check=False
    )
    return done.returncode, re.sub(r"\x1b\[\d*m", "", done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("plan/canonical.py", "import pulumi_mandate.cli", "only downwards BROKEN"),
        ("models/_values.py", "from pulumi_mandate import plan", "only downwards BROKEN"),
        ("chain/client.py", "import pulumi_mandate.signing", "only downwards BROKEN"),
        ("audit/__init__.py", "import pulumi_mandate.gate", "only downwards BROKEN"),
        ("plan/merkle.py", "import socket", "neither network nor clock BROKEN"),
        ("models/_values.py", "import time", "neither network nor clock BROKEN"),
    ],
)
def test_a_planted_import_is_reported(copy: Path, module: str, line: str, broken: str) -> None:
    file = copy / "pulumi_mandate" / module
    file.write_text(file.read_text() + f"\n{line}\n")
    code, shown = _lint(copy)

    assert code == 1
    assert broken in shown


def test_components_use_public_names_only(copy: Path) -> None:
    file = copy / "pulumi_mandate_components" / "__init__.py"
    file.write_text(file.read_text() + "\nimport pulumi_mandate.chain\n")
    code, shown = _lint(copy)

    assert code == 1
    assert "public names BROKEN" in shown


def test_as_it_is_nothing_is_reported(copy: Path) -> None:
    code, shown = _lint(copy)

    assert code == 0, shown
