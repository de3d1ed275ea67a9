"""The broker's log: whole lines, in order, one writer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulumi_mandate.broker.events import Events, last_of
from pulumi_mandate.errors import MandateError
from tests.broker.stage import CONTROLLER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "log" / "events.jsonl"
    events = Events(file, clock=lambda: 7.9)
    for number in range(3):
        events.append("signed", str(CONTROLLER), run=number)
    events.close()
    return file


def test_each_line_names_the_one_before_it(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]

    assert [line["run"] for line in lines] == [0, 1, 2]
    assert lines[0]["before"] == "0x" + "00" * 32
    assert len({line["before"] for line in lines}) == 3
    assert lines[0]["at"] == 7
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_start_goes_on_with_the_chain(path: Path) -> None:
    before = last_of(path.read_bytes())
    events = Events(path)
    events.append("refused", str(CONTROLLER))
    events.close()

    assert json.loads(path.read_text().splitlines()[-1])["before"] == before
    assert last_of(path.read_bytes()) != before


@pytest.mark.parametrize("damage", ["changed", "taken out", "cut", "nonsense"])
def test_a_log_that_was_touched_is_not_gone_on_with(path: Path, damage: str) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(
        {
            "changed": lines[0].replace('"run": 0', '"run": 9') + "".join(lines[1:]),
            "taken out": lines[0] + lines[2],
            "cut": "".join(lines)[:-1],
            "nonsense": "".join(lines) + "nonsense\n",
        }[damage]
    )

    with pytest.raises(MandateError, match="does not follow"):
        Events(path)


def test_two_brokers_do_not_write_one_log(path: Path) -> None:
    first = Events(path)
    with pytest.raises(MandateError, match="another broker"):
        Events(path)
    first.close()
