"""A governed stack on the echo provider (a stand-in), whatever language its program is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.test_gate_refresh import mandate
from tests.plugins.echo_provider import CALLS
from tests.plugins.gate_fixtures import Governed


class Echoes:
    """What the provider was told to do, and what `mandate` said."""

    def __init__(self, governed: Governed, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.governed = governed
        self._log = governed.folder.parent / "calls.log"
        # The proposer's preview runs in this process, the engine's in another.
        for name, value in (("PATH", path), (CALLS, str(self._log))):
            governed.environment[name] = value
            monkeypatch.setenv(name, value)
        for file in ("__main__.py", "notes.py"):
            (governed.folder / file).unlink()

    @property
    def calls(self) -> list[str]:
        return sorted(self._log.read_text().splitlines()) if self._log.exists() else []

    def write(self, name: str, text: str) -> Path:
        file = self.governed.folder / name
        file.write_text(text)
        return file

    def run(self, *words: str, code: int = 0) -> str:
        return mandate(self.governed, *words, code=code)
