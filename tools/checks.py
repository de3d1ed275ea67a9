"""The named checks of `make test`, in the order in which they say most for the least time.

    python -m tools.checks                  all of them
    python -m tools.checks style types      these

Every check runs, whatever came before it, so that one run shows everything that is wrong. Each ends
with a line of its name, its result and its duration; the exit code is 1 where any of them failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tools.steps import BIN, ROOT, VENV, say

COVERAGE_FLOOR = 95

Command = tuple[str, ...]
"""Words as `env` takes them: assignments may stand in front of the program."""

# By hand a quick look is enough; here every fuzzed input and every history counts.
DEEPER = (
    "FOUNDRY_FUZZ_RUNS=5000",
    "FOUNDRY_INVARIANT_RUNS=256",
    "FOUNDRY_INVARIANT_DEPTH=128",
)


@dataclass(frozen=True)
class Check:
    """One check: its commands run in order, and the first that fails ends it."""

    name: str
    commands: tuple[Command, ...]


CHECKS = (
    Check("format", (("ruff", "format", "--check"),)),
    Check("style", (("ruff", "check"),)),
    Check("types", (("mypy",),)),
    Check("layers", (("lint-imports", "--no-cache"),)),
    Check("contracts", ((*DEEPER, "contracts/tools/check"),)),
    Check("package", (("python", "-m", "tools.package"),)),
    Check(
        "tests",
        (
            # Every test on the real engine starts our code several times over, and where Python is
            # told to keep no bytecode, it would be compiled each time.
            ("python", "-m", "compileall", "-q", "provider", "components", "tools"),
            (
                "pytest",
                "--numprocesses=2",
                "--dist=worksteal",
                "--cov",
                "--cov-report=term:skip-covered",
                f"--cov-fail-under={COVERAGE_FLOOR}",
                "--durations=10",
            ),
        ),
    ),
)


@dataclass(frozen=True)
class Outcome:
    """How one check ended."""

    name: str
    passed: bool
    seconds: float

    def line(self) -> str:
        """One line of the summary."""
        return f"{self.name:<10} {'passed' if self.passed else 'FAILED'} {self.seconds:7.1f} s"


def chosen(names: Sequence[str], checks: Sequence[Check] = CHECKS) -> list[Check]:
    """The checks of these names in our order, or all of them.

    Raises:
        ValueError: a name that is no check; asking for nothing must not look like success.
    """
    known = {check.name for check in checks}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no such check: {', '.join(unknown)}; there are {', '.join(known)}")
    return [check for check in checks if not names or check.name in names]


def environment() -> dict[str, str]:
    """Ours, with the project's tools first on PATH."""
    path = os.pathsep.join([str(BIN), str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    return os.environ | {"PATH": path, "VIRTUAL_ENV": str(VENV)}


def run_check(check: Check) -> Outcome:
    """Run one check with its output shown as it comes."""
    begun = time.monotonic()
    passed = all(_succeeds(command) for command in check.commands)
    return Outcome(check.name, passed, time.monotonic() - begun)


def _succeeds(command: Command) -> bool:
    say(f"$ {' '.join(command)}")
    try:
        # Looked up on our PATH: `env` in the call is not where Popen searches.
        return not subprocess.call(["/usr/bin/env", *command], cwd=ROOT, env=environment())
    except OSError as error:
        say(f"{command[0]}: {error}")
        return False


def main(names: Sequence[str]) -> int:
    try:
        checks = chosen(names)
    except ValueError as error:
        say(str(error))
        return 2
    outcomes = []
    for check in checks:
        outcome = run_check(check)
        say(f"== {outcome.line()}")
        outcomes.append(outcome)
    say("\n".join(["", "summary:", *(f"  {outcome.line()}" for outcome in outcomes)]))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
