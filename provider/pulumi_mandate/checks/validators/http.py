"""Whether a page answers as it should: what most things that serve can be asked.

Settings: `url` (http or https), `status` (200 where it is left out), and perhaps `contains`, a text
that must stand in the first MiB of the answer. A redirection is an answer like any other: nobody
follows it to a place that the rules do not name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pulumi_mandate.errors import UsageError

from ..validator import Finding, Report
from ._reading import only, text

_LARGEST = 1 << 20
_SECONDS = 5.0
_STATUS = range(100, 600)


class HttpAnswer:
    """`http` in the rules."""

    id = "http"
    version = "1"

    def validate(self, plan: Mapping[str, Any], settings: Mapping[str, Any]) -> Report:
        only(settings, "url", "status", "contains")
        url, wanted = _url(settings), settings.get("status", 200)
        if type(wanted) is not int or wanted not in _STATUS:
            raise UsageError("the setting `status` is a number of three digits")
        contains = text(settings, "contains") if "contains" in settings else ""
        wrong = _wrong(_get(url), wanted, contains)
        return Report.of(fail=[Finding("", wrong)] if wrong else ())


def _url(settings: Mapping[str, Any]) -> str:
    url = text(settings, "url")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        good = False
    if not good:
        raise UsageError("the setting `url` is http or https, and names no user")
    return url


def _get(url: str) -> tuple[int, bytes] | None:
    """Status and the beginning of the body; None where nobody answers."""
    import urllib3

    try:
        answer = urllib3.PoolManager().request(
            "GET", url, timeout=_SECONDS, retries=False, redirect=False, preload_content=False
        )
        return answer.status, answer.read(_LARGEST)
    except (urllib3.exceptions.HTTPError, OSError):
        return None


def _wrong(answer: tuple[int, bytes] | None, wanted: int, contains: str) -> str:
    if answer is None:
        return "nobody answers"
    status, body = answer
    if status != wanted:
        return f"the answer is {status}, not {wanted}"
    return "" if contains.encode() in body else "the answer does not hold the text that it should"
