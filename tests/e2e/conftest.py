"""A development chain, cloud and people, started by the command that people type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROGRAM = '''"""One bucket."""

import pulumi_mandate

pulumi_mandate.govern()

pulumi_mandate.S3Bucket("{name}", bucket="{name}")
'''


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Home:
    """One development home; commands are real processes."""

    folder: Path
    environment: dict[str, str] = field(repr=False)

    def mandate(self, *words: str, cwd: Path | None = None, **settings: str) -> Said:
        return self._run(sys.executable, "-m", "pulumi_mandate.cli", *words, cwd=cwd, **settings)

    def ok(self, *words: str, cwd: Path | None = None) -> Said:
        """A `mandate` command that must succeed."""
        said = self.mandate(*words, cwd=cwd)
        assert said.code == 0, f"{words}: {said}"
        return said

    def pulumi(self, *words: str, cwd: Path, piped: str = "", **settings: str) -> Said:
        return self._run("pulumi", *words, "--non-interactive", cwd=cwd, piped=piped, **settings)

    def _run(self, *words: str, cwd: Path | None = None, piped: str = "", **settings: str) -> Said:
        done = subprocess.run(
            words,
            cwd=cwd or self.folder,
            env=self.environment | settings,
            input=piped,
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def buckets(self, prefix: str) -> list[str]:
        """What the cloud itself says: names that begin so."""
        import boto3

        client = boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id="emulator",
            aws_secret_access_key="emulator",
        )
        names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
        return sorted(name for name in names if name.startswith(prefix))

    # -- a program of one's own -----------------------------------------------------------------

    def program(self, project: str, name: str) -> Path:
        """A governed program of one bucket, its stack selected, its commitment key set."""
        folder = self.folder / project
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")
        (folder / "__main__.py").write_text(PROGRAM.format(name=name))
        self.ok("dev", "enrol", f"{project}/prod")
        key = self.ok("dev", "key", f"{project}/prod").out
        for said in (
            self.pulumi("stack", "init", "prod", cwd=folder),
            self.pulumi(
                "config", "set", "--secret", "mandate:commitmentKey", cwd=folder, piped=key
            ),
        ):
            assert said.code == 0, said
        return folder

    def propose(self, folder: Path) -> int:
        said = self.ok("propose", "--as", "ana", "--title", "A bucket", "--json", cwd=folder)
        return int(said.json["proposal"])

    def vote(self, number: int) -> None:
        self.ok("dev", "advance", "2m")
        for name in ("bo", "chi"):
            self.ok("vote", str(number), "for", "--as", name)

    def execute(self, number: int) -> None:
        for _ in range(2):
            self.ok("dev", "advance", "10m")
            self.ok("advance", str(number), "--as", "rae")

    def approve(self, folder: Path) -> int:
        """Propose, vote, wait, queue, wait, execute."""
        number = self.propose(folder)
        self.vote(number)
        self.execute(number)
        return number


def clean(environment: Mapping[str, str], *, traced: bool) -> dict[str, str]:
    """As a person has it. Traced, a story takes half as long again: only where nothing narrower
    counts its lines, and the module says `TRACED = True`."""
    guarded = ("AWS_", "PULUMI_", "MANDATE_", *(() if traced else ("COVERAGE_",)))
    return {name: text for name, text in environment.items() if not name.startswith(guarded)}


@pytest.fixture(scope="module")
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, toolchain_path: str
) -> Iterator[Home]:
    traced = getattr(request.module, "TRACED", False)
    folder = tmp_path_factory.mktemp("home")
    settings = {
        "PATH": toolchain_path,
        "VIRTUAL_ENV": sys.prefix,
        "NO_COLOR": "1",
        "MANDATE_DEV_HOME": str(folder / "dev"),
        "PULUMI_HOME": str(folder / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    made = Home(folder, clean(os.environ, traced=traced) | settings)
    made.environment |= made.ok("dev", "start", "--json").json["environment"]
    yield made
    made.mandate("dev", "stop")
