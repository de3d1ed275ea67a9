"""What is there to be had: how many of a kind a plan may add, and how large one may be.

Settings: `limit`, a list of tables with `types` (globs) and `at_most`: how many more there may be
after the plan; with `input` as well: how much this number may be on each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mandate.errors import UsageError

from ..validator import Finding, Report
from ._reading import GONE, MADE, Operation, fits, inputs, number, only, text, texts


class Quota:
    """`quota` in the rules."""

    id = "quota"
    version = "1"

    def validate(self, plan: Mapping[str, Any], settings: Mapping[str, Any]) -> Report:
        only(settings, "limit")
        limits = settings.get("limit")
        if (
            not isinstance(limits, list)
            or not limits
            or not all(isinstance(e, dict) for e in limits)
        ):
            raise UsageError("the setting `limit` is a list of tables")
        found = [finding for entry in limits for finding in _exceeded(entry, plan["operations"])]
        return Report.of(fail=found)


def _exceeded(entry: Mapping[str, Any], operations: list[Operation]) -> Iterator[Finding]:
    only(entry, "types", "at_most", "input")
    types, most = texts(entry.get("types"), "types"), number(entry, "at_most")
    if most is None:
        raise UsageError("a limit needs `at_most`")
    concerned = [operation for operation in operations if fits(operation["type"], types)]
    if "input" not in entry:
        more = sum(op["op"] in MADE for op in concerned) - sum(op["op"] in GONE for op in concerned)
        if more > most:
            yield Finding("", f"{more} more of {', '.join(types)!a}, and {most:g} may be added")
        return
    name = text(entry, "input")
    for operation in concerned:
        value = inputs(operation, "after").get(name)
        if value is not None and (type(value) not in (int, float) or value > most):
            yield Finding(operation["urn"], f"{name!a} is more than {most:g}, or not known yet")
