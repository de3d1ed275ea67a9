"""`S3Bucket`: a bucket, closed and encrypted unless the program says otherwise.

The role needs, on the bucket: s3:CreateBucket, s3:TagResource, s3:DeleteBucket, s3:ListBucket, and
Get and Put of BucketTagging, BucketVersioning, BucketPublicAccessBlock, EncryptionConfiguration and
BucketPolicy, with s3:DeleteBucketPolicy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi
from pydantic import BaseModel

from ..errors import EngineError
from ._aws import (
    OPERATION,
    as_tags,
    client,
    code_of,
    from_tags,
    own_tags,
    partition,
    region,
    same_region,
    told,
)
from ._permit import Permit
from ._s3_inputs import Encryption, PublicAccessBlock, S3BucketInputs, one_spelling
from .governed import Found, GovernedOutputs, GovernedProvider, GovernedResource

_GONE = ("404", "NoSuchBucket", "NotFound")
_PUBLIC = {
    "block_public_acls": "BlockPublicAcls",
    "ignore_public_acls": "IgnorePublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "restrict_public_buckets": "RestrictPublicBuckets",
}


class S3BucketOutputs(GovernedOutputs):
    """What the cloud adds."""

    arn: str
    region: str


class S3BucketProvider(GovernedProvider[S3BucketInputs, S3BucketOutputs]):
    """Create, read, update and delete of one bucket. The id is its name."""

    model = S3BucketInputs
    replaced_by: ClassVar[frozenset[str]] = frozenset({"bucket", "object_lock"})
    name_of = "bucket"

    def make(self, inputs: S3BucketInputs, permit: Permit) -> tuple[str, S3BucketOutputs]:
        """Make it with a tag that says whose it is, configure it: what bears the tag is taken up.

        A bucket that was there before and bears no such tag is never adopted: it may be somebody
        else's in the same account. AWS makes bucket and tag in one; where a cloud like it does not
        know that yet, a create that was cut off between the two is an error that a person settles.
        """
        owned = {OPERATION: permit.key} if permit.key else {}
        with told(f"create bucket {inputs.bucket}"):
            if _exists(inputs.bucket):
                _refuse_foreign(inputs.bucket, owned)
            else:
                _create(inputs, owned)
                if owned and own_tags(_tag_set(inputs.bucket)) != owned:
                    _put_tags(inputs.bucket, owned)
            _configure(inputs, {})
            _put_tags(inputs.bucket, inputs.tags | owned)
        return inputs.bucket, _outputs(inputs.bucket)

    def look(self, id_: str, state: Mapping[str, Any]) -> Found[S3BucketOutputs] | None:
        same_region(state)
        with told(f"read bucket {id_}"):
            if not _exists(id_):
                return None
            found = _found(id_)
        found |= {"force_destroy": bool(state.get("force_destroy", False))}
        return Found(found, _outputs(id_))

    def change(
        self, id_: str, old: Mapping[str, Any], inputs: S3BucketInputs, permit: Permit
    ) -> S3BucketOutputs:
        same_region(old)
        with told(f"update bucket {id_}"):
            _configure(inputs, old)
            _put_tags(id_, inputs.tags | own_tags(_tag_set(id_)))
        return _outputs(id_)

    def remove(self, id_: str, state: Mapping[str, Any], permit: Permit) -> None:
        from botocore.exceptions import ClientError

        same_region(state)
        with told(f"delete bucket {id_}"):
            try:
                if state.get("force_destroy") is True:
                    _empty(id_)
                client("s3").delete_bucket(Bucket=id_)
            except ClientError as error:
                if code_of(error) == "BucketNotEmpty":
                    raise EngineError(
                        f"delete bucket {id_}: it still holds objects; empty it, or approve a plan "
                        "that sets force_destroy first"
                    ) from None
                if code_of(error) not in _GONE:
                    raise


def _exists(bucket: str) -> bool:
    """True where it is ours. A bucket of another account answers 403, which is an error here."""
    from botocore.exceptions import ClientError

    try:
        client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        if code_of(error) in _GONE:
            return False
        raise
    return True


def _refuse_foreign(bucket: str, owned: Mapping[str, str]) -> None:
    if not owned or own_tags(_tag_set(bucket)) != owned:
        raise EngineError(
            f"create bucket {bucket}: it exists and was not made by this operation; choose another "
            "name, or import it by a plan"
        )


def _create(inputs: S3BucketInputs, owned: Mapping[str, str]) -> None:
    """Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-create-tag.html"""
    from botocore.exceptions import ClientError

    configuration: dict[str, Any] = {}
    if region() != "us-east-1":  # where the constraint must be left out
        configuration["LocationConstraint"] = region()
    if tags := {**inputs.tags, **owned}:
        configuration["Tags"] = as_tags(tags)
    arguments: dict[str, Any] = {"Bucket": inputs.bucket}
    if configuration:
        arguments["CreateBucketConfiguration"] = configuration
    if inputs.object_lock:
        arguments["ObjectLockEnabledForBucket"] = True
    try:
        client("s3").create_bucket(**arguments)
    except ClientError as error:
        # it did not exist a moment ago: botocore repeated a request whose answer was lost
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise


def _configure(inputs: S3BucketInputs, old: Mapping[str, Any]) -> None:
    """Everything but the tags; each call sets a whole part, so doing it twice is doing it once.

    The order never opens what neither the old nor the new plan opens: a policy that goes away, or
    changes while public access is being opened, is dropped before the opening.
    """
    s3, bucket = client("s3"), inputs.bucket
    block, before = inputs.public_access_block.model_dump(), old.get("public_access_block", {})
    opens = any(before.get(name) and not value for name, value in block.items())
    policy = (_optional("get_bucket_policy", bucket) or {}).get("Policy")
    if policy is not None and (inputs.policy is None or (opens and policy != inputs.policy)):
        s3.delete_bucket_policy(Bucket=bucket)
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={_PUBLIC[name]: value for name, value in block.items()},
    )
    if inputs.policy is not None:
        s3.put_bucket_policy(Bucket=bucket, Policy=inputs.policy)
    _configure_storage(inputs)


def _configure_storage(inputs: S3BucketInputs) -> None:
    s3, bucket = client("s3"), inputs.bucket
    default: dict[str, str] = {"SSEAlgorithm": inputs.encryption.algorithm}
    if inputs.encryption.kms_key is not None:
        default["KMSMasterKeyID"] = inputs.encryption.kms_key
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
        },
    )
    if inputs.object_lock:  # versioning came with the lock and cannot be touched
        return
    if inputs.versioning or _versioning(bucket) is not None:
        status = "Enabled" if inputs.versioning else "Suspended"
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def _found(bucket: str) -> dict[str, Any]:
    """The inputs as the cloud has them."""
    block = _part("get_public_access_block", bucket, "PublicAccessBlockConfiguration")
    rules = _part("get_bucket_encryption", bucket, "ServerSideEncryptionConfiguration")
    default: dict[str, Any] = {}
    for rule in rules.get("Rules", [])[:1]:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
    encryption = {"algorithm": default.get("SSEAlgorithm", "none")}
    if default.get("KMSMasterKeyID"):
        encryption["kms_key"] = default["KMSMasterKeyID"]
    policy = (_optional("get_bucket_policy", bucket) or {}).get("Policy")
    lock = _part("get_object_lock_configuration", bucket, "ObjectLockConfiguration")
    found: dict[str, Any] = {
        "bucket": bucket,
        "versioning": _versioning(bucket) == "Enabled",
        "object_lock": lock.get("ObjectLockEnabled") == "Enabled",
        "public_access_block": {name: block.get(aws, False) for name, aws in _PUBLIC.items()},
        "encryption": encryption,
        "tags": from_tags(_tag_set(bucket)),
    }
    return found | ({"policy": one_spelling(policy)} if policy else {})


_ABSENT = {
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_tagging": "NoSuchTagSet",
    "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
    "get_bucket_encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
}
"""How S3 says that a part is not set. Every other error is an error."""


def _optional(operation: str, bucket: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        return dict(getattr(client("s3"), operation)(Bucket=bucket))
    except ClientError as error:
        if code_of(error) != _ABSENT[operation]:
            raise
    return None


def _part(operation: str, bucket: str, member: str) -> dict[str, Any]:
    return dict((_optional(operation, bucket) or {}).get(member, {}))


def _versioning(bucket: str) -> str | None:
    status = client("s3").get_bucket_versioning(Bucket=bucket).get("Status")
    return None if status is None else str(status)


def _tag_set(bucket: str) -> list[dict[str, str]]:
    return list((_optional("get_bucket_tagging", bucket) or {}).get("TagSet", []))


def _put_tags(bucket: str, tags: Mapping[str, str]) -> None:
    if tags:
        client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": as_tags(tags)})
    else:
        client("s3").delete_bucket_tagging(Bucket=bucket)


def _empty(bucket: str) -> None:
    """Delete every version and marker, a page at a time. Raises `EngineError` for what stays."""
    s3 = client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        if not objects:
            continue
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if answer.get("Errors"):
            raise EngineError(f"delete bucket {bucket}: {len(answer['Errors'])} objects stayed")


def _outputs(bucket: str) -> S3BucketOutputs:
    return S3BucketOutputs(arn=f"arn:{partition()}:s3:::{bucket}", region=region())


class S3Bucket(GovernedResource, module="mandate", name="S3Bucket"):
    """A governed S3 bucket. The id is the bucket's name."""

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]
    region: pulumi.Output[str]
    tags: pulumi.Output[dict[str, str]]

    def __init__(  # noqa: PLR0913  # one argument an input: the program reads like the plan
        self,
        resource_name: str,
        bucket: pulumi.Input[str],
        *,
        versioning: pulumi.Input[bool] | None = None,
        object_lock: pulumi.Input[bool] | None = None,
        public_access_block: pulumi.Input[Mapping[str, Any]] | PublicAccessBlock | None = None,
        encryption: pulumi.Input[Mapping[str, Any]] | Encryption | None = None,
        policy: pulumi.Input[str] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        force_destroy: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Absent arguments take the defaults of `S3BucketInputs`, which are the closed ones."""
        props: dict[str, Any] = {
            "bucket": bucket,
            "versioning": versioning,
            "object_lock": object_lock,
            "public_access_block": _as_bag(public_access_block),
            "encryption": _as_bag(encryption),
            "policy": policy,
            "tags": tags,
            "force_destroy": force_destroy,
            "arn": None,
            "region": None,
        }
        super().__init__(S3BucketProvider(), resource_name, props, opts)


def _as_bag(value: Any) -> Any:
    return value.model_dump(exclude_none=True) if isinstance(value, BaseModel) else value
