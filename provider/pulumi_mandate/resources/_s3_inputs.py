"""What a plan shows of a bucket, and what is refused before the cloud is asked.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ._aws import checked_tags
from .governed import GovernedInputs

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]|\.(?![.-])){1,61}[a-z0-9]")
MAX_POLICY = 20_480
"""Bytes; S3's own limit."""
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


class PublicAccessBlock(BaseModel):
    """What the bucket refuses to make public. Everything, unless a plan says otherwise."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    block_public_acls: bool = True
    ignore_public_acls: bool = True
    block_public_policy: bool = True
    restrict_public_buckets: bool = True


class Encryption(BaseModel):
    """How objects are encrypted at rest when the writer says nothing."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    algorithm: Literal["AES256", "aws:kms"] = "AES256"
    kms_key: str | None = None
    """ARN of the KMS key; with `aws:kms` only, and then required."""

    @model_validator(mode="after")
    def _key_fits(self) -> Encryption:
        if (self.algorithm == "aws:kms") != (self.kms_key is not None):
            raise ValueError("kms_key goes with aws:kms, and aws:kms needs it")
        return self


def _bucket_name(name: str) -> str:
    if (
        not _NAME.fullmatch(name)
        or _ADDRESS.fullmatch(name)
        or name.startswith(("xn--", "sthree-"))
    ):
        raise ValueError("3 to 63 characters: lower-case letters, digits, - and ., no IP address")
    return name


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the policy has a key twice")
    return found


def one_spelling(text: str) -> str:
    """One spelling for one policy: sorted keys, no spaces. A diff of white space is no diff."""
    if len(text.encode()) > MAX_POLICY:
        raise ValueError(f"a policy has at most {MAX_POLICY} bytes")
    # orjson first: it bounds the depth. json alone would overflow the C stack wherever web3 was
    # imported, because py_ecc below it lifts Python's recursion limit to 100,000
    orjson.loads(text)
    content = json.loads(text, object_pairs_hook=_unique)
    if not isinstance(content, dict) or not content.get("Statement"):
        raise ValueError("a policy is a JSON object with a Statement")
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class S3BucketInputs(GovernedInputs):
    """What a plan shows of a bucket."""

    bucket: Annotated[str, AfterValidator(_bucket_name)]
    """The name, unique in the world. Another name is another bucket."""
    versioning: bool = False
    object_lock: bool = False
    """Can only be chosen when the bucket is made; needs versioning."""
    public_access_block: PublicAccessBlock = PublicAccessBlock()
    encryption: Encryption = Encryption()
    policy: Annotated[str, AfterValidator(one_spelling)] | None = None
    """The bucket policy as JSON text."""
    tags: Annotated[dict[str, str], AfterValidator(checked_tags)] = Field(default_factory=dict)
    force_destroy: bool = False
    """Delete the objects, too, when the bucket is deleted."""

    @model_validator(mode="after")
    def _lock_needs_versions(self) -> S3BucketInputs:
        if self.object_lock and not self.versioning:
            raise ValueError("object_lock needs versioning")
        return self
