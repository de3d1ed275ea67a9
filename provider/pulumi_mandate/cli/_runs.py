"""Runs of this machine that nobody finished yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..gate.folder import RunFolder


def unfinished_runs() -> list[RunFolder]:
    """Oldest first: no result was written, or the run is still open."""
    from ..gate.closing import OPEN
    from ..gate.folder import run_folders

    return [
        folder
        for folder in run_folders()
        if (result := folder.result()) is None or result["status"] == OPEN
    ]
