"""kill -9 between the cloud's answer and the state: the thing is there, and nobody here knows.

A resume creates it "again", with the same key as the first time, because it is the same operation
of the same run: the provider finds what bears that key. moto forgets idempotency tokens
(docs: EC2 does not), so here the tag alone has to do it.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from pulumi_mandate.models import MandateState
from tests.plugins.cloud_front import CloudFront
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

PROGRAM = """
import pulumi
import pulumi_mandate

pulumi_mandate.govern()

pulumi_mandate.Ec2Instance("gpu", "g5.xlarge", {ami!r}, tags={{"team": "a"}})
pulumi_mandate.S3Bucket("logs", bucket="killed-logs")
"""


def instances(ec2: Any) -> list[str]:
    reservations = ec2.describe_instances()["Reservations"]
    return [one["InstanceId"] for each in reservations for one in each["Instances"]]


def kill_when_lost(governed: Governed, front: CloudFront, *calls: str) -> None:
    """Run `up`, and kill everything once the cloud has done these and answered none of them."""
    lost: set[str] = set()

    def lose(call: str) -> bool:
        if call in calls and call not in lost:
            lost.add(call)
            return True
        return False

    front.lost.clear()
    front.lose = lose
    engine = governed.start("up", "--yes", "--skip-preview")
    assert front.lost.wait(120), engine.communicate(timeout=5)
    while lost != set(calls):
        assert front.lost.wait(1)
    os.killpg(engine.pid, signal.SIGKILL)
    engine.communicate()
    front.lose = lambda _: False
    assert governed.result(status="open")
    governed.pulumi("cancel", "--yes")
    assert "pending_operations" in governed.up(ok=False)
    # Not a word about what is there: only that the next create may find it.
    governed.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")


def test_there_is_exactly_one_of_each(
    governed: Governed, front: CloudFront, outside: Any, ami: str
) -> None:
    ec2, s3 = outside("ec2"), outside("s3")
    governed.program(PROGRAM.format(ami=ami))
    plan = governed.approve()

    # Launched, and the bucket is made, with its tag in one; no answer says so.
    kill_when_lost(governed, front, "RunInstances", "PUT /killed-logs")
    assert len(instances(ec2)) == 1
    made = instances(ec2)
    assert s3.get_bucket_tagging(Bucket="killed-logs")["TagSet"][0]["Key"].endswith(":operation")

    output = governed.up()

    assert "resuming run" in output
    assert governed.result(status="completed")
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert len(governed.runs()) == 1
    assert instances(ec2) == made
    assert governed.state("gpu")["id"] == made[0]
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["killed-logs"]
    assert front.calls.count("RunInstances") == 1
    assert front.calls.count("PUT /killed-logs") == 1
