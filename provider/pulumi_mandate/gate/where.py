"""Which program, and on which stack: as a person named it, and as the engine told the program."""

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


@dataclass(frozen=True, slots=True)
class ProgramAt:
    """A program on this machine, and the stack it is about."""

    workdir: Path
    """The folder with `Pulumi.yaml`."""
    stack: str
    """As typed: `dev`, or `organisation/project/dev`."""
    imports: Path | None = None
    """For a plan of kind `import`: the file that says what, as `pulumi import --file` reads it."""
    flags: tuple[str, ...] = ()
    """Those that the plan binds: of an update or a destroy as `flags.bound_flags` gives them, of an
    edit of the state as `flags.edit_flags` does."""
