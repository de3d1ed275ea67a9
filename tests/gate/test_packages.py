"""A second process digests what is installed: the same packages, or this process looks itself."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate.gate import packages
from pulumi_mandate.gate.packages import Beside, installed
from pulumi_mandate.plan.toolchain import UNOWNED, toolchain

EXPECTED = ["here"]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this process would find; the second one finds the truth."""
    monkeypatch.setattr(packages, "installed", lambda: EXPECTED)
    return EXPECTED


def test_it_finds_what_this_process_finds() -> None:
    beside = Beside(os.environ)

    assert toolchain("v3", beside()).content == toolchain("v3", installed()).content
    assert toolchain("v3", beside()).modules == toolchain("v3", installed()).modules


def test_it_looks_where_this_process_imports_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where a fresh interpreter would."""
    before = {one.name: one.digest for one in Beside(os.environ)()}
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "stray.py").write_text("import os\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site-packages")])

    found = {one.name: one.digest for one in Beside(os.environ)()}

    assert found.pop(UNOWNED) != before.pop(UNOWNED, None)
    assert found == before


def test_neither_a_variable_nor_the_folder_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = tmp_path / "pulumi_mandate"
    evil.mkdir()
    (evil / "__init__.py").write_text("raise SystemExit(open('taken', 'w'))\n")
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)

    found = Beside(os.environ | {"PYTHONPATH": str(tmp_path)})()

    assert sys.path == path
    assert found == installed()
    assert not (tmp_path / "taken").exists()


def test_a_search_path_that_changed_is_looked_at_here(
    here: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    beside = Beside(os.environ)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])

    assert beside() is here


def test_an_answer_is_given_once(here: list[str]) -> None:
    beside = Beside(os.environ)

    assert beside() is not here
    assert beside() is here


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(1)",
        "print('[]'); raise SystemExit(1)",
        "print('nonsense')",
        "print('[[1]]')",
        'print(\'[["a", "1", "0x12", []]]\')',
        "import time; time.sleep(60)",
    ],
)
def test_what_is_no_answer_is_looked_at_here(
    here: list[str], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    real = subprocess.run

    def run(words: list[str], **keywords: Any) -> Any:
        return real([words[0], "-I", "-c", code], **keywords)

    monkeypatch.setattr(packages.subprocess, "run", run)
    monkeypatch.setattr(packages, "SECONDS", 1.0)

    assert Beside(os.environ)() is here


def test_where_no_process_can_be_started_this_one_looks(
    here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    assert Beside(os.environ)() is here


def test_a_refusal_is_said_by_whoever_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "thing-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1\n")
    (info / "RECORD").write_text("thing.py,,\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    with pytest.raises(UsageError, match="lacks its file"):
        Beside(os.environ)()


def test_the_second_process_answers_in_json_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    info = tmp_path / "thing-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1\n")
    (info / "RECORD").write_text("thing.py,,\n")

    def ask(told: str) -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(told))
        return packages.main()

    assert ask(json.dumps([str(tmp_path)])) == 1
    assert ask("nonsense") == 1
    assert capsys.readouterr().out == ""
    (tmp_path / "thing.py").write_text("")
    assert ask(json.dumps([str(tmp_path)])) == 0
    row, stray = packages._read(capsys.readouterr().out)
    assert stray.name == UNOWNED  # its own notes, which it does not list
    assert (row.name, row.version, row.modules) == ("thing", "1", ("thing",))
