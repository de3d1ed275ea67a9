"""The components on the real engine and a real moto server."""

from __future__ import annotations

import json

import pytest

from pulumi_mandate_components.governed_bucket import bucket_policy

TRACED = True
PROGRAM = """
    import pulumi
    from pulumi_mandate_components import (
        EdgeSite, EdgeSiteArgs, GovernedBucket, GovernedBucketArgs, GpuPool, GpuPoolArgs)

    assets = GovernedBucket("assets", GovernedBucketArgs(
        bucket="acme-shop-assets", data_class={data_class!r}, region="us-east-1",
        readers=["arn:aws:iam::123456789012:role/web"], tags={{"team": "shop"}}))
    pool = GpuPool("pool", GpuPoolArgs(
        size={size}, instance_type="g5.xlarge", ami={ami!r},
        data_class="internal", region="us-east-1"))
    site = EdgeSite("store", EdgeSiteArgs(
        site="store-17", data_class="internal", jurisdiction="DE",
        config={{"catalogue": assets.arn, "token": pulumi.Output.secret("s3cr3t")}}))
    pulumi.export("bucket", assets.name)
    pulumi.export("instances", pool.instance_ids)
    pulumi.export("revision", site.revision)
"""


@pytest.fixture
def program(ami):
    def make(size=2, data_class="internal"):
        return PROGRAM.format(ami=ami, size=size, data_class=data_class)

    return make


@pytest.mark.engine
def test_components_make_what_they_say(stack, program, outside, machine):
    stack.program(program())

    # preview: each component is an operation that says what it bears and where
    planned = stack.preview()
    assert set(planned.values()) == {"create"}
    assert stack.preview_inputs("assets", "mandate:cloud:GovernedBucket") == {
        "data_class": "internal",
        "region": "us-east-1",
    }

    stack.up()

    s3, ec2 = outside("s3"), outside("ec2")
    policy = json.loads(s3.get_bucket_policy(Bucket="acme-shop-assets")["Policy"])
    assert [one["Sid"] for one in policy["Statement"]] == ["OnlyOverTls", "Readers"]
    block = s3.get_public_access_block(Bucket="acme-shop-assets")
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_versioning(Bucket="acme-shop-assets")["Status"] == "Enabled"
    tags = s3.get_bucket_tagging(Bucket="acme-shop-assets")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "team": "shop",
        "mandate:data-class": "internal",
        "mandate:place": "us-east-1",
    }
    assert len(running(ec2)) == 2
    assert sorted(stack.outputs()["instances"]) == sorted(running(ec2))
    accepted = machine.inbox("store-17").accept("store-17")
    assert accepted.config == {"catalogue": "arn:aws:s3:::acme-shop-assets", "token": "s3cr3t"}
    assert "s3cr3t" not in stack.pulumi("stack", "export").stdout
    assert set(stack.preview().values()) == {"same"}

    # a smaller pool is fewer instances, another class is another tag
    stack.program(program(size=1, data_class="confidential"))
    changed = stack.preview()
    assert changed["pool-1"] == "delete"
    assert changed["pool-0"] == "same"
    stack.up()
    assert len(running(ec2)) == 1

    stack.destroy()
    assert running(ec2) == []
    assert machine.inbox("store-17").accept("store-17") is None


@pytest.mark.engine
def test_a_wrong_argument_stops_the_program_before_anything_is_registered(stack, program):
    done = stack.program(program(size=0)).pulumi("preview", ok=False)

    said = done.stdout + done.stderr
    assert "GpuPoolArgs: size: Input should be greater than or equal to 1" in said
    stack.program(program(data_class="none of yours"))
    assert "data_class" in stack.up(ok=False)
    assert stack.state("assets") is None


def running(ec2):
    found = [one for r in ec2.describe_instances()["Reservations"] for one in r["Instances"]]
    return [one["InstanceId"] for one in found if one["State"]["Name"] == "running"]


def test_the_policy_text_depends_on_nothing_but_who_may_read():
    one, other = "arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"

    assert bucket_policy("x", [one, other]) == bucket_policy("x", [other, one, one])
    assert bucket_policy("x", [one]) != bucket_policy("x", [])
    assert "Allow" not in bucket_policy("x", [])
