"""The session policy of a plan, judged by the stand-in evaluator: what it lets through, and not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_mandate.broker.policy import _ROWS, MAX_CHARACTERS, session_policy
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
    assert not allowed("ec2:TerminateInstances", mine, created)
    replaced = session_policy([instance("create-replacement", id="i-1")], WRITE)
    assert replaced == created
    profile = {"inputs": {"iamInstanceProfile": "admin"}}
    assert session_policy([instance(after=profile)], WRITE) is None  # it would pass a role
    assert not allowed("ec2:CreateVpc", f"arn:aws:ec2:eu-central-1:{ACCOUNT}:vpc/*", created)


HERE = f"eu-central-1:{ACCOUNT}"
S3, EC2 = "arn:aws:s3:::", f"arn:aws:ec2:{HERE}:"
BY_NAME = [
    ("aws:s3/bucket:Bucket", "bucket", "s3:CreateBucket", S3 + "{}"),
    ("aws:s3/bucketV2:BucketV2", "bucket", "s3:PutBucketAcl", S3 + "{}"),
    ("aws:s3/bucketObjectv2:BucketObjectv2", "bucket", "s3:PutObject", S3 + "{}/index.html"),
    ("aws:s3/bucketPolicy:BucketPolicy", "bucket", "s3:PutBucketPolicy", S3 + "{}"),
    (
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "bucket",
        "s3:PutBucketPublicAccessBlock",
        S3 + "{}",
    ),
    ("aws:s3/bucketVersioning:BucketVersioning", "bucket", "s3:PutBucketVersioning", S3 + "{}"),
    (
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        "securityGroupId",
        "ec2:AuthorizeSecurityGroupIngress",
        EC2 + "security-group/{}",
    ),
    (
        "aws:route53/record:Record",
        "zoneId",
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/{}",
    ),
    (
        "aws:dynamodb/table:Table",
        "name",
        "dynamodb:CreateTable",
        f"arn:aws:dynamodb:{HERE}:table/{{}}",
    ),
    ("aws:sqs/queue:Queue", "name", "sqs:CreateQueue", f"arn:aws:sqs:{HERE}:{{}}"),
    ("aws:sns/topic:Topic", "name", "sns:CreateTopic", f"arn:aws:sns:{HERE}:{{}}"),
    (
        "aws:ecr/repository:Repository",
        "name",
        "ecr:CreateRepository",
        f"arn:aws:ecr:{HERE}:repository/{{}}",
    ),
    (
        "aws:cloudwatch/logGroup:LogGroup",
        "name",
        "logs:CreateLogGroup",
        f"arn:aws:logs:{HERE}:log-group:{{}}",
    ),
]
BY_ID = [
    ("aws:ec2/instance:Instance", "ec2:StopInstances", EC2 + "instance/{}"),
    ("aws:ebs/volume:Volume", "ec2:DeleteVolume", EC2 + "volume/{}"),
    ("aws:ec2/securityGroup:SecurityGroup", "ec2:DeleteSecurityGroup", EC2 + "security-group/{}"),
    (
        "aws:cloudfront/distribution:Distribution",
        "cloudfront:UpdateDistribution",
        f"arn:aws:cloudfront::{ACCOUNT}:distribution/{{}}",
    ),
]


def of(kind: str, op: str = "create", **changes: Any) -> dict[str, Any]:
    return operation("thing", op, type=kind, urn=urn("thing", kind), **changes)


@pytest.mark.parametrize(("kind", "by", "action", "arn"), BY_NAME, ids=[r[0] for r in BY_NAME])
def test_what_has_a_name_is_touched_by_that_name_alone(
    kind: str, by: str, action: str, arn: str
) -> None:
    policy = session_policy([of(kind, after={"inputs": {by: "mine"}})], WRITE)

    assert policy is not None
    assert allowed(action, arn.format("mine"), EVERYTHING, policy)
    for other in ("theirs", "mine-too"):
        assert not allowed(action, arn.format(other), EVERYTHING, policy)
    assert not allowed("iam:PassRole", WRITE, EVERYTHING, policy)
    for name in ({"unknown": 1}, "", "*", "mi?e", "${aws:username}", "mine:else", None):
        assert session_policy([of(kind, after={"inputs": {by: name}})], WRITE) is None
    # Renamed: the old one goes.
    sides = {"before": {"inputs": {by: "old"}}, "after": {"inputs": {by: "mine"}}}
    policy = session_policy([of(kind, "update", **sides)], WRITE)
    assert policy is not None
    assert allowed(action, arn.format("old"), policy)


@pytest.mark.parametrize(("kind", "action", "arn"), BY_ID, ids=[row[0] for row in BY_ID])
@pytest.mark.parametrize("op", ["update", "delete", "delete-replaced"])
def test_what_has_an_id_is_touched_by_that_id_alone(
    kind: str, action: str, arn: str, op: str
) -> None:
    policy = session_policy([of(kind, op, id="x-1")], WRITE)

    assert policy is not None
    assert allowed(action, arn.format("x-1"), EVERYTHING, policy)
    assert not allowed(action, arn.format("x-2"), EVERYTHING, policy)
    assert session_policy([of(kind, op, id=None)], WRITE) is None
    assert session_policy([of(kind, op, id="*")], WRITE) is None


def test_a_new_thing_whose_id_is_drawn_gives_no_right_over_others() -> None:
    volume = session_policy([of("aws:ebs/volume:Volume")], WRITE)

    assert volume is not None
    assert allowed("ec2:CreateVolume", EC2 + "volume/vol-1", volume)
    assert not allowed("ec2:DeleteVolume", EC2 + "volume/vol-1", volume)
    for kind in ("aws:ec2/securityGroup:SecurityGroup", "aws:cloudfront/distribution:Distribution"):
        assert session_policy([of(kind)], WRITE) is None


def test_a_statement_is_made_of_one_action_and_its_own_resources() -> None:
    """Two rows of one service do not lend each other their rights."""
    rule = of(
        "aws:ec2/securityGroupRule:SecurityGroupRule", after={"inputs": {"securityGroupId": "sg-1"}}
    )
    policy = session_policy([rule, instance("delete", id="i-1")], WRITE)

    assert policy is not None
    assert not allowed("ec2:DeleteSecurityGroup", EC2 + "security-group/sg-1", policy)
    assert allowed("ec2:TerminateInstances", EC2 + "instance/i-1", policy)


def test_no_row_is_without_its_case() -> None:
    tried = {row[0] for row in (*BY_NAME, *BY_ID)} | {INSTANCE, bucket()["type"]}

    assert tried == set(_ROWS)
    assert not [kind for kind in _ROWS if kind.startswith(("aws:iam/", "aws:kms/"))]


def test_what_runs_nowhere_needs_nothing() -> None:
    stack = "pulumi:pulumi:Stack"
    group = operation("s", type=stack, urn=urn("s", stack))

    elsewhere = [
        of("pulumi-python:dynamic/mandate:EdgeBundle"),
        of("pulumi-python:dynamic/mandate:EvmCall"),
        of("pulumi-python:dynamic/mandate:EvmContract"),
        of("kubernetes:apps/v1:Deployment"),
    ]

    assert session_policy([group, bucket()], WRITE) == session_policy([bucket()], WRITE)
    assert session_policy([*elsewhere, bucket()], WRITE) == session_policy([bucket()], WRITE)
    assert session_policy([of("pulumi-python:dynamic/mandate:Other"), bucket()], WRITE) is None
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
