"""The rules file's tables, read strictly: a word that is not known is an error, never skipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Tier
from pulumi_mandate.plan.assessment import CHECK_ID, EMERGENCY, is_text
from pulumi_mandate.plan.canonical import JSON
from pulumi_mandate.plan.constraint import is_scalar
from pulumi_mandate.plan.document import KIND_OF, RULE_ID

from .constraints import ALL, Constraint, Unknowns
from .tiers import PlanRule, Rule

TIERS = {"low": Tier.LOW, "medium": Tier.MEDIUM, "high": Tier.HIGH}
NO_MATCH = "no-rule-matches"
OVERRIDDEN = "overridden-check"
BLANK_CHEQUE = "unconstrained-unknown"
RESERVED = {
    NO_MATCH: "no rule matches this operation, and what is unknown is high",
    OVERRIDDEN: "the proposer asks voters to accept a check that failed",
    BLANK_CHEQUE: "a sensitive value is unknown, and nothing says what it may become",
}
"""Ids that no file may use, and their reasons."""
TIMEOUT, LONGEST_TIMEOUT = 10, 60
"""Seconds."""
WITHIN, LONGEST_WITHIN = 60, 600
"""Seconds. Whoever typed the command waits for as long, and the run's lease goes on."""


@dataclass(frozen=True, slots=True)
class ValidatorChoice:
    """A validator that is to run, and with what."""

    id: str
    settings: Mapping[str, JSON]
    mandatory: bool = True
    """Whether its failure stops the proposal."""
    overridable: bool = False
    """Whether a proposer may ask voters to accept its failure all the same."""
    timeout: int = TIMEOUT
    """Seconds; who has not answered by then has failed."""
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthChoice:
    """A check that is asked after a run, before it counts as complete."""

    id: str
    """What people read: which thing is not healthy."""
    check: str
    """Id of the validator that answers; the `id` where the table names none."""
    settings: Mapping[str, JSON]
    within: int = WITHIN
    """Seconds in which the thing has to become healthy; 0: it is asked once."""
    timeout: int = TIMEOUT
    """Seconds for each answer."""
    subjects: tuple[str, ...] = ()

    @property
    def asked(self) -> ValidatorChoice:
        """The same as a validator that is to run."""
        return ValidatorChoice(self.check, self.settings, timeout=self.timeout)


def read_rule(entry: object) -> Rule:
    """A `[[rule]]`. Raises `UsageError`."""
    lists = [field.name for field in fields(Rule)[3:]]
    table = _table(entry, "rule", {"id", "reason", "tier", *lists})
    found = [_globs(table, name) for name in lists]
    if wrong := set(found[0]) - KIND_OF.keys():
        raise UsageError(f"rule {table['id']}: {sorted(wrong)[0]!r} is no step of the engine")
    return Rule(*_head(table), *found)


def read_plan_rule(entry: object) -> PlanRule:
    """A `[[plan]]`. Raises `UsageError`."""
    limits = ("operations_over", "losses_over", "dependents_over", "unknowns_over", "cost_over")
    table = _table(entry, "plan", {"id", "reason", "tier", "source_changed", "subjects", *limits})
    head = _head(table)
    for name in limits:
        value = table.get(name, 0)
        number = (int, float) if name == "cost_over" else (int,)
        if type(value) not in number or value < 0:
            raise UsageError(f"plan {head[0]}: {name} is a number, 0 or more")
    if type(table.get("source_changed", False)) is not bool:
        raise UsageError(f"plan {head[0]}: source_changed is true or false")
    limited = {name: table[name] for name in (*limits, "source_changed") if name in table}
    if not limited:
        raise UsageError(f"plan {head[0]}: it has no condition")
    return PlanRule(*head, **limited, subjects=_globs(table, "subjects"))


def read_unknowns(entry: object) -> Unknowns:
    """The table `[unknowns]`. Raises `UsageError`."""
    table = _table(entry, "unknowns", {"sensitive", "unconstrained"})
    chosen = table.get("unconstrained", "refuse")
    if chosen not in ("refuse", "high"):
        raise UsageError('unknowns: unconstrained is "refuse" or "high"')
    return Unknowns(_globs(table, "sensitive") or ALL, chosen)


