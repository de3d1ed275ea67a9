"""What the subject's rules say about a plan, as parts of the document: their shapes, without rules.

Whoever holds the rules computes these parts again (`checks.assess`). Whoever does not can still
believe their form: no verdict without its findings, no override without its reason and the tier
high, and no room for a character that could imitate something else.

| part | shape |
|---|---|
| `checks` | `[{id, version, digest, mandatory, verdict, findings, measures, override}]`, by id |
| a finding | `{urn, message}`; the URN of an operation, or empty where it is about the whole plan |
| `tier` | `{tier, rule, reasons}`; `reasons` says why, per rule that fired |

An emergency is never judged: whoever proposes names an incident, and the council answers for it.
Then the tier is `emergency`, its rule is `emergency.` and the incident's name, its reason says why
it could not wait, and what the rules found stands beside it as ever.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import Tier, digest

from .canonical import JSON

VERDICTS = ("pass", "warn", "overridden", "fail")
"""From best to worst."""
LINE = re.compile(
    "[^\x00-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\uf8ff\ufeff\ufff9-\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U0010ffff]{1,500}"
)
"""A finding, a reason or a pattern: one line for people, not empty, not endless, without controls,
format characters, private ones and spaces other than the ASCII one. The characters are named here
because `str.isprintable` follows the Unicode version of whoever reads."""
MOST_FINDINGS = 1000
"""Per check; a check that has more to say fails."""
MOST_MEASURES = 20
CHECK_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")
MEASURE = re.compile(r"[a-z][A-Za-z0-9]{0,31}")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,31}")
COST = ("cost", "usdPerMonth")
"""Id and measure of the check that says what a plan adds to the monthly bill."""
NOBODY_KNOWS = 2**53 - 1
"""The cost of a plan that nothing has measured: more than any cap, and exact in every language."""
INCIDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}")
"""An incident's name: what fits into the chain's 32 bytes, and reads the same everywhere."""
EMERGENCY = "emergency."
"""Stands before an incident's name in the rule of an emergency; no rules file may use it."""
CHECK_PARTS = frozenset(
    {"id", "version", "digest", "mandatory", "verdict", "findings", "measures", "override"}
)


def added_dollars(checks: Sequence[Mapping[str, Any]]) -> float:
    """A month, by the check `cost`; without its word it is without limit."""
    for check in checks:
        if check["id"] == COST[0] and COST[1] in check["measures"]:
            return float(check["measures"][COST[1]])
    return math.inf


def cents_a_month(checks: Sequence[Mapping[str, Any]]) -> int:
    """`Plan.cost`: the nearest cent, halves up; 0 where the bill falls, at most `NOBODY_KNOWS`.

    Two IEEE operations and a floor, so that Python and JavaScript find the same number (ADR 0017).
    """
    cents = added_dollars(checks) * 100 + 0.5
    return max(0, math.floor(cents)) if cents < NOBODY_KNOWS else NOBODY_KNOWS


def require_checks(checks: object, urns: frozenset[str]) -> None:
    """Raises `InvalidDocument` where the `checks` part of a plan on `urns` is none."""
    _require(isinstance(checks, list), "the checks are not a list")
    assert isinstance(checks, list)  # noqa: S101  # required above
    for check in checks:
        _require_check(check, urns)
    _require(
        all(one["id"] < other["id"] for one, other in pairwise(checks)),
        "the checks are not sorted, or one of them stands there twice",
    )


