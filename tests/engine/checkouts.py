"""One person's checkout of a program: own folder, own backend, own passphrase, own stack file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_mandate.checks import Rules
from pulumi_mandate.gate.preview import take_preview
from pulumi_mandate.models import Address, Subject, keccak
from pulumi_mandate.plan.build import Facts, build_document
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import program_digest
from pulumi_mandate.plan.raw import KEY_NAME, RawPreview, subject_key
from pulumi_mandate.plan.toolchain import toolchain

KEY = "ab" * 32
PROJECT = "fixture"
PROVIDER = """
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult


class ThingProvider(ResourceProvider):
    def diff(self, rid, olds, news):
        keys = [k for k in news if k != "__provider" and olds.get(k) != news.get(k)]
        return DiffResult(changes=bool(keys), replaces=[k for k in keys if k == "kind"])

    def create(self, props):
        return CreateResult("thing-" + props["label"], {**props, "arn": "arn:" + props["label"]})

    def update(self, rid, olds, news):
        return UpdateResult({**news, "arn": olds.get("arn")})


class Thing(Resource, module="mandate", name="Thing"):
    arn: "pulumi.Output[str]"

    def __init__(self, name, opts=None, **props):
        super().__init__(ThingProvider(), name, {"arn": None, **props}, opts)
"""


@dataclass
class Checkout:
    """A folder with a program, and a stack to preview it on."""

    folder: Path
    env: Mapping[str, str] = field(repr=False)
    stack: str = "dev"

    def write(self, main: str, **files: str) -> Checkout:
        """Write the program: `main` after the imports, and further modules by name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        (self.folder / "things.py").write_text(PROVIDER)
        (self.folder / "__main__.py").write_text(
            "import pulumi\nfrom things import Thing\nconfig = pulumi.Config()\n" + main
        )
        for name, content in files.items():
            (self.folder / f"{name}.py").write_text(content)
        return self

    def init(self, **secrets: str) -> Checkout:
        """Make the stack, with the commitment key and further secrets."""
        self.pulumi("stack", "init", self.stack)
        self.pulumi("config", "set", "--secret", KEY_NAME, KEY)
        for name, value in secrets.items():
            self.pulumi("config", "set", "--secret", name, value)
        return self

    def pulumi(self, *arguments: str, stdin: str | None = None) -> str:
        """Run the CLI; a failure shows what it said."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=dict(self.env),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def up(self) -> None:
        """Apply the program without any gate."""
        self.pulumi("up", "--yes", "--skip-preview", f"--stack={self.stack}")

    def state(self) -> str:
        """The whole state, secrets in the clear."""
        return self.pulumi("stack", "export", "--show-secrets")

    def adopt(self, state: str) -> Checkout:
        """Take over another checkout's state, under this stack's own passphrase and salt."""
        deployment = json.loads(state)
        own = json.loads(self.state())["deployment"]["secrets_providers"]
        deployment["deployment"]["secrets_providers"] = own
        self.pulumi("stack", "import", stdin=json.dumps(deployment))
        return self

    def document(self, flags: Sequence[str] = ()) -> Document:
        """Preview and build the document, always with the same facts."""
        return self.document_of(self.preview(flags))

    def preview(self, flags: Sequence[str] = ()) -> RawPreview:
        """What the engine says now."""
        return take_preview(self.folder, self.stack, flags=flags, env=self.env)

    def document_of(self, raw: RawPreview) -> Document:
        """The document of a preview, always with the same facts."""
        rules = Rules.load()
        facts = Facts(
            subject=Subject("backend", "organization", PROJECT, self.stack),
            program=program_digest(self.folder, self.stack),
            toolchain=toolchain(raw.engine_version, []),
            rules=rules.digest,
            proposer=Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
            not_before=1_800_000_000,
            expires_at=1_800_604_800,
            salt=keccak(b"salt"),
            key=subject_key(raw.config),
        )
        return build_document(raw, facts, rules.judge)
