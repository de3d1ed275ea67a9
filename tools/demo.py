"""`make demo`: the whole flow on this machine, told as a transcript. We simulate none of it.

A real chain (anvil), real contracts, a real Pulumi engine, the AWS API as moto serves it, a key
that only the KMS has. Everything listens on loopback and is gone afterwards.

    python -m tools.demo [--record FILE] [--home DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tools.reference import with_block
from tools.transcript import DemoFailed, Transcript, normalise

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "01-shop"
BUCKET = (
    "urn:pulumi:prod::shop::mandate:cloud:GovernedBucket"
    "$pulumi-python:dynamic/mandate:S3Bucket::pictures"
)
CHEAP, DEAR = "g5.xlarge", "p4d.24xlarge"
REFUSAL = r"^\s+(error: refused at step|program: approved|Nobody has|A file of|It was run|next: )"
SHOWN = r"^Plan for|^operations:|^tier:|^\+ create.*dynamic|inputs\.(bucket|instance_type):"
CLOSING_SECONDS = 120
UP = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
TYPED_UP = "pulumi up"


class Story:
    """One demo home, one checkout of the example, one transcript."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.checkout = home / "checkout" / "01-shop"
        shutil.copytree(EXAMPLE, self.checkout, ignore=shutil.ignore_patterns("__pycache__"))
        self.environment = _environment(home)
        names = [(str(self.checkout), "~/01-shop"), (str(home / "dev"), "~/dev"), (str(home), "~")]
        self.show = Transcript(self.checkout, self.environment, names)
        self.dev: dict[str, Any] = {}

    def tell(self) -> None:
        """Every scene, in order. Raises `DemoFailed` where the story does not hold."""
        self.ground()
        self.refused_without_a_vote()
        self.proposed()
        self.verified_and_voted()
        self.executed()
        self.refused_when_edited()
        self.runs()
        self.refused_again()
        self.refused_destroy()
        self.traced()

    # -- scenes -----------------------------------------------------------------------------

    def ground(self) -> None:
        self.show.scene(
            "A chain, a cloud, people",
            "A development chain with the contracts, an AWS emulator whose KMS makes the "
            "executor's key, and keys for ana (engineer), bo, chi and dee (token holders) and rae "
            "(runner).",
        )
        self.show.run("you", ["mandate", "dev", "start"])
        self.dev = json.loads(self.show.ask(["mandate", "dev", "status", "--json"]).stdout)
        self.environment.update(self.dev["environment"])
        self.show.run("ana", ["pulumi", "stack", "select", "--create", "prod"], keep="Created")
        key = self.show.ask(["mandate", "dev", "key", "shop/prod"]).stdout
        self._secret("mandate dev key shop/prod", "mandate:commitmentKey", key.strip())
        self._secret("printf s3cr3t", "storeToken", "s3cr3t")

    def refused_without_a_vote(self) -> None:
        self.show.scene(
            "ana types what she always typed",
            "The program's first line is pulumi_mandate.govern(). Nobody has approved anything.",
        )
        self.show.run("ana", UP, shown=TYPED_UP, code=REFUSED_BY_ENGINE, keep=REFUSAL)
        self._cloud(buckets=[], instances=[])

    def proposed(self) -> None:
        self.show.scene(
            "She proposes the diff",
            "The preview becomes a canonical document; its hash becomes a proposal on chain. The "
            "store's token is in it as a commitment only.",
        )
        self.show.run(
            "ana",
            ["mandate", "propose", "--as", "ana", "--title", "Open the shop"],
            shown='mandate propose --as ana --title "Open the shop"',
        )

    def verified_and_voted(self) -> None:
        self.show.scene(
            "Token holders read it, recompute it, and vote",
            "bo believes neither ana nor any page: his machine hashes the bytes he reads and "
            "compares the result with the proposal's only call.",
        )
        self.show.run(
            "bo",
            ["mandate", "show", "1"],
            keep=SHOWN,
        )
        self.show.run("bo", ["mandate", "verify", "1", "--brief"])
        self.show.run("you", ["mandate", "dev", "advance", "2m"])
        for name, choice in (("bo", "for"), ("chi", "for"), ("dee", "against")):
            self.show.run(name, ["mandate", "vote", "1", choice, "--as", name])

    def executed(self) -> None:
        self.show.scene(
            "The vote ends, the delay passes, the mandate stands",
            "Anyone may take these steps; they decide nothing.",
        )
        self.show.run("you", ["mandate", "dev", "advance", "10m"])
        self.show.run("rae", ["mandate", "queue", "1", "--as", "rae"])
        self.show.run("you", ["mandate", "dev", "advance", "10m"])
        self.show.run("rae", ["mandate", "advance", "1", "--as", "rae"])

    def refused_when_edited(self) -> None:
        self.show.scene(
            "Somebody edits the program after the vote",
            f"One word: the GPU becomes a {DEAR}. The gate looks before anything is spent.",
        )
        program = self.checkout / "__main__.py"
        honest = program.read_text()
        program.write_text(honest.replace(CHEAP, DEAR))
        self.show.say(f"mallory$ sed -i s/{CHEAP}/{DEAR}/ __main__.py")
        self.show.run("mallory", UP, shown=TYPED_UP, code=REFUSED_BY_ENGINE, keep=REFUSAL)
        self._cloud(buckets=[], instances=[])
        program.write_text(honest)

    def runs(self) -> None:
        self.show.scene(
            "The plan that was voted on runs",
            "The executor's key signs the order inside its KMS, the registry spends the mandate, "
            "and each operation is compared with the approved one before the provider is called.",
        )
        (self.home / "before.json").write_text(self.show.ask(["pulumi", "stack", "export"]).stdout)
        self.show.run(
            "ana",
            UP,
            shown=TYPED_UP,
            keep=r"^\s+mandate: the executor|^\s+\+ \d+ created",
        )
        self._await_closed()
        self.show.run("ana", ["mandate", "status", "1"])
        self._cloud(buckets=["acme-shop-pictures"], instances=[CHEAP])
        (self.home / "after.json").write_text(self.show.ask(["pulumi", "stack", "export"]).stdout)

    def refused_again(self) -> None:
        self.show.scene(
            "A mandate is spent once",
            "mallory puts the stack's old state back, so that the very same plan would run again.",
        )
        self._import("before.json")
        self.show.say("mallory$ pulumi stack import --file before.json")
        self.show.run("mallory", UP, shown=TYPED_UP, code=REFUSED_BY_ENGINE, keep=REFUSAL)
        self._import("after.json")
        self._cloud(buckets=["acme-shop-pictures"], instances=[CHEAP])

    def refused_destroy(self) -> None:
        self.show.scene(
            "Nor can it be torn down",
            "The hooks live in the state, so a command that never runs the program meets them too.",
        )
        self.show.run(
            "mallory",
            ["pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive"],
            shown="pulumi destroy",
            code=REFUSED_BY_ENGINE,
            keep=r"^error: You must|S3Bucket.*error: Resource has delete hooks",
        )
        self._cloud(buckets=["acme-shop-pictures"], instances=[CHEAP])

    def traced(self) -> None:
        self.show.scene(
            "Why does this bucket exist?",
            "Months later, compliance asks. Every line below was checked just now, from the chain "
            "and the stored bytes.",
        )
        self.show.run(
            "compliance",
            ["mandate", "trace", BUCKET, "--brief"],
            shown=f"mandate trace '{BUCKET}' --brief",
        )

    # -- what the scenes need ---------------------------------------------------------------

    def _secret(self, source: str, name: str, value: str) -> None:
        """By a pipe: an argument list is no place for a secret."""
        self.show.say(f"ana$ {source} | pulumi config set --secret {name}")
        self.show.ask(["pulumi", "config", "set", "--secret", name], piped=value)

    def _import(self, name: str) -> None:
        self.show.ask(["pulumi", "stack", "import", "--file", str(self.home / name)])

    def _cloud(self, *, buckets: list[str], instances: list[str]) -> None:
        """Ask the cloud itself, and fail where it says something else than the story."""
        found_buckets, found_instances = self._ask_cloud()
        self.show.say(
            f"the cloud    buckets: {', '.join(found_buckets) or 'none'}; "
            f"instances: {', '.join(found_instances) or 'none'}"
        )
        if (found_buckets, found_instances) != (buckets, instances):
            raise DemoFailed(f"the cloud should have {buckets} and {instances}")

    def _ask_cloud(self) -> tuple[list[str], list[str]]:
        import boto3

        settings: dict[str, Any] = {
            "endpoint_url": self.dev["cloud"],
            "region_name": "us-east-1",
            "aws_access_key_id": "emulator",
            "aws_secret_access_key": "emulator",
        }
        buckets = boto3.client("s3", **settings).list_buckets()["Buckets"]
        pages = boto3.client("ec2", **settings).describe_instances()["Reservations"]
        instances = [
            instance["InstanceType"]
            for page in pages
            for instance in page["Instances"]
            if instance["State"]["Name"] in ("pending", "running")
        ]
        return sorted(bucket["Name"] for bucket in buckets), sorted(instances)

    def _await_closed(self) -> None:
        """The watcher states the outcome a moment after `pulumi up` has ended."""
        deadline = time.monotonic() + CLOSING_SECONDS
        while time.monotonic() < deadline:
            answer = json.loads(self.show.ask(["mandate", "status", "1", "--json"]).stdout)
            if answer["proposals"][0]["state"] == "unconfirmed":
                return
            time.sleep(0.5)
        raise DemoFailed("the run was not closed on chain")

    def stop(self) -> None:
        self.show.ask(["mandate", "dev", "stop"])


