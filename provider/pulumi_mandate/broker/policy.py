"""From a plan's operations to an AWS session policy: what this run may touch, and nothing more.

A session policy can only take away from what the role may do. Each type of resource says in one row
which service it needs and how its ARN follows from what the plan knows; a type without a row, or a
policy over AWS's limit, gives None, and then the broker's file decides.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .identity import TYPE

MAX_CHARACTERS = 2048
"""Of a session policy in JSON."""

Operation = Mapping[str, Any]
Arns = Callable[[Operation, str, str], list[str] | None]
"""(operation, partition, account) → the ARNs it touches; None where the plan does not know."""


def session_policy(operations: Iterable[Operation], role: str) -> str | None:
    """The policy as JSON; None where the operations do not say all that is needed, or too much.

    `role` is the ARN of the role that it narrows.
    """
    _, partition, _, _, account, _ = role.split(":", 5)
    wanted: dict[str, set[str]] = {}
    for operation in operations:
        if operation["type"].startswith(_NO_CLOUD):
            continue
        row = _ROWS.get(operation["type"])
        arns = row[1](operation, partition, account) if row else None
        if row is None or arns is None:
            return None
        wanted.setdefault(row[0], set()).update(arns)
    if not wanted:
        return None
    statements = [
        {"Effect": "Allow", "Action": f"{service}:*", "Resource": sorted(arns)}
        for service, arns in sorted(wanted.items())
    ]
    # What a provider looks at around its own resources: the read role has as much.
    looks = sorted(
        f"{service}:{verb}*" for service in wanted for verb in ("Describe", "Get", "List")
    )
    statements.append({"Effect": "Allow", "Action": looks, "Resource": ["*"]})
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    return policy if len(policy) <= MAX_CHARACTERS else None


def _bucket(operation: Operation, partition: str, account: str) -> list[str] | None:
    names = set()
    for moment in ("before", "after"):
        side = operation[moment]
        if side is not None:
            name = side["inputs"].get("bucket")
            if not isinstance(name, str) or not name or set(name) & set("*?$"):
                return None  # drawn by the provider, or a pattern
            names.add(name)
    return [f"arn:{partition}:s3:::{name}{end}" for name in sorted(names) for end in ("", "/*")]


def _instance(operation: Operation, partition: str, account: str) -> list[str] | None:
    """A new instance has no id yet, and needs network, volume and image beside it."""
    region = "*"
    if operation["op"] in ("delete", "update") and isinstance(operation["id"], str):
        return [f"arn:{partition}:ec2:{region}:{account}:instance/{operation['id']}"]
    kinds = ("instance", "network-interface", "security-group", "subnet", "volume", "key-pair")
    mine = [f"arn:{partition}:ec2:{region}:{account}:{kind}/*" for kind in kinds]
    return [*mine, f"arn:{partition}:ec2:{region}::image/*"]


_NO_CLOUD = ("pulumi:", "mandate:", TYPE)
"""Stacks, providers and components, which are made of others, and who the broker is: they call
nothing themselves."""
_ROWS: Mapping[str, tuple[str, Arns]] = {
    "pulumi-python:dynamic/mandate:S3Bucket": ("s3", _bucket),
    "aws:s3/bucket:Bucket": ("s3", _bucket),
    "aws:s3/bucketV2:BucketV2": ("s3", _bucket),
    "pulumi-python:dynamic/mandate:Ec2Instance": ("ec2", _instance),
    "aws:ec2/instance:Instance": ("ec2", _instance),
}
"""Type → (service, its ARNs)."""
