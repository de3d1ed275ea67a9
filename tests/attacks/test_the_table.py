"""The table of this folder's README names every attack here, and only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ATTACKS = 50
NAMED = re.compile(r"`((?:tests/[a-z/]+/)?test_\w+\.py)(?:::(test_\w+))?`")


def named() -> list[tuple[Path, str]]:
    found = NAMED.findall((HERE / "README.md").read_text())
    return [(ROOT / file if "/" in file else HERE / file, test) for file, test in found]


def test_every_attack_is_in_the_table() -> None:
    files = {path for path in HERE.glob("test_*.py") if path != Path(__file__)}

    assert files - {file for file, _ in named()} == set()
    assert len(files) >= ATTACKS
    for file in files:
        assert file.read_text().startswith('"""'), f"{file.name} does not say what it is"


def test_every_test_of_the_table_exists() -> None:
    for file, test in named():
        assert file.is_file(), file
        assert f"def {test}" in file.read_text(), test
