"""Runs of this machine that nobody finished yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..gate.folder import RunFolder
    from ..gate.machine import Machine


def unfinished_runs(machine: Machine | None = None) -> list[RunFolder]:
    """Oldest first: no result was written, the run is still open, or the chain says that it runs.

    Without `machine` the chain is not asked: a run whose `begin` was mined after this machine had
    written "not begun" is then missing. Raises `ChainError`.
    """
    from ..gate.folder import run_folders
    from ..gate.judging import OPEN
    from ..gate.search import open_runs

    running = {folder.path for folder in open_runs(machine)} if machine is not None else set()
    return [
        folder
        for folder in run_folders()
        if folder.path in running or (result := folder.result()) is None or result["status"] == OPEN
    ]