def read_constraint(entry: object) -> Constraint:
    """A `[[constraint]]`. Raises `UsageError`."""
    conditions: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "equals": ("equals", is_scalar),
        "one_of": ("oneOf", lambda v: isinstance(v, list) and bool(v) and all(map(is_scalar, v))),
        "pattern": ("pattern", _is_pattern),
    }
    table = _table(entry, "constraint", {"types", "paths", "subjects", *conditions})
    given = sorted(table.keys() & conditions.keys())
    types, paths = _globs(table, "types"), _globs(table, "paths")
    if len(given) != 1 or not types or not paths:
        raise UsageError("a constraint needs types, paths, and one of equals, one_of and pattern")
    name, fits = conditions[given[0]]
    if not fits(table[given[0]]):
        raise UsageError(f"a constraint's {given[0]} cannot be used: {table[given[0]]!r}")
    return Constraint(types, paths, {name: table[given[0]]}, _globs(table, "subjects"))


def read_validator(entry: object) -> ValidatorChoice:
    """A `[[validator]]`. Raises `UsageError`. The settings are the validator's own affair."""
    table = _table(entry, "validator", {field.name for field in fields(ValidatorChoice)})
    name = _check_id(table.get("id"), "a validator's id")
    timeout = _seconds(table, f"validator {name}", "timeout", TIMEOUT, (1, LONGEST_TIMEOUT))
    flags = {word: table.get(word, word == "mandatory") for word in ("mandatory", "overridable")}
    if not all(type(flag) is bool for flag in flags.values()):
        raise UsageError(f"validator {name}: mandatory and overridable are true or false")
    settings = _settings(table, f"validator {name}")
    subjects = _globs(table, "subjects")
    return ValidatorChoice(name, settings, **flags, timeout=timeout, subjects=subjects)


def read_health(entry: object) -> HealthChoice:
    """A `[[health]]`. Raises `UsageError`."""
    table = _table(entry, "health", {field.name for field in fields(HealthChoice)})
    name = _check_id(table.get("id"), "a health check's id")
    what = f"health {name}"
    return HealthChoice(
        name,
        _check_id(table.get("check", name), f"{what}: check"),
        _settings(table, what),
        within=_seconds(table, what, "within", WITHIN, (0, LONGEST_WITHIN)),
        timeout=_seconds(table, what, "timeout", TIMEOUT, (1, LONGEST_TIMEOUT)),
        subjects=_globs(table, "subjects"),
    )


def _check_id(value: object, what: str) -> str:
    if not isinstance(value, str) or not CHECK_ID.fullmatch(value):
        raise UsageError(f"{what} is up to 32 small letters, digits and dashes")
    return value


def _seconds(
    table: Mapping[str, Any], what: str, name: str, default: int, limits: tuple[int, int]
) -> int:
    value = table.get(name, default)
    least, most = limits
    if type(value) is not int or not least <= value <= most:
        raise UsageError(f"{what}: {name} is {least} to {most} seconds")
    return value


def _settings(table: Mapping[str, Any], what: str) -> Mapping[str, JSON]:
    settings = table.get("settings", {})
    if not isinstance(settings, dict):
        raise UsageError(f"{what}: settings is a table")
    return settings


def _head(table: Mapping[str, Any]) -> tuple[str, str, Tier]:
    name, reason, tier = (table.get(word) for word in ("id", "reason", "tier"))
    if not isinstance(name, str) or not RULE_ID.fullmatch(name):
        raise UsageError("a rule's id is up to 64 letters, digits, dots, dashes and underscores")
    if name in RESERVED or name.startswith(EMERGENCY):
        raise UsageError(f"the id {name} is reserved")
    if not is_text(reason) or not isinstance(reason, str):
        raise UsageError(f"rule {name}: the reason is one line of at most 500 characters")
    if not isinstance(tier, str) or tier not in TIERS:
        raise UsageError(f"rule {name}: the tier is one of {', '.join(TIERS)}")
    return name, reason, TIERS[tier]


def _table(entry: object, what: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise UsageError(f"[{what}] is no table")
    if strange := sorted(set(entry) - known):
        raise UsageError(f"[{what}] holds `{strange[0]}`, which is not known")
    return entry


def _globs(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = table.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{table.get('id', 'a table')}: {name} is a list of texts")
    if not value:
        raise UsageError(f"{table.get('id', 'a table')}: {name} is empty, leave it out for any")
    return tuple(value)


def _is_pattern(value: object) -> bool:
    if not is_text(value) or not isinstance(value, str):
        return False
    try:
        re.compile(value, re.ASCII)
    except re.error:
        return False
    return True
