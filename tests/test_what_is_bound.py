"""The table of what a plan binds is whole: no option of the SDK and no flag of the engine lacks."""

from __future__ import annotations

import inspect
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.outer import parse_command

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "what-is-bound.md"
ROW = re.compile(r"\| `(?P<name>[^`]+)` \| (?P<where>.+) \| `(?P<test>[^`]+)` \|")
FLAG = re.compile(r"^\s+(?:-\w, )?--([a-z][a-z-]*)(?: (\w\S*))?", re.MULTILINE)


def _rows(title: str) -> dict[str, re.Match[str]]:
    section = PAGE.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    rows = [ROW.fullmatch(line) for line in lines]
    found = {row["name"]: row for row in rows if row is not None}

    assert len(found) == len(lines), "a row has another form, or comes twice"
    return found


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, re.Match[str]]]:
    return {title: _rows(title) for title in ("Resource options", "Flags of `pulumi up`")}


def test_every_resource_option_has_a_row(rows: dict[str, dict[str, re.Match[str]]]) -> None:
    options = set(inspect.signature(pulumi.ResourceOptions).parameters)

    assert options == set(rows["Resource options"])


def _flags(pulumi_env: Mapping[str, str]) -> dict[str, bool]:
    """Every flag of `pulumi up`, and whether it takes a value."""
    shown = subprocess.run(
        ["pulumi", "up", "--help"], env=pulumi_env, capture_output=True, text=True, check=True
    ).stdout
    kinds = ("string", "strings", "stringArray", "int", "int32")
    return {name: kind.startswith(kinds) and "[" not in kind for name, kind in FLAG.findall(shown)}


def test_every_flag_has_a_row(
    rows: dict[str, dict[str, re.Match[str]]], pulumi_env: Mapping[str, str]
) -> None:
    flags = set(_flags(pulumi_env))

    assert len(flags) > 40
    assert flags == {name.removeprefix("--") for name in rows["Flags of `pulumi up`"]}


def test_a_flag_is_treated_as_its_row_says(
    rows: dict[str, dict[str, re.Match[str]]], pulumi_env: Mapping[str, str]
) -> None:
    for name, takes_value in _flags(pulumi_env).items():
        words = ["pulumi", "up", f"--{name}", *(["1"] if takes_value else [])]
        try:
            parse_command(words)
            refused = False
        except Refused:
            refused = True

        says = rows["Flags of `pulumi up`"][f"--{name}"]["where"].startswith("refused")
        # With `--help` the engine starts no program that could ask the gate.
        assert refused == says or name == "help", name


def test_every_test_that_is_named_exists(rows: dict[str, dict[str, re.Match[str]]]) -> None:
    for row in [row for section in rows.values() for row in section.values()]:
        path, _, name = row["test"].partition("::")

        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), row["test"]
