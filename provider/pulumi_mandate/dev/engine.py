"""The Pulumi command as a child of ours: found, given an environment of its own, and waited for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import EngineError, UsageError

TOOLS = ("pulumi", "pulumi-language-python", "pulumi-resource-pulumi-python")
COMMAND_SECONDS = 600
_WORDS = 15
"""Lines of a failed command that are shown; the rest is in the log."""


def search_path(environment: Mapping[str, str]) -> str:
    """A checkout's own tools first, then this interpreter's, then the user's."""
    checkout = Path(__file__).resolve().parents[3] / ".toolchain" / "bin"
    folders = [str(checkout)] if checkout.is_dir() else []
    return os.pathsep.join(
        [*folders, str(Path(sys.executable).parent), environment.get("PATH", "")]
    )


def check_tools(environment: Mapping[str, str]) -> None:
    """Raises `UsageError` naming what is missing and how to get it."""
    path = search_path(environment)
    missing = [name for name in TOOLS if shutil.which(name, path=path) is None]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} cannot be found",
            meaning="The contracts are deployed by a Pulumi stack.",
            next_step="in a checkout: `make toolchain`; elsewhere install Pulumi 3.259 or newer, "
            "https://www.pulumi.com/docs/install/",
        )


@dataclass(frozen=True)
class Engine:
    """Pulumi for one project folder."""

    folder: Path
    variables: Mapping[str, str]
    """What the commands get besides the caller's harmless variables."""
    log: Path

    def run(self, *arguments: str, secret: str | None = None) -> str:
        """Standard output. `secret` is given on standard input, where nobody can list it.

        Raises `EngineError` with the last lines.
        """
        try:
            done = subprocess.run(
                ["pulumi", *arguments, "--non-interactive", "--color", "never"],
                cwd=self.folder,
                env=self._environment(),
                input=secret,
                stdin=subprocess.DEVNULL if secret is None else None,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"pulumi {arguments[0]} did not end in {COMMAND_SECONDS} s") from None
        with self.log.open("a") as file:
            file.write(f"$ pulumi {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().splitlines()[-_WORDS:]
            raise EngineError(
                f"pulumi {arguments[0]} failed in {self.folder}",
                meaning="\n".join(said),
                next_step=f"read {self.log}",
            )
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs. Raises `EngineError`."""
        return dict(json.loads(self.run("stack", "output", "--json")))

    def project(self) -> str:
        """The project's name. Raises `UsageError`."""
        import yaml

        try:
            return str(yaml.safe_load((self.folder / "Pulumi.yaml").read_text())["name"])
        except (OSError, yaml.YAMLError, KeyError, TypeError):
            raise UsageError(f"{self.folder} holds no Pulumi project") from None

    def _environment(self) -> dict[str, str]:
        # Nothing of the caller's Pulumi, cloud or Python settings: this stack is not his.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULUMI_", "AWS_", "MANDATE_", "PYTHON"))
        }
        return kept | {
            "PATH": search_path(os.environ),
            "VIRTUAL_ENV": sys.prefix,
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **self.variables,
        }
