"""What a validator is: it says of a plan, before anybody votes, whether it breaks a limit.

```python
class NoFridays:
    id = "no-fridays"
    version = "1"

    def validate(self, plan, settings):
        busy = [op["urn"] for op in plan["operations"] if op["op"] == "delete"]
        return Report.of(fail=[Finding(urn, "nothing is deleted on a Friday") for urn in busy])
```

An installed package offers one as an entry point of the group `pulumi_mandate.validators`, under
its id; the subject's rules say whether it runs, with what settings, and whether its failure stops a
proposal. It runs in a process of its own, which holds no key and sees no secret: secrets in a plan
are commitments. Whatever it does but answer is a failure.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pulumi_mandate.plan.canonical import JSON

GROUP = "pulumi_mandate.validators"
BUILT_IN = {
    "cost": "pulumi_mandate.checks.validators.cost:Cost",
    "crossguard": "pulumi_mandate.checks.validators.crossguard:CrossGuard",
    "http": "pulumi_mandate.checks.validators.http:HttpAnswer",
    "quota": "pulumi_mandate.checks.validators.quota:Quota",
    "rego": "pulumi_mandate.checks.validators.rego:Rego",
    "residency": "pulumi_mandate.checks.validators.residency:Residency",
    "slo": "pulumi_mandate.checks.validators.slo:ErrorBudget",
}
"""Those of this package. Nobody else may offer one of these ids."""


class Verdict(enum.StrEnum):
    """From best to worst."""

    PASS = "pass"  # noqa: S105  # no password
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that voters should know."""

    urn: str
    """Of the operation it is about; empty where it is about the whole plan."""
    message: str
    """One line, printable, at most 500 characters. What changes from minute to minute belongs into
    a measure: a check made again may not find anything new."""


@dataclass(frozen=True, slots=True)
class Report:
    """A validator's answer."""

    verdict: Verdict
    findings: Sequence[Finding] = ()
    """At most 1000."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """Numbers by short names, such as `usdPerMonth`."""

    @classmethod
    def of(
        cls,
        *,
        fail: Sequence[Finding] = (),
        warn: Sequence[Finding] = (),
        measures: Mapping[str, float] | None = None,
    ) -> Report:
        """The verdict is the worst that anything was found for."""
        verdict = Verdict.FAIL if fail else Verdict.WARN if warn else Verdict.PASS
        return cls(verdict, (*fail, *warn), measures or {})


class Validator(Protocol):
    """Offered by its class, which is called without arguments."""

    id: str
    version: str
    """Of what it means: another version may judge otherwise."""

    def validate(self, plan: Mapping[str, JSON], settings: Mapping[str, JSON]) -> Report:
        """`plan` is the document without its tier and checks; `settings` are the rules' own.

        Raises `UsageError` where the settings cannot be used.
        """
