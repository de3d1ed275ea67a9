"""Attack: two machines run the same mandate at the same moment, each with a state of its own.

The registry lets one of them begin. The other is told that the mandate is spent, or never learns
that it could have been; the cloud has seen each operation once.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import FOLDERS, Attacked
from tests.plugins.gate_fixtures import SUBJECT, write_trust

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def another_machine(approved: Attacked, place: Path) -> Attacked:
    """The same checkout, state and keys, under other paths; the same cloud."""
    here = str(approved.folder.parent)
    for folder in set(FOLDERS) - {"notes"}:
        shutil.copytree(Path(here, folder), place / folder, symlinks=True)
    moved = {name: value.replace(here, str(place)) for name, value in approved.environment.items()}
    trust = dataclasses.replace(
        approved.machine.trust, backend_ids={moved["PULUMI_BACKEND_URL"]: SUBJECT.backend}
    )
    write_trust(Path(moved["MANDATE_TRUST"]), trust)
    return dataclasses.replace(approved, folder=place / "program", environment=moved, sessions=[])


def test_one_of_them_begins(approved: Attacked, tmp_path: Path) -> None:
    other = another_machine(approved, tmp_path)
    engines = [machine.start("up", "--yes", "--skip-preview") for machine in (approved, other)]
    said = [engine.communicate(timeout=120)[0] for engine in engines]

    codes = sorted(engine.returncode for engine in engines)
    assert codes[0] == 0 != codes[1], said
    assert sorted(approved.calls()) == ["create first", "create greeting", "create second"]
    names = [event.name for event in approved.registry.history(approved.plan_hash)]
    assert names.count("Begun") == 1
    other.clean_up()
