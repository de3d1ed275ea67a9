"""What the engine told a program about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Where:
    """One program on one stack."""

    root: Path
    """The folder with `Pulumi.yaml`."""
    organisation: str
    project: str
    stack: str

    @property
    def full_stack(self) -> str:
        return f"{self.organisation}/{self.project}/{self.stack}"
