"""What a reader is told to type, typed: the example's README from its first line to its last, and
then every reading command of every document."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Home
from tests.test_docs import DOCUMENTS, commands_in

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

SHELL = f"""
set -u -o pipefail
mandate() {{ {shlex.quote(sys.executable)} -m pulumi_mandate.cli "$@"; }}
# Nobody is here to press a key.
pulumi() {{
    if [ "$1" = up ]; then set -- "$@" --yes --skip-preview --non-interactive; fi
    command pulumi "$@"
}}
"""
READS = re.compile(
    r"mandate (doctor|resume|status|trust show|keys show( executor)?|dev (start|status)"
    r"|(status|show|verify|trace) 1)( --(json|brief|markdown))?"
)


def lines_of(document: Path) -> list[str]:
    """The commands of its ```sh block, comments too."""
    [block] = re.findall(r"(?s)```sh\n(.*?)```", document.read_text())
    return [line for line in str(block).splitlines() if line.strip()]


def script_of(lines: list[str]) -> str:
    """Stops with 99 at the first line that ends otherwise than its comment says."""
    checked = []
    for line in lines:
        refused = line.partition("#")[2].strip().startswith("refused")
        wrong = f"echo {shlex.quote('NOT AS WRITTEN: ' + line)}; exit 99"
        checked += [f"if {{ {line}\n}}; then code=0; else code=$?; fi"]
        checked += [f'[ "$code" {"-ne" if refused else "-eq"} 0 ] || {{ {wrong}; }}']
    return SHELL + "\n".join(checked)


def test_the_example_runs_as_its_readme_says(home: Home, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    example = checkout / "examples" / "01-shop"
    shutil.copytree(ROOT / "examples", example.parent, ignore=shutil.ignore_patterns("__pycache__"))
    lines = lines_of(example / "README.md")
    assert sum("pulumi up" in line for line in lines) == 3, "refused, run, nothing left"

    done = subprocess.run(
        ["bash", "-c", script_of(lines)],
        cwd=checkout,
        env=home.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert home.buckets("acme") == ["acme-shop-pictures"]
    told = Path(home.environment["MANDATE_HOME"], "edge", "inboxes", "store-17")
    assert list(told.glob("*.bundle.json")), "where the README says that it lies"
    home.ok("status", "1", cwd=example)
    _every_reading_command(home, example)


def _every_reading_command(home: Home, example: Path) -> None:
    documented = {line.strip() for path in DOCUMENTS for line in commands_in(path.read_text())}
    reading = sorted(line for line in documented if READS.fullmatch(line))
    assert len(reading) > 15, "the pattern finds nothing any more"

    failed = {}
    for line in reading:
        said = home.mandate(*shlex.split(line)[1:], cwd=example)
        if said.code or not said.out.strip():
            failed[line] = said

    assert not failed


def test_a_line_that_does_otherwise_than_it_says_is_found() -> None:
    for line, code in (
        ("true", 0),
        ("true  # refused: no", 99),
        ("false  # refused: yes", 0),
        ("false", 99),
        ("false | true", 99),
    ):
        done = subprocess.run(
            ["bash", "-c", script_of([line])], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, line
