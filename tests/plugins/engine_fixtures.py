"""A real stack on the real engine: a program's text in, states and steps out."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.gate.environment import UNGOVERNED

COMMAND_SECONDS = 120


@dataclass
class EngineStack:
    """One project and stack in a temporary folder, on a `file://` backend of its own."""

    folder: Path
    environment: dict[str, str]

    def program(self, text: str) -> EngineStack:
        (self.folder / "__main__.py").write_text(textwrap.dedent(text))
        return self

    def pulumi(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        done = self.run_command(["pulumi", *arguments, "--non-interactive"])
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done

    def run_command(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """As the engine's user, in the program's folder; it may fail."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def up(self, *flags: str, ok: bool = True) -> str:
        done = self.pulumi("up", "--yes", "--skip-preview", *flags, ok=ok)
        return done.stdout + done.stderr

    def preview(self, *flags: str) -> dict[str, str]:
        """What would happen: resource name to operation, `same` included."""
        done = self.pulumi("preview", "--json", "--show-sames", *flags)
        steps = json.loads(done.stdout)["steps"]
        return {
            step["urn"].split("::")[-1]: step["op"]
            for step in steps
            if "pulumi:pulumi:Stack" not in step["urn"]
        }

    def preview_inputs(self, name: str, kind: str = "") -> dict[str, Any]:
        done = self.pulumi("preview", "--json", "--show-sames")
        steps = json.loads(done.stdout)["steps"]
        step = next(step for step in steps if step["urn"].endswith(f"{kind}::{name}"))
        return dict(step["newState"]["inputs"])

    def refresh(self) -> None:
        self.pulumi("refresh", "--yes", "--skip-preview")

    def destroy(self) -> str:
        done = self.pulumi("destroy", "--yes", "--skip-preview")
        return done.stdout + done.stderr

    def state(self, name: str) -> dict[str, Any] | None:
        """The resource as the state holds it, secrets shown; None where it does not."""
        done = self.pulumi("stack", "export", "--show-secrets")
        resources = json.loads(done.stdout)["deployment"].get("resources", [])
        found = [item for item in resources if item["urn"].endswith(f"::{name}")]
        return found[0] if found else None

    def outputs(self) -> dict[str, Any]:
        done = self.pulumi("stack", "output", "--json", "--show-secrets")
        return dict(json.loads(done.stdout))


@pytest.fixture
def engine_stack(
    tmp_path: Path, pulumi_env: Mapping[str, str]
) -> Callable[[Mapping[str, str]], EngineStack]:
    """Make a stack: `engine_stack({"AWS_REGION": …})`; the variables join the environment.

    Not a governed one: what our providers do is looked at here, not whether they may.
    """

    def make(variables: Mapping[str, str]) -> EngineStack:
        folder = tmp_path / "program"
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
        stack = EngineStack(folder, dict(pulumi_env) | {UNGOVERNED: "yes"} | dict(variables))
        stack.pulumi("stack", "init", "test")
        return stack

    return make
