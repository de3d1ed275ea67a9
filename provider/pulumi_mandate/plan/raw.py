"""What the engine said, unchanged. Secrets are in the clear here: memory only, never printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_mandate.errors import UsageError

from .commitment import SubjectKey

KEY_NAME = "mandate:commitmentKey"


@dataclass(frozen=True, slots=True)
class RawPreview:
    """The sources of one preview. They must agree before anything is built from them."""

    plan_file: dict[str, Any] = field(repr=False)
    """`pulumi preview --save-plan F --show-secrets`: the content of F."""
    steps: dict[str, Any] = field(repr=False)
    """The same run's `--json`, with `--show-sames --show-replacement-steps --show-reads`."""
    before: dict[str, Any] = field(repr=False)
    """`pulumi stack export --show-secrets`, taken before the preview."""
    after: dict[str, Any] = field(repr=False)
    """The same, taken after it: equal, or somebody else changed the stack meanwhile."""
    config: dict[str, Any] = field(repr=False)
    """`pulumi config --show-secrets --json`."""
    kind: str = "up"
    """Which command was previewed. Of a destroy, `steps` are the destroy's own, and `plan_file` is
    what the program registers meanwhile."""
    made: dict[str, Any] = field(default_factory=dict, repr=False)
    """Of a refresh, an import or an edit of the state, which have neither plan file nor steps: the
    export of a copy of the state, on which it was done."""
    part: tuple[str, ...] = ()
    """Where only a part of the stack was to change: `--target=…` or `--exclude=…`, as typed."""

    @property
    def engine_version(self) -> str:
        """Such as `v3.259.0`."""
        written = self.made["deployment"] if self.made else self.plan_file
        return str(written["manifest"]["version"])


def subject_key(config: Mapping[str, Any]) -> SubjectKey:
    """The commitment key of a stack. Raises `UsageError`, and never quotes the key."""
    entry = config.get(KEY_NAME)
    next_step = f'pulumi config set --secret {KEY_NAME} "$(openssl rand -hex 32)"'
    if not isinstance(entry, dict) or not isinstance(entry.get("value"), str):
        raise UsageError(
            f"the stack has no {KEY_NAME}",
            meaning="Secrets appear in a plan as commitments, and those need a key.",
            next_step=next_step,
        )
    if entry.get("secret") is not True:
        raise UsageError(f"{KEY_NAME} is not a secret of the stack", next_step=next_step)
    return SubjectKey.from_hex(entry["value"])
