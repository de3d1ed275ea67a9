"""Is what was made healthy? Asked after a run, by the checks that the subject's rules name.

They are validators, asked in the same way and failing in the same way: whatever one does but say
yes means "not healthy". A new thing may need a while, so each is asked again until it is healthy or
its time is over. Those who vote know which, because the rules are bound by the plan hash.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .rules import Rules
from .running import Check, ask_validator
from .tables import HealthChoice, ValidatorChoice

PAUSE_SECONDS = 2.0
_MOST_TOLD = 3
"""Findings a check."""

Ask = Callable[[ValidatorChoice, Mapping[str, Any]], Check]


def unhealthy(
    rules: Rules,
    content: Mapping[str, Any],
    *,
    ask: Ask = ask_validator,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Why a run that did everything is not complete, a line for each finding; empty: all is well.

    `rules` are those of the document's subject (`Rules.about`), `content` is the document. Takes up
    to the longest `within` of a check and one answer of it.
    """
    if not rules.health:
        return []

    def wait_for(choice: HealthChoice) -> list[str]:
        ends = clock() + choice.within
        while True:
            said = _told(choice, ask(choice.asked, content))
            if not said or clock() + PAUSE_SECONDS > ends:
                return said
            pause(PAUSE_SECONDS)

    with ThreadPoolExecutor(len(rules.health)) as pool:
        return [line for said in pool.map(wait_for, rules.health) for line in said]


def sentence(choice: HealthChoice) -> str:
    """Which check is asked, for people."""
    by = "" if choice.check == choice.id else f" ({choice.check})"
    return f"{choice.id}{by}, within {choice.within} s after the run"


def _told(choice: HealthChoice, check: Check) -> list[str]:
    if check["verdict"] in ("pass", "warn"):
        return []
    found = [finding["message"] for finding in check["findings"]]
    said = [f"not healthy: {choice.id}: {message}" for message in found[:_MOST_TOLD]]
    more = len(found) - _MOST_TOLD
    return said + [f"not healthy: {choice.id}: and {more} more findings"] * (more > 0)
