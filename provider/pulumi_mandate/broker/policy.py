"""From a plan's operations to an AWS session policy: what this run may touch, and nothing more.

A session policy can only take away from what the role may do. Each type of resource says in one row
how what it needs follows from what the plan knows. A type without a row, a name that is drawn
later, or a policy over AWS's limit gives None, and then the broker's file decides.

IAM has no row: who may change a role's policies may give himself all of it. Neither has KMS, nor
whatever makes a thing whose id AWS draws and then changes it by that id: it could change any.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
https://docs.aws.amazon.com/service-authorization/latest/reference/ (each service's ARNs)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .identity import TYPE

MAX_CHARACTERS = 2048
"""Of a session policy in JSON."""

Operation = Mapping[str, Any]
Grants = set[tuple[str, str]]
"""Pairs of an action and the ARN it may be done to; {partition} and {account} are the role's."""
Row = Callable[[Operation], Grants | None]
"""None where the plan does not know."""


def session_policy(operations: Iterable[Operation], role: str) -> str | None:
    """The policy as JSON; None where the operations do not say all that is needed, or too much.

    `role` is the ARN of the role that it narrows.
    """
    _, partition, _, _, account, _ = role.split(":", 5)
    wanted: dict[str, set[str]] = {}
    for operation in operations:
        if operation["type"].startswith(_NO_AWS):
            continue
        row = _ROWS.get(operation["type"])
        grants = row(operation) if row else None
        if grants is None:
            return None
        for action, arn in grants:
            wanted.setdefault(action, set()).add(
                arn.replace("{partition}", partition).replace("{account}", account)
            )
    if not wanted:
        return None
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": sorted(arns)}
        for action, arns in sorted(wanted.items())
    ]
    # What a provider looks at around its own resources: the read role has as much.
    services = {action.partition(":")[0] for action in wanted}
    looks = sorted(
        f"{service}:{verb}*" for service in services for verb in ("Describe", "Get", "List")
    )
    statements.append({"Effect": "Allow", "Action": looks, "Resource": ["*"]})
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    return policy if len(policy) <= MAX_CHARACTERS else None


def _named(by: str, action: str, *arns: str) -> Row:
    """Of a thing whose ARN is made of the input `by`, before the operation and after it."""

    def row(operation: Operation) -> Grants | None:
        sides = [side for side in (operation["before"], operation["after"]) if side is not None]
        names = [side["inputs"].get(by) for side in sides]
        if not all(map(_is_plain, names)):
            return None
        return {(action, arn.replace("{}", name)) for name in names for arn in arns}

    return row


def _known(arn: str, *makes: tuple[str, str]) -> Row:
    """Of a thing whose id AWS draws; `makes` is what making one needs, nothing for never."""

    def row(operation: Operation) -> Grants | None:
        if operation["op"] in _MAKING:
            passes = (operation["after"] or {"inputs": {}})["inputs"].get("iamInstanceProfile")
            return set(makes) if makes and passes is None else None
        if not _is_plain(operation["id"]):
            return None
        return {(f"{arn.split(':')[2]}:*", arn.replace("{}", operation["id"]))}

    return row


def _is_plain(name: object) -> bool:
    """Known, and neither a pattern nor a variable of IAM's."""
    return isinstance(name, str) and name != "" and not set(name) & set("*?${}:")


_MAKING = ("create", "create-replacement", "import", "import-replacement")
_HERE = "arn:{partition}:%s:*:{account}:%s"
_S3 = "arn:{partition}:s3:::{}"
_BUCKET = _named("bucket", "s3:*", _S3, _S3 + "/*")
_LAUNCHED = ("instance", "network-interface", "security-group", "subnet", "volume", "key-pair")
_INSTANCE = _known(
    _HERE % ("ec2", "instance/{}"),
    ("ec2:RunInstances", "arn:{partition}:ec2:*::image/*"),
    *(("ec2:RunInstances", _HERE % ("ec2", f"{kind}/*")) for kind in _LAUNCHED),
    *(("ec2:CreateTags", _HERE % ("ec2", f"{kind}/*")) for kind in ("instance", "volume")),
)
_NO_AWS = (
    "pulumi:", "mandate:", "kubernetes:", TYPE,
    *(f"pulumi-python:dynamic/mandate:{one}" for one in ("EdgeBundle", "EvmCall", "EvmContract")),
)  # fmt: skip
"""Stacks, providers and components, which are made of others, who the broker is, and what calls
something else."""
_ROWS: Mapping[str, Row] = {
    "pulumi-python:dynamic/mandate:S3Bucket": _BUCKET,
    "aws:s3/bucket:Bucket": _BUCKET,
    "aws:s3/bucketV2:BucketV2": _BUCKET,
    "aws:s3/bucketObjectv2:BucketObjectv2": _named("bucket", "s3:*Object*", _S3 + "/*"),
    "aws:s3/bucketPolicy:BucketPolicy": _named("bucket", "s3:*BucketPolicy", _S3),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _named(
        "bucket", "s3:*BucketPublicAccessBlock", _S3
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _named("bucket", "s3:*BucketVersioning", _S3),
    "pulumi-python:dynamic/mandate:Ec2Instance": _INSTANCE,
    "aws:ec2/instance:Instance": _INSTANCE,
    "aws:ebs/volume:Volume": _known(
        _HERE % ("ec2", "volume/{}"),
        ("ec2:CreateVolume", _HERE % ("ec2", "volume/*")),
        ("ec2:CreateTags", _HERE % ("ec2", "volume/*")),
    ),
    "aws:ec2/securityGroup:SecurityGroup": _known(_HERE % ("ec2", "security-group/{}")),
    "aws:ec2/securityGroupRule:SecurityGroupRule": _named(
        "securityGroupId", "ec2:*SecurityGroup*gress", _HERE % ("ec2", "security-group/{}")
    ),
    "aws:cloudfront/distribution:Distribution": _known(
        "arn:{partition}:cloudfront::{account}:distribution/{}"
    ),
    "aws:route53/record:Record": _named(
        "zoneId", "route53:ChangeResourceRecordSets", "arn:{partition}:route53:::hostedzone/{}"
    ),
    "aws:dynamodb/table:Table": _named(
        "name", "dynamodb:*", _HERE % ("dynamodb", "table/{}"), _HERE % ("dynamodb", "table/{}/*")
    ),
    "aws:sqs/queue:Queue": _named("name", "sqs:*", _HERE % ("sqs", "{}")),
    "aws:sns/topic:Topic": _named("name", "sns:*", _HERE % ("sns", "{}")),
    "aws:ecr/repository:Repository": _named("name", "ecr:*", _HERE % ("ecr", "repository/{}")),
    "aws:cloudwatch/logGroup:LogGroup": _named(
        "name", "logs:*", _HERE % ("logs", "log-group:{}"), _HERE % ("logs", "log-group:{}:*")
    ),
}
"""Type → what its operations need."""