def overridden(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of the checks whose failure the proposer asks voters to accept."""
    return [check["id"] for check in checks if check["verdict"] == "overridden"]


def worse(
    approved: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, JSON, JSON]]:
    """Where checks made again are not the approved ones or say something worse: part and both.

    A failure that was approved (because it is not mandatory, or overridden) covers its own
    findings and no others.
    """
    ours, theirs = ({check["id"]: check for check in checks} for checks in (approved, found))
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(name), theirs.get(name)
        if one is None or other is None:
            yield name, one and one["verdict"], other and other["verdict"]
            continue
        for part in ("version", "digest", "mandatory"):
            if one[part] != other[part]:
                yield f"{name}.{part}", one[part], other[part]
        rank = {"overridden": VERDICTS.index("fail")}
        before, now = (rank.get(v, VERDICTS.index(v)) for v in (one["verdict"], other["verdict"]))
        if now > before:
            yield f"{name}.verdict", one["verdict"], other["verdict"]
        elif now == VERDICTS.index("fail"):
            for finding in other["findings"]:
                if finding not in one["findings"]:
                    yield f"{name}.findings", None, finding


def is_text(value: object) -> bool:
    """Whether this is a `LINE`."""
    return type(value) is str and LINE.fullmatch(value) is not None


def is_number(value: object) -> bool:
    """A number that keeps its value on its way through every JSON."""
    return type(value) in (int, float) and abs(value) <= 2**53 - 1  # type: ignore[arg-type]


def emergency_tier(judged: Mapping[str, Any], incident: str, reason: str) -> dict[str, Any]:
    """The part `tier` of an emergency, from the one that the rules ask for."""
    rule = EMERGENCY + incident
    reasons = {**judged["reasons"], rule: reason}
    return {"tier": int(Tier.EMERGENCY), "rule": rule, "reasons": reasons}


def incident_of(tier: Mapping[str, Any]) -> tuple[str, str]:
    """(incident, why it could not wait) of an emergency's part `tier`."""
    rule = str(tier["rule"])
    return rule.removeprefix(EMERGENCY), str(tier["reasons"][rule])


def require_tier(tier: object, highest: Mapping[str, Any], fired: frozenset[str]) -> None:
    """Raises `InvalidDocument` where the `tier` part is none, given the highest of the operations.

    A plan may need more than any of its operations (their number, their cost), never less.
    """
    _require(
        isinstance(tier, dict) and set(tier) == {"tier", "rule", "reasons"},
        "the tier is not a number, a rule and the reasons",
    )
    assert isinstance(tier, dict)  # noqa: S101  # required above
    _require(
        type(tier["tier"]) is int
        and (Tier.LOW <= tier["tier"] <= Tier.HIGH or tier["tier"] == Tier.EMERGENCY)
        and type(tier["rule"]) is str,
        "the plan's tier is not low, medium, high by a rule, or emergency",
    )
    _require(
        tier["tier"] > highest["tier"]
        or (tier["tier"] == highest["tier"] and tier["rule"] == highest["rule"]),
        "the tier and its rule are not the highest of the operations",
    )
    reasons = tier["reasons"]
    _require(isinstance(reasons, dict), "the reasons are not texts by rule")
    others = len(reasons.keys() - fired - {tier["rule"]})
    if tier["tier"] == Tier.EMERGENCY:
        _require_incident(tier["rule"], reasons)
        others -= 1  # that of the rule by which the whole plan would have been voted on
    else:
        named = tier["rule"].startswith(EMERGENCY)
        _require(not named, "a plan that is no emergency names an incident")
    _require(others <= 0, "a reason is given for a rule that did not fire")
    _require(all(map(is_text, reasons.values())), "a reason is not one line of text")


def _require_incident(rule: str, reasons: Mapping[str, Any]) -> None:
    name = rule.removeprefix(EMERGENCY)
    _require(
        rule == EMERGENCY + name and INCIDENT.fullmatch(name) is not None,
        "an emergency does not name its incident",
    )
    _require(rule in reasons, "an emergency does not say why it could not wait")


def _require_check(check: Any, urns: frozenset[str]) -> None:
    _require(
        isinstance(check, dict) and set(check) == CHECK_PARTS,
        "a check does not have the parts of a check",
    )
    for part, form in (("id", CHECK_ID), ("version", VERSION)):
        text = check[part]
        _require(
            type(text) is str and form.fullmatch(text) is not None, f"a check's {part} is none"
        )
    try:
        digest(check["digest"])
    except (ValueError, TypeError):
        raise InvalidDocument("a check's digest is not 32 bytes of hexadecimal") from None
    _require(
        type(check["mandatory"]) is bool and check["verdict"] in VERDICTS,
        "a check's verdict is not known",
    )
    reason = check["override"]
    _require(
        is_text(reason) if check["verdict"] == "overridden" else reason is None,
        "a check is overridden without a reason, or has one without being overridden",
    )
    _require_findings(check, urns)
    measures = check["measures"]
    _require(
        isinstance(measures, dict)
        and len(measures) <= MOST_MEASURES
        and all(MEASURE.fullmatch(name) for name in measures)
        and all(is_number(value) for value in measures.values()),
        "a check's measures are not numbers with short names",
    )


def _require_findings(check: Mapping[str, Any], urns: frozenset[str]) -> None:
    findings = check["findings"]
    _require(
        isinstance(findings, list) and len(findings) <= MOST_FINDINGS,
        "a check's findings are not a list, or too many",
    )
    for finding in findings:
        _require(
            isinstance(finding, dict) and set(finding) == {"urn", "message"},
            "a finding is not a URN and a message",
        )
        _require(
            is_text(finding["message"])
            and type(finding["urn"]) is str
            and finding["urn"] in urns | {""},
            "a finding's message is not one line, or it is about nothing in the plan",
        )
    keys = [(finding["urn"], finding["message"]) for finding in findings]
    _require(keys == sorted(set(keys)), "a check's findings are not sorted")
    _require(
        bool(findings) or check["verdict"] not in ("fail", "overridden"),
        "a check failed without saying why",
    )


def _require(condition: bool, happened: str) -> None:
    if not condition:
        raise InvalidDocument(happened)
