"""The table of this folder's README names every attack here, and only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ATTACKS = 50
ASKED = re.compile(r"\.refused\(|\.untouched\(\)|\.calls\b|\.changes\b")
ASKED_OTHERWISE = {
    "test_gate_is_patched_in_the_update.py",  # it is done, and found afterwards
    "test_hostile_program_in_the_preview.py",  # nothing is deployed: it asks the machine itself
}
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


def test_every_attack_meets_the_engine_and_asks_what_was_done() -> None:
    """Whole before part is measured by the provider's own log, not by what the gate says of it."""
    for file in {path for path in HERE.glob("test_*.py") if path != Path(__file__)}:
        text = file.read_text()
        assert "pytest.mark.engine" in text, file.name
        assert ASKED.search(text) or file.name in ASKED_OTHERWISE, file.name


def test_every_test_of_the_table_exists() -> None:
    for file, test in named():
        assert file.is_file(), file
        assert f"def {test}" in file.read_text(), test
