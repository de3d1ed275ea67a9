"""Attack: bytecode that is not what the source beside it says, in a cache that no digest covers.

Python runs `__pycache__/notes.….pyc` unread where its header says `unchecked-hash`, or where its
time and size are the source's: PEP 552. The defender sees the file named, before anything is spent.
"""

from __future__ import annotations

import importlib.util
import py_compile
from pathlib import Path

import pytest

from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import PROVIDER

pytestmark = [pytest.mark.engine, pytest.mark.chain]

EVIL = PROVIDER.replace('write_text(str(inputs["text"]))', 'write_text("EVIL")')


def test_the_planted_bytecode_is_refused(approved: Attacked, tmp_path: Path) -> None:
    assert EVIL != PROVIDER
    evil = tmp_path / "evil.py"
    evil.write_text(EVIL)
    cache = Path(importlib.util.cache_from_source(str(approved.folder / "notes.py")))
    cache.unlink(missing_ok=True)
    py_compile.compile(
        str(evil), str(cache), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )

    output = approved.up(ok=False)

    assert "the cached bytecode of notes.py is not what notes.py says" in output
    approved.untouched()
