"""What the arguments of all components share: strict types, and errors that name the argument."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import pulumi
from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError

from pulumi_mandate.errors import UsageError

DataClass: TypeAlias = Literal["public", "internal", "confidential", "personal"]
"""What the resource bears, at most. `personal`: about people, so residency rules apply."""

Text: TypeAlias = str | InstanceOf[pulumi.Output]  # type: ignore[type-arg]  # checked as a class
"""Text, or text that another resource will give."""

Region: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+){1,3}-[0-9]$")]
"""An AWS region, `eu-central-1`."""

Jurisdiction: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2, `DE`: whose law holds where the thing stands."""

Tags: TypeAlias = dict[str, Text]

OUR_TAGS = "mandate:"


class Args(BaseModel):
    """Frozen, strict, and without members that nobody knows.

    Raises `UsageError` on construction; its text names every wrong argument and no value.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            found = [
                f"{'.'.join(str(part) for part in one['loc']) or 'arguments'}: {one['msg']}"
                for one in error.errors(include_input=False, include_url=False)
            ]
            raise UsageError(f"{type(self).__name__}: {'; '.join(found)}") from None


def bearing(data_class: DataClass, place: str, tags: Mapping[str, Any]) -> dict[str, Any]:
    """The program's tags and ours: what is borne, and where. Raises `UsageError` for a clash."""
    if taken := sorted(key for key in tags if key.startswith(OUR_TAGS)):
        raise UsageError(f"tags: {taken[0]} is ours to write", meaning="It says what is borne.")
    return {**tags, f"{OUR_TAGS}data-class": data_class, f"{OUR_TAGS}place": place}


def check_region(declared: str) -> None:
    """The declared region is the one in which this machine will create things.

    AWS's own variables decide that, and they are part of the plan. Raises `UsageError`.
    """
    here = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if here != declared:
        raise UsageError(
            f"region: {declared} is declared, and this machine would create it in "
            f"{here or 'no region'}",
            meaning="Where data lies is declared in the program and decided by the environment; "
            "the two must agree.",
            next_step=f"AWS_REGION={declared}, or correct the program",
        )