REFUSED_BY_ENGINE = 1
"""What the engine exits with when a program or a hook fails."""


def _environment(home: Path) -> dict[str, str]:
    """Of the demo's people: nothing of the reader's own Pulumi, AWS or mandate settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PULUMI_", "AWS_", "MANDATE_", "PYTHON"))
    }
    tools = [ROOT / ".toolchain" / "bin", Path(sys.executable).parent]
    path = os.pathsep.join([*map(str, tools), kept.get("PATH", os.defpath)])
    return kept | {
        "PATH": path,
        "VIRTUAL_ENV": sys.prefix,
        "NO_COLOR": "1",
        "MANDATE_DEV_HOME": str(home / "dev"),
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def record(transcript: str, file: Path) -> None:
    """Into a Markdown file between its `demo` marks, into any other as it is."""
    if file.suffix == ".md":
        transcript = with_block(file.read_text(), "demo", transcript, "text")
    file.write_text(transcript)


def main(arguments: list[str] | None = None) -> int:
    """Tell the story; 0 where every step went as told."""
    parser = argparse.ArgumentParser(prog="make demo", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--record", type=Path, help="normalised, for the README")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mandate-demo-", ignore_cleanup_errors=True) as folder:
        story = Story(Path(folder).resolve())
        try:
            story.tell()
        except DemoFailed as failure:
            print(f"\nthe demo did not go as told: {failure}", file=sys.stderr)
            return 1
        finally:
            story.stop()
    if chosen.record is not None:
        record(normalise("\n".join(story.show.lines)).strip("\n") + "\n", chosen.record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
