"""`make toolchain`: everything that `make demo` and `make test` need, set up once.

    python3 -m tools.toolchain            set up what is missing; a second run takes seconds
    python3 -m tools.toolchain --check    look only; exit 1 where something is missing
    python3 -m tools.toolchain --json     the same, with the results on standard output
    python3 -m tools.toolchain --browser  and what only the tests need: a browser, an HSM …

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import json
import sys
from collections.abc import Sequence

from tools import (
    browser_env,
    cloud_sdks,
    hsm_env,
    node_env,
    pulumi_cli,
    pulumi_languages,
    python_env,
)
from tools.steps import BIN, TOOLCHAIN, VENV, Result, Step, run_step, say

STEPS: tuple[Step, ...] = (
    *python_env.STEPS,
    *node_env.STEPS,
    *pulumi_cli.STEPS,
    *pulumi_languages.STEPS,
)
TEST_STEPS = (
    *browser_env.STEPS,
    *hsm_env.STEPS,
    *pulumi_languages.TEST_STEPS,
    *cloud_sdks.TEST_STEPS,
)


def set_up(steps: Sequence[Step], *, check_only: bool) -> list[Result]:
    """Run the steps in order and stop at the first that fails; a check looks at all of them."""
    results: list[Result] = []
    for step in steps:
        results.append(run_step(step, check_only=check_only))
        if results[-1].state == "failed":
            break
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools.toolchain", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="look only, change nothing")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--browser", action="store_true", help="what only the tests need too")
    options = parser.parse_args(arguments)
    steps = (*STEPS, *TEST_STEPS) if options.browser else STEPS
    TOOLCHAIN.mkdir(exist_ok=True)
    # Two `make` at once on one checkout must not both install.
    with (TOOLCHAIN / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        results = set_up(steps, check_only=options.check)
    good = all(result.state in ("ready", "made") for result in results)
    if options.json:
        made = [dataclasses.asdict(result) for result in results]
        path = [str(BIN), str(VENV / "bin")]
        print(json.dumps({"ok": good, "path": path, "steps": made}, indent=2))
    if not good:
        say("the toolchain is not ready: see the step above")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
