"""Breaks one guard of the gate at a time, in a copy, and expects its tests to go red: a test that
cannot fail guards nothing. `contracts/tools/mutate` does the same for the contracts.

    python -m tools.mutate [PART-OF-A-NAME]   some seconds a mutant
    python -m tools.mutate --attacks [PART]   the attack on the real engine instead, if it has one

An attack needs this checkout as it is, for the gate sees any other import path: the guard is broken
in place and mended afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
GATE = Path("pulumi_mandate", "gate")


class Mutant(NamedTuple):
    """A guard, the line that it is, and what stands there once it is broken."""

    name: str
    file: str
    line: str
    broken: str
    attack: str = ""
    """The file in `tests/attacks` that tries it on the real engine."""


MUTANTS = tuple(
    Mutant(**row)
    for row in tomllib.loads(Path(__file__).with_name("gate_mutants.toml").read_text())["mutant"]
)


def broken_in(folder: Path, mutant: Mutant) -> None:
    """Break it. Raises `ValueError` where the guard is not there once, as it is written here."""
    path = folder / GATE / f"{mutant.file}.py"
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.line) != 1:
        raise ValueError(f"{mutant.name}: its line is there {text.count(mutant.line)} times")
    path.write_text(text.replace(mutant.line, mutant.broken), encoding="utf-8")


def seen_by_tests(mutant: Mutant) -> bool:
    """Whether the guard's unit tests go red without it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "provider")
        shutil.copytree(ROOT / "provider", copy, ignore=shutil.ignore_patterns("__pycache__"))
        broken_in(copy, mutant)
        return _red(f"tests/gate/test_{mutant.file}.py", PYTHONPATH=str(copy))


def seen_by_its_attack(mutant: Mutant) -> bool:
    """Whether the attack goes red without the guard; in this very checkout."""
    path = ROOT / "provider" / GATE / f"{mutant.file}.py"
    honest = path.read_bytes()
    try:
        broken_in(ROOT / "provider", mutant)
        return _red(f"tests/attacks/test_{mutant.attack}.py")
    finally:
        path.write_bytes(honest)


def _red(tests: str, **environment: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", tests],
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):  # collected nothing, or was itself broken
        raise RuntimeError(done.stdout + done.stderr)
    return done.returncode == 1


def main(arguments: list[str]) -> int:
    """Print what noticed each; 1 where anything went unnoticed, 2 where there is no such mutant."""
    attacks = arguments[:1] == ["--attacks"]
    wanted = arguments[attacks:] or [""]
    chosen = [one for one in MUTANTS if wanted[0] in one.name and (one.attack or not attacks)]
    unseen = 0
    for mutant in chosen:
        seen = seen_by_its_attack(mutant) if attacks else seen_by_tests(mutant)
        print(f"{'red' if seen else 'GREEN'}  {mutant.name}", flush=True)
        unseen += not seen
    return 2 if not chosen else int(unseen > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
