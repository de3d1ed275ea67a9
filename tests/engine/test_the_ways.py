"""The table of this folder's README has every way in, four cases each, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CASES = 4
WAYS = 20
NAMED = re.compile(r"`((?:tests/[a-z/]+/)?test_\w+\.py)::(test_\w+)`")
UNGATED = (
    "not gated: no program runs",
    "not gated: no line of ours runs in it",
    "needs none",
)


def rows() -> list[list[str]]:
    lines = [line for line in (HERE / "README.md").read_text().splitlines() if line[:3] == "| `"]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def test_every_way_has_every_case() -> None:
    assert len(rows()) >= WAYS
    for way, *cases in rows():
        assert len(cases) == CASES, way
        assert NAMED.search(cases[0]) or cases[0].startswith(UNGATED), way
        for case in cases[1:]:
            assert NAMED.search(case) or case.startswith("the same"), way


def test_every_test_of_the_table_exists() -> None:
    found = NAMED.findall((HERE / "README.md").read_text())
    for file, test in found:
        path = ROOT / file if "/" in file else HERE / file
        assert re.search(rf"^def {test}\(", path.read_text(), re.MULTILINE), test
