"""The session policy of a plan, judged by the stand-in evaluator: what it lets through, and not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_mandate.broker.policy import MAX_CHARACTERS, session_policy
from tests.broker.stage import ACCOUNT, WRITE, bucket
from tests.gate.cases import operation, urn
from tests.plugins.iam_evaluator import allowed

INSTANCE = "pulumi-python:dynamic/mandate:Ec2Instance"
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""The role's own: only the session policy narrows."""


def instance(op: str = "create", **changes: Any) -> dict[str, Any]:
    return operation("vm", op, type=INSTANCE, urn=urn("vm", INSTANCE), **changes)


@pytest.mark.parametrize(
    ("action", "resource", "lets"),
    [
        ("s3:CreateBucket", "arn:aws:s3:::logs", True),
        ("s3:PutObject", "arn:aws:s3:::logs/today", True),
        ("s3:GetBucketPolicy", "arn:aws:s3:::theirs", True),  # looking is not changing
        ("s3:DeleteBucket", "arn:aws:s3:::theirs", False),
        ("s3:PutObject", "arn:aws:s3:::logs-of-theirs/today", False),
        ("ec2:TerminateInstances", f"arn:aws:ec2:eu-central-1:{ACCOUNT}:instance/i-1", False),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/mallory", False),
        ("sts:AssumeRole", WRITE, False),
    ],
)
def test_a_plan_of_one_bucket_touches_that_bucket(action: str, resource: str, lets: bool) -> None:
    policy = session_policy([bucket("logs")], WRITE)

    assert policy is not None
    assert allowed(action, resource, EVERYTHING, policy) is lets


def test_a_deny_of_the_role_is_not_lifted_by_the_session() -> None:
    policy = session_policy([bucket("logs")], WRITE)
    denying = json.loads(json.dumps(EVERYTHING))
    denying["Statement"].append({"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"})

    assert policy is not None
    assert not allowed("s3:DeleteBucket", "arn:aws:s3:::logs", denying, policy)
    assert allowed("s3:CreateBucket", "arn:aws:s3:::logs", denying, policy)


def test_a_known_instance_is_touched_alone_and_a_new_one_by_its_kind() -> None:
    mine, other = (f"arn:aws:ec2:eu-central-1:{ACCOUNT}:instance/{one}" for one in ("i-1", "i-2"))
    deleted = session_policy([instance("delete", id="i-1")], WRITE)
    created = session_policy([instance()], WRITE)

    assert deleted is not None
    assert created is not None
    assert allowed("ec2:TerminateInstances", mine, deleted)
    assert not allowed("ec2:TerminateInstances", other, deleted)
    assert allowed("ec2:RunInstances", mine, created)
    assert not allowed("ec2:CreateVpc", f"arn:aws:ec2:eu-central-1:{ACCOUNT}:vpc/*", created)


def test_what_runs_nowhere_needs_nothing() -> None:
    stack = "pulumi:pulumi:Stack"
    group = operation("s", type=stack, urn=urn("s", stack))

    assert session_policy([group, bucket()], WRITE) == session_policy([bucket()], WRITE)
    assert session_policy([group], WRITE) is None


@pytest.mark.parametrize(
    "operations",
    [
        [operation("thing")],
        [bucket("logs"), operation("thing")],
        [bucket("logs", after={"inputs": {}})],
        [bucket("logs", after={"inputs": {"bucket": "*"}})],
        [bucket("logs", after={"inputs": {"bucket": "${aws:username}"}})],
        [bucket("logs", after={"inputs": {"bucket": {"unknown": 1}}})],
        [bucket(f"a-bucket-with-quite-a-long-name-{number}") for number in range(40)],
    ],
    ids=["unknown type", "one of two", "drawn", "pattern", "variable", "unknown", "too long"],
)
def test_where_the_plan_does_not_say_enough_there_is_none(operations: list[Any]) -> None:
    assert session_policy(operations, WRITE) is None


def test_what_there_is_fits() -> None:
    policy = session_policy([bucket(f"bucket-{number}") for number in range(15)], WRITE)

    assert policy is not None
    assert len(policy) <= MAX_CHARACTERS


def test_the_partition_is_the_roles() -> None:
    policy = session_policy([bucket("logs")], "arn:aws-cn:iam::123456789012:role/r")

    assert policy is not None
    assert allowed("s3:CreateBucket", "arn:aws-cn:s3:::logs", policy)
    assert not allowed("s3:CreateBucket", "arn:aws:s3:::logs", policy)
