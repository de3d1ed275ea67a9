"""The error budget: while it is spent, nothing is changed but what brings it back.

Settings: `url` of a server that speaks Prometheus's query API, `query` (PromQL that gives one
number: what is left of the budget), `at_least`. Measure: `left`. No number is a failure: who cannot
tell does not go on.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from pulumi_mandate.errors import UsageError

from ..validator import Finding, Report
from ._reading import number, only, text

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LARGEST = 1 << 20


class ErrorBudget:
    """`slo` in the rules."""

    id = "slo"
    version = "1"

    def validate(self, plan: Mapping[str, Any], settings: Mapping[str, Any]) -> Report:
        only(settings, "url", "query", "at_least")
        least = number(settings, "at_least")
        if least is None:
            raise UsageError("the setting `at_least` is missing")
        left = _ask(text(settings, "url"), text(settings, "query"))
        if left is None:
            return Report.of(fail=[Finding("", "nobody can tell what is left of the error budget")])
        spent = [Finding("", f"less than {least:g} of the error budget is left")]
        return Report.of(fail=spent if left < least else (), measures={"left": left})


def _ask(url: str, query: str) -> float | None:
    """The one number that the query gives; None where it gives none, several, or no number."""
    import urllib3

    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise UsageError("the setting `url` is https, or http on loopback")
    try:
        answer = urllib3.PoolManager().request(
            "GET",
            f"{url.rstrip('/')}/api/v1/query?{urlencode({'query': query})}",
            timeout=5.0,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        data = answer.read(_LARGEST)
        found = json.loads(data) if answer.status == 200 else {}
        kind, result = found["data"]["resultType"], found["data"]["result"]
        samples = [result] if kind == "scalar" else [one["value"] for one in result]
        value = float(samples[0][1]) if len(samples) == 1 and found["status"] == "success" else None
    except (urllib3.exceptions.HTTPError, OSError, ValueError, LookupError, TypeError):
        return None
    return value if value is not None and math.isfinite(value) else None
