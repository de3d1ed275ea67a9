"""A cloud that is busy, silent, or gone in the middle: bounded, told, and nothing is made twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from pulumi_mandate.errors import EngineError
from pulumi_mandate.resources import _aws, ec2_instance
from pulumi_mandate.resources.ec2_instance import Ec2InstanceProvider
from pulumi_mandate.resources.s3_bucket import S3BucketProvider
from tests.plugins.cloud_front import CloudFront, cloud_front

PROVIDER = Ec2InstanceProvider()


@pytest.fixture
def front(cloud: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFront]:
    """The door through which this process's clients go."""
    with cloud_front(cloud) as found:
        monkeypatch.setenv("AWS_ENDPOINT_URL", found.endpoint)
        yield found


def instance(ami: str) -> dict[str, Any]:
    return PROVIDER.check({}, {"instance_type": "g5.xlarge", "ami": ami}).inputs


def bucket() -> dict[str, Any]:
    return S3BucketProvider().check({}, {"bucket": "bad-days"}).inputs


def launched(outside: Any) -> int:
    return sum(len(one["Instances"]) for one in outside("ec2").describe_instances()["Reservations"])


def test_a_busy_cloud_is_asked_again_after_a_while(front, outside, ami: str, permitted) -> None:
    front.throttle = 2
    began = time.monotonic()

    made = PROVIDER.create(instance(ami))

    assert made.id.startswith("i-")
    assert time.monotonic() - began < 30
    assert front.calls[:3] == ["DescribeInstances"] * 3  # the same request, three times
    assert launched(outside) == 1


def test_a_cloud_that_stays_busy_is_an_error_with_its_own_word(
    front, outside, ami: str, permitted, monkeypatch
) -> None:
    monkeypatch.setattr(_aws, "ATTEMPTS", 2)
    front.throttle = 1000

    with pytest.raises(EngineError, match="launch instance: RequestLimitExceeded"):
        PROVIDER.create(instance(ami))
    assert len(front.calls) == 2
    assert launched(outside) == 0


def test_a_silent_cloud_is_an_error_in_bounded_time(front, monkeypatch) -> None:
    monkeypatch.setattr(_aws, "ATTEMPTS", 2)
    monkeypatch.setattr(_aws, "READ_TIMEOUT", 0.3)
    front.silent = True
    began = time.monotonic()

    with pytest.raises(EngineError, match="create bucket bad-days: Read timeout"):
        S3BucketProvider().create(bucket())
    assert time.monotonic() - began < 15
    assert len(front.calls) == 2


def test_an_instance_that_never_runs_is_an_error_that_says_so(
    front, outside, ami: str, permitted, monkeypatch
) -> None:
    """And it is still this operation's: the next try waits for the same one."""
    made = PROVIDER.create(instance(ami))
    outside("ec2").stop_instances(InstanceIds=[made.id])
    monkeypatch.setattr(ec2_instance, "WAIT", {"Delay": 0, "MaxAttempts": 2})

    with pytest.raises(EngineError, match=r"launch instance: .*[Mm]ax attempts"):
        PROVIDER.create(instance(ami))
    outside("ec2").start_instances(InstanceIds=[made.id])
    assert PROVIDER.create(instance(ami)).id == made.id
    assert launched(outside) == 1


@pytest.mark.parametrize("lost", ["PUT /bad-days", "PUT /bad-days?tagging"])
def test_a_bucket_whose_answer_was_lost_is_taken_up_by_the_same_operation(
    front, outside, permitted, monkeypatch, lost: str
) -> None:
    """It is made with its tag in one: there is no moment in which nobody knows whose it is."""
    monkeypatch.setattr(_aws, "ATTEMPTS", 1)
    monkeypatch.setattr(_aws, "READ_TIMEOUT", 2)
    front.lose = lambda call: call == lost
    with pytest.raises(EngineError, match="Read timeout"):
        S3BucketProvider().create(bucket())
    front.lose = lambda _: False

    assert S3BucketProvider().create(bucket()).id == "bad-days"
    assert front.calls.count("PUT /bad-days") == 1
    assert len(outside("s3").list_buckets()["Buckets"]) == 1
