"""Both providers under the real engine: preview, up, drift, update, replace, destroy."""

from __future__ import annotations

import json

import pytest

from pulumi_mandate.dev.cloud import cloud_environment

pytestmark = pytest.mark.engine

BUCKET = """
import pulumi
from pulumi_mandate.resources.s3_bucket import S3Bucket

first = S3Bucket("first", "engine-first", tags={"team": "a"}%s)
# the second one's tag is unknown until the first exists
below = pulumi.ResourceOptions(parent=first)
S3Bucket("second", "engine-second", tags={"first": first.arn}, opts=below)
pulumi.export("arn", first.arn)
"""
INSTANCE = """
import pulumi
from pulumi_mandate.resources.ec2_instance import Ec2Instance

made = Ec2Instance("gpu", %r, %r, tags={"team": %r})
pulumi.export("ip", made.private_ip)
"""


def test_a_bucket_lives_under_the_engine(engine_stack, cloud: str, outside) -> None:
    s3 = outside("s3")
    stack = engine_stack(cloud_environment(cloud)).program(BUCKET % "")

    assert stack.preview() == {"first": "create", "second": "create"}
    assert s3.list_buckets()["Buckets"] == []  # a preview makes nothing
    stack.up()
    assert stack.outputs() == {"arn": "arn:aws:s3:::engine-first"}
    assert {one["Name"] for one in s3.list_buckets()["Buckets"]} == {
        "engine-first",
        "engine-second",
    }
    first, second = stack.state("first"), stack.state("second")
    assert first["inputs"]["identity"] != second["inputs"]["identity"]
    assert second["outputs"]["tags"] == {"first": "arn:aws:s3:::engine-first"}
    # the provider's code is in the state as it is, not as a secret
    assert isinstance(first["inputs"]["__provider"], str)
    assert stack.preview() == {"first": "same", "second": "same"}

    s3.delete_public_access_block(Bucket="engine-first")
    s3.delete_bucket(Bucket="engine-second")
    stack.refresh()
    assert stack.preview() == {"first": "update", "second": "create"}
    stack.up()
    block = s3.get_public_access_block(Bucket="engine-first")["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}

    stack.program(BUCKET % ", versioning=True, object_lock=True")
    steps = json.loads(stack.pulumi("preview", "--json", "--show-replacement-steps").stdout)[
        "steps"
    ]
    order = [step["op"] for step in steps if step["urn"].endswith("::first")]
    # the name is kept, so the old bucket goes first
    assert order.index("delete-replaced") < order.index("create-replacement")
    stack.up()
    assert stack.state("first")["outputs"]["object_lock"] is True

    stack.destroy()
    assert s3.list_buckets()["Buckets"] == []


def test_a_bad_bucket_fails_in_the_preview_with_its_property(engine_stack, cloud: str) -> None:
    stack = engine_stack(cloud_environment(cloud)).program(BUCKET % ", policy='not json'")

    done = stack.pulumi("preview", ok=False)

    assert "policy" in done.stdout + done.stderr


def test_an_instance_lives_under_the_engine(engine_stack, cloud: str, outside, ami: str) -> None:
    ec2 = outside("ec2")

    def alive() -> list[str]:
        reservations = ec2.describe_instances(
            Filters=[{"Name": "instance-state-name", "Values": ["running"]}]
        )["Reservations"]
        return [one["InstanceType"] for each in reservations for one in each["Instances"]]

    stack = engine_stack(cloud_environment(cloud)).program(INSTANCE % ("g5.xlarge", ami, "a"))
    assert stack.preview() == {"gpu": "create"}
    assert alive() == []
    stack.up()
    assert alive() == ["g5.xlarge"]
    made = stack.state("gpu")
    assert stack.outputs() == {"ip": made["outputs"]["private_ip"]}

    stack.program(INSTANCE % ("g5.xlarge", ami, "b"))
    assert stack.preview() == {"gpu": "update"}
    stack.up()
    assert stack.state("gpu")["id"] == made["id"]

    stack.program(INSTANCE % ("g6.xlarge", ami, "b"))
    stack.up()
    assert alive() == ["g6.xlarge"]
    stack.up("--replace", made["urn"])  # forced, with the very same inputs
    assert alive() == ["g6.xlarge"]

    ec2.terminate_instances(InstanceIds=[stack.state("gpu")["id"]])
    stack.refresh()
    assert stack.preview() == {"gpu": "create"}
    stack.up()
    stack.destroy()
    assert alive() == []
