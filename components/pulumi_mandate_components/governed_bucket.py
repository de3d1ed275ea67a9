"""`GovernedBucket`: object storage that starts closed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import pulumi
from pydantic import Field, model_validator

from pulumi_mandate import S3Bucket

from ._args import Args, DataClass, Region, Tags, Text, bearing, check_region

Principal = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/.+)$")]


class GovernedBucketArgs(Args):
    """Only `bucket`, `data_class` and `region` are needed; every default is the closed one."""

    bucket: Text
    """The bucket's name, unique in the world."""
    data_class: DataClass
    region: Region
    readers: list[Principal] = Field(default_factory=list)
    """IAM principals who may list and read. Nobody else is named in the policy."""
    kms_key: Text | None = None
    """ARN of the key that encrypts at rest; S3's own key without it."""
    versioning: bool = True
    """Keep what is overwritten and deleted."""
    force_destroy: bool = False
    """Delete the objects with the bucket. Never for personal data."""
    tags: Tags = Field(default_factory=dict)

    @model_validator(mode="after")
    def _people_are_not_deleted_by_the_way(self) -> GovernedBucketArgs:
        if self.force_destroy and self.data_class == "personal":
            raise ValueError("force_destroy: personal data is not deleted with its bucket")
        return self


class GovernedBucket(pulumi.ComponentResource):
    """A bucket, its policy, encryption, versions and public-access block.

    The policy refuses every request that is not over TLS, and lets `readers` read.
    """

    sensitive_inputs: ClassVar[frozenset[str]] = frozenset(
        {"data_class", "region", "readers", "kms_key", "force_destroy"}
    )
    """Arguments that decide who can reach which data: a change of one deserves a higher tier."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    region: pulumi.Output[str]

    def __init__(
        self, name: str, args: GovernedBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Raises `UsageError` before anything is registered."""
        check_region(args.region)
        tags = bearing(args.data_class, args.region, args.tags)
        declared = {"data_class": args.data_class, "region": args.region}
        super().__init__("mandate:cloud:GovernedBucket", name, declared, opts)
        bucket = S3Bucket(
            name,
            args.bucket,
            versioning=args.versioning,
            encryption=_encryption(args.kms_key),
            policy=pulumi.Output.from_input(args.bucket).apply(
                lambda bucket: bucket_policy(str(bucket), args.readers)
            ),
            tags=tags,
            force_destroy=args.force_destroy,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name, self.arn, self.region = bucket.bucket, bucket.arn, bucket.region
        self.register_outputs({"name": self.name, "arn": self.arn, "region": self.region})


def bucket_policy(bucket: str, readers: Sequence[str]) -> str:
    """JSON text: TLS for everybody, reading for `readers`. The same readers give the same text."""
    both = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statements: list[dict[str, Any]] = [
        {
            "Sid": "OnlyOverTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": both,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    if readers:
        statements.append(
            {
                "Sid": "Readers",
                "Effect": "Allow",
                "Principal": {"AWS": sorted(set(readers))},
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": both,
            }
        )
    policy = {"Version": "2012-10-17", "Statement": statements}
    return json.dumps(policy, sort_keys=True, separators=(",", ":"))


def _encryption(kms_key: Any) -> dict[str, Any]:
    if kms_key is None:
        return {"algorithm": "AES256"}
    return {"algorithm": "aws:kms", "kms_key": kms_key}
