"""While an approved run goes on, its program uses our providers for more than was approved.

By calling one itself, by calling one again with the very values that were allowed, and by starting
another engine on a stack of its own, which has the run's engine above it, but not next. The
defender reads the refusals; the cloud has seen one bucket made, once.
"""

from __future__ import annotations

import json

import pytest

from tests.plugins.cloud_front import CloudFront
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True

PROGRAM = """
import json, subprocess
import pulumi
import pulumi_mandate
from pulumi.dynamic.dynamic import serialize_provider
from pulumi_mandate.resources.s3_bucket import S3BucketProvider

pulumi_mandate.govern()

told = {}


def attempt(name, act):
    try:
        told[name] = f"done: {act()}"
    except Exception as refusal:
        told[name] = str(refusal)
    with open(OUT, "w") as file:
        json.dump(told, file)


def inner():
    done = subprocess.run(["pulumi", "up", "--yes", "--skip-preview", "--non-interactive",
                           "--stack", "inner"], cwd=INNER, capture_output=True, text=True)
    return done.stdout + done.stderr


def by_hand(**inputs):
    provider = S3BucketProvider()
    checked = provider.check({}, {"bucket": "attacked-more"} | inputs).inputs
    return provider.create(checked | {"__provider": serialize_provider(provider)}).id


def again(found):
    return by_hand(bucket=found[0], identity=found[1])


if not pulumi.runtime.is_dry_run():
    attempt("by hand", by_hand)
    attempt("inner", inner)
logs = pulumi_mandate.S3Bucket("logs", bucket="attacked-logs")
if not pulumi.runtime.is_dry_run():
    # resolved when the bucket has been made, with the values that were allowed
    pulumi.Output.all(logs.bucket, logs.identity, logs.arn).apply(
        lambda found: attempt("again", lambda: again(found)))
"""
INNER = """
import pulumi_mandate
pulumi_mandate.S3Bucket("inner", bucket="attacked-inner")
"""


def test_only_what_was_approved_reaches_the_cloud(governed: Governed, front: CloudFront) -> None:
    inner, told = governed.folder.parent / "inner", governed.folder.parent / "told.json"
    inner.mkdir()
    (inner / "Pulumi.yaml").write_text("name: inner\nruntime: python\n")
    (inner / "__main__.py").write_text(INNER)
    outer, governed.folder = governed.folder, inner
    governed.pulumi("stack", "init", "inner")
    governed.folder = outer
    governed.program(PROGRAM.replace("OUT", repr(str(told))).replace("INNER", repr(str(inner))))
    governed.approve()

    governed.up()

    found = json.loads(told.read_text())
    assert "the gate has not allowed this create" in found["by hand"]
    assert "no governed run has begun for this engine" in found["inner"]
    assert "or it was done already" in found["again"]
    assert governed.result()["status"] == "completed"
    made = [call for call in front.changes if "attacked-logs" not in call]
    assert made == []
    assert front.calls.count("PUT /attacked-logs") == 1
