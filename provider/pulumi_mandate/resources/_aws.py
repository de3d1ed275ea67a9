"""The AWS side of our providers: clients from the standard environment, errors in our shape.

Region, endpoint and credentials come from where every AWS tool takes them (AWS_REGION,
AWS_ENDPOINT_URL, credential_process, …) and never from a resource's inputs: a program cannot choose
another account or lead a provider to a stranger.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..errors import EngineError

CONNECT_TIMEOUT = 10
READ_TIMEOUT = 60
"""Seconds."""
ATTEMPTS = 5
"""Of one request, with exponential back-off and jitter (botocore's standard mode)."""
RESERVED = "pulumi-mandate:"
"""Prefix of the tags that are ours."""
OPERATION = RESERVED + "operation"
"""The tag that names the operation which made a thing (`Permit.key`). It stays: a create that was
cut off at any later moment is found again, and whoever asks finds the run."""
_MAKING = threading.Lock()


def region() -> str:
    """The region of this process. Raises `EngineError` where none is set."""
    import boto3

    found = os.environ.get("AWS_REGION") or boto3.session.Session().region_name
    if not found:
        raise EngineError("no AWS region is set; set AWS_REGION or a region in the AWS profile")
    return str(found)


def partition() -> str:
    """`aws`, `aws-cn`, …: the second part of every ARN here."""
    import boto3

    return str(boto3.session.Session().get_partition_for_region(region()))


def client(service: str) -> Any:
    """A shared client for this process's region and endpoint. Raises `EngineError`."""
    names = ("AWS_ENDPOINT_URL", f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_PROFILE")
    return _client(service, region(), tuple(os.environ.get(name, "") for name in names))


@functools.lru_cache(maxsize=32)
def _client(service: str, in_region: str, environment: tuple[str, ...]) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    elsewhere = any(environment[:2])
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # a bucket's name as a host name needs a DNS that an endpoint of one's own seldom has
        s3={"addressing_style": "path" if elsewhere else "auto"},
    )
    with _MAKING:  # boto3 makes clients one at a time; using one is thread-safe
        try:
            return boto3.session.Session(region_name=in_region).client(service, config=config)
        except (BotoCoreError, ValueError) as error:
            raise EngineError(f"no client for {service}: {error}") from None


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn what botocore raises inside into `EngineError("WHAT: CODE: the cloud's sentence")`."""
    from botocore.exceptions import BotoCoreError, ClientError, WaiterError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        raise EngineError(
            f"{what}: {details.get('Code', 'unknown')}: {details.get('Message', '')}"
        ) from None
    except WaiterError as error:
        raise EngineError(f"{what}: {error.kwargs.get('reason', 'it took too long')}") from None
    except BotoCoreError as error:
        raise EngineError(f"{what}: {error}") from None


def code_of(error: Any) -> str:
    """The error code of a `ClientError`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def same_region(state: Mapping[str, Any]) -> None:
    """Refuse to look for a thing in a region where it was not made: it would seem to be gone.

    Raises `EngineError`.
    """
    made_in, here = state.get("region"), region()
    if made_in is not None and made_in != here:
        raise EngineError(
            f"this resource was made in {made_in}, and the environment says {here}; "
            f"set AWS_REGION={made_in}, or move it by a plan that replaces it"
        )


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """AWS's list form, in a stable order."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def from_tags(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """The mapping form, without our own markers and AWS's."""
    return {
        tag["Key"]: tag.get("Value", "")
        for tag in tags or []
        if not tag["Key"].startswith((RESERVED, "aws:"))
    }


def own_tags(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Our own markers among a thing's tags."""
    return {t["Key"]: t.get("Value", "") for t in tags or [] if t["Key"].startswith(RESERVED)}


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """For pydantic: AWS's limits, and no key that means something to AWS or to us."""
    if len(tags) > 48:  # AWS allows 50; one is ours, and one is spare
        raise ValueError("at most 48 tags")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise ValueError("a tag's key has 1 to 128 characters and its value at most 256")
        if key.lower().startswith(("aws:", RESERVED)):
            raise ValueError(f"tags that begin with aws: or {RESERVED} are reserved")
    return tags
