"""Attack: two machines run the same mandate at the same moment, each with a state of its own.

Each has an executor and a runner who may, so neither waits for the other's transaction. The
registry lets one of them begin. The other is told that the mandate runs already, by its own gate or
by the registry; the cloud has seen each operation once.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import FOLDERS, Attacked
from tests.plugins.gate_fixtures import SUBJECT, key_in, write_trust

pytestmark = [pytest.mark.engine, pytest.mark.chain]

LATE = re.compile(r"the mandate is (running|unconfirmed)|another plan runs on this stack")


def another_machine(approved: Attacked, place: Path) -> Attacked:
    """The same checkout and state under other paths, other people's keys; the same cloud."""
    here = str(approved.folder.parent)
    for folder in set(FOLDERS) - {"notes"}:
        shutil.copytree(Path(here, folder), place / folder, symlinks=True)
    moved = {name: value.replace(here, str(place)) for name, value in approved.environment.items()}
    file, people = Path(moved["MANDATE_TRUST"]), approved.people
    trust = dataclasses.replace(
        approved.machine.trust,
        executor=key_in(file.parent, people["executor-2"]),
        runner=key_in(file.parent, people["runner-2"]),
        backend_ids={moved["PULUMI_BACKEND_URL"]: SUBJECT.backend},
    )
    write_trust(file, trust)
    other = dataclasses.replace(approved, folder=place / "program", environment=moved, sessions=[])
    other.pulumi("stack", "select", "test")
    return other


def test_one_of_them_begins(approved: Attacked, tmp_path: Path) -> None:
    other = another_machine(approved, tmp_path)
    engines = [machine.start("up", "--yes", "--skip-preview") for machine in (approved, other)]
    said = [engine.communicate(timeout=120)[0] for engine in engines]

    codes = [engine.returncode for engine in engines]
    assert codes.count(0) == 1, said
    late = said[1 - codes.index(0)]
    assert LATE.search(late), late
    assert sorted(approved.calls()) == ["create first", "create greeting", "create second"]
    names = [event.name for event in approved.registry.history(approved.plan_hash)]
    assert names.count("Begun") == 1
    other.clean_up()
