"""The contracts' guards are guarded: with a line removed, tests and proofs go red.

All of the mutants take an hour (`contracts/tools/mutate`, by hand). Here every one must still fit
its source, and two are really made: a mandate spent twice, and a proposal that calls what it likes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
MUTATE = CONTRACTS / "tools" / "mutate"
LEAST = 85
LEAST_ATTACKS = 40
ROW = re.compile(r"(?m)^\| P(\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$")
QUOTED = re.compile(r"`([^`]+)`")


def mutate(wanted: str, *more: str) -> subprocess.CompletedProcess[str]:
    # halmos is installed beside the Python that runs this.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [str(MUTATE), wanted, *more]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path}
    )


def test_every_mutant_fits_its_source() -> None:
    said = mutate("--applies")

    assert said.returncode == 0, said.stderr
    count = re.fullmatch(r"(\d+) mutants fit their sources", said.stdout.strip())
    assert count is not None
    assert int(count[1]) >= LEAST


def test_a_mutant_that_nobody_wrote_is_no_success() -> None:
    assert mutate("no such mutant").returncode != 0


@pytest.mark.parametrize(
    ("name", "tests"), [("begin: spent twice", "Begin"), ("governor: any target", "Governor")]
)
def test_a_broken_guard_is_seen_by_a_test_and_by_a_proof(name: str, tests: str) -> None:
    """Only the tests of the guarded contract are asked: harder to notice there, and cheaper."""
    said = mutate(name, "--match-path", f"test/{tests}.t.sol")

    assert said.returncode == 0, said.stdout + said.stderr
    assert f"{name}: test proof" in said.stdout


def test_every_property_is_shown_and_can_be_broken() -> None:
    """The table of contracts/README.md names what exists, and what a proof notices."""
    rows = ROW.findall((CONTRACTS / "README.md").read_text())
    sources = [path.read_text() for path in (CONTRACTS / "test").rglob("*.sol")]
    mutants = MUTATE.read_text()

    assert [int(number) for number, _, _ in rows] == list(range(1, 13))
    for number, shown, broken in rows:
        for name in QUOTED.findall(shown):
            assert any(f"function {name}(" in source for source in sources), (number, name)
        for name in QUOTED.findall(broken):
            _, found, rest = mutants.partition(f'["{name}"')
            assert found, (number, name)
            assert '"check_' in rest.partition('\n  ["')[0], f"no proof notices {name}"


def test_every_attack_of_the_table_is_a_test() -> None:
    """The table of contracts/README.md names tests and proofs that exist, here or in forge."""
    table = (CONTRACTS / "README.md").read_text().partition("## Attacks\n")[2].partition("\n## ")[0]
    named = [
        name
        for line in table.splitlines()
        if line.startswith("| ")
        for name in QUOTED.findall(line)
    ]
    root = CONTRACTS.parent / "tests"
    files = [*(CONTRACTS / "test").rglob("*.sol"), *root.rglob("*.py")]
    sources = "\n".join(path.read_text() for path in files)

    assert len(named) >= LEAST_ATTACKS
    assert [name for name in named if not re.search(rf"(def|function) {name}\(", sources)] == []
