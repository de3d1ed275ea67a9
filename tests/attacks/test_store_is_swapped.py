"""Attack: the machine's trust file stays, and the folder of the store is replaced by an empty one.

The chain knows an approval, nobody here can read what was approved. The defender sees step 4.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_an_empty_store_allows_nothing(approved: Attacked) -> None:
    store = Path(approved.machine.trust.store_uri.removeprefix("file://"))
    rules = [
        path for path in (store / "documents").iterdir() if b"version = 1" in path.read_bytes()
    ]
    kept = {path.name: path.read_bytes() for path in rules}
    shutil.rmtree(store)
    for data in kept.values():
        approved.machine.store.put(data)

    approved.refused(4, "not in the store")
