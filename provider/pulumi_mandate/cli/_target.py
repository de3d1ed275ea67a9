"""What people type to name a thing: a proposal, a plan hash, a resource; and spans of time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import click

from ..errors import UsageError
from ..models import Digest, Urn, digest

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"(?:\d+[smhdw])+")


@dataclass(frozen=True, slots=True)
class ByNumber:
    """The n-th proposal of the governor, as `mandate status` counts them."""

    number: int


@dataclass(frozen=True, slots=True)
class ByPlan:
    """A plan hash."""

    plan_hash: Digest


@dataclass(frozen=True, slots=True)
class ByUrn:
    """A resource."""

    urn: Urn


Target = ByNumber | ByPlan | ByUrn


def parse_target(text: str) -> Target:
    """`12`, `0x` and 64 hex digits, or `urn:pulumi:…`.

    Raises `UsageError`.
    """
    if text.startswith("urn:pulumi:"):
        return ByUrn(Urn(text))
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return ByNumber(int(text))
    try:
        return ByPlan(digest(text))
    except ValueError:
        raise UsageError(
            f"{text!r} names nothing",
            meaning="A proposal is a number, a plan hash is 0x and 64 hex digits, "
            "a resource is urn:pulumi:…",
            next_step="mandate status",
        ) from None


def parse_duration(text: str) -> int:
    """Seconds from `90s`, `12h`, `2d12h`.

    Raises `UsageError`.
    """
    if not _DURATION.fullmatch(text):
        raise UsageError(f"{text!r} is no span of time", meaning="Write 90s, 30m, 12h, 3d, 2d12h.")
    return sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([smhdw])", text))


def describe_duration(seconds: int) -> str:
    """`2 d 12 h`: the two largest units."""
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, _UNITS[unit])
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


class TargetType(click.ParamType[Target]):
    """A proposal number or a plan hash; `urns` lets resources in as well."""

    name = "target"

    def __init__(self, *, urns: bool = False) -> None:
        self._urns = urns

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        target = parse_target(value) if isinstance(value, str) else value
        if isinstance(target, ByUrn) and not self._urns:
            raise UsageError(
                "this command wants a proposal or a plan hash, not a resource",
                next_step=f"mandate trace '{value}'",
            )
        return target


class DurationType(click.ParamType[int]):
    """A span of time, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return parse_duration(value) if isinstance(value, str) else value
