"""The gate's guards are guarded: with one of them broken, its tests go red.

All of the mutants take some minutes (`python -m tools.mutate`, by hand; with `--attacks` on the
real engine). Here every one must still fit its source, and two are really made.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.mutate import MUTANTS, ROOT, Mutant, broken_in, main, seen_by_tests

LEAST = 50
NUMBERED = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}
"""The steps that `gate/verify.py` numbers, up to its statement."""
NOTHING = Mutant("nothing", "verify", "if not chosen:", "if not  chosen:")


def test_every_mutant_fits_its_source_and_every_step_has_one(tmp_path: Path) -> None:
    for mutant in MUTANTS:
        shutil.copytree(ROOT / "provider" / "pulumi_mandate" / "gate",
                        tmp_path / "pulumi_mandate" / "gate", dirs_exist_ok=True)  # fmt: skip
        broken_in(tmp_path, mutant)
        assert not mutant.attack or (ROOT / f"tests/attacks/test_{mutant.attack}.py").is_file()

    assert {mutant.name.partition(":")[0] for mutant in MUTANTS} == NUMBERED
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= LEAST


def test_a_mutant_that_nobody_wrote_is_no_success() -> None:
    assert main(["no such mutant"]) == 2
    with pytest.raises(ValueError, match="is there 0 times"):
        broken_in(ROOT / "provider", Mutant("gone", "verify", "no such line", ""))


@pytest.mark.parametrize("name", ["3: denied now", "10: twice"])
def test_a_broken_guard_is_seen(name: str) -> None:
    assert main([name]) == 0


def test_the_tests_are_green_where_nothing_is_broken() -> None:
    assert not seen_by_tests(NOTHING)
