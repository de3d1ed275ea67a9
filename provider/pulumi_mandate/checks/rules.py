"""Tiering: which rule fires for an operation, and how much consent it asks for.

Rules are data (TOML), tried in order; the first that matches decides. An operation that no rule
matches is high: forgetting a rule never makes anything easier. The subject's config on chain holds
the digest of the rules, so a pull request cannot judge itself by its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Digest, Tier, keccak
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.code import PROPERTY
from pulumi_mandate.plan.document import RULE_ID
from pulumi_mandate.plan.markers import is_marker, is_unknown

VERSION = 1
NO_MATCH = "no-rule-matches"
TIERS = {"low": Tier.LOW, "medium": Tier.MEDIUM, "high": Tier.HIGH}
_PACKAGES = re.compile(r"0x[0-9a-f]{64}(,0x[0-9a-f]{64})*")
"""Digests of the packages that own a module; `program` where none does."""
FLOOR = Tier.MEDIUM
"""Version 1 has no optimistic governor yet: low is lifted to medium."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table. An empty tuple means "any"."""

    id: str
    reason: str
    """Shown to voters beside the tier."""
    tier: Tier
    ops: tuple[str, ...] = ()
    """Engine steps, as in an operation's `op`."""
    types: tuple[str, ...] = ()
    """Globs over the resource type, case-sensitive."""
    paths: tuple[str, ...] = ()
    """Globs over the dotted paths that differ: `inputs.policy*`, `options.protect`."""
    unknowns: tuple[str, ...] = ()
    """Globs over the dotted paths that are unknown until the plan runs."""
    providers: tuple[str, ...] = ()
    """Globs over `module.Class` of the dynamic provider; installed packages only, never a
    program's own code."""

    def matches(self, operation: Mapping[str, Any], changed: set[str], unknown: set[str]) -> bool:
        """Every condition that is there must hold."""
        return (
            (not self.ops or operation["op"] in self.ops)
            and (not self.types or _any(self.types, [operation["type"]]))
            and (not self.paths or _any(self.paths, changed))
            and (not self.unknowns or _any(self.unknowns, unknown))
            and (not self.providers or _any(self.providers, _provider_code(operation)))
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """An ordered rule set and its digest."""

    rules: tuple[Rule, ...]
    digest: Digest

    @classmethod
    def load(cls, path: Path | None = None) -> Rules:
        """The rules in a file, or those shipped with this package. Raises `UsageError`."""
        source = path or files(__package__).joinpath("default_rules.toml")
        try:
            content = tomllib.loads(source.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"the rules cannot be read: {error}") from None
        return cls.of(content)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Rules:
        """Check the table and digest it; an unknown word is an error, never skipped."""
        if content.get("version") != VERSION or set(content) != {"version", "rule"}:
            raise UsageError(f"rules are `version = {VERSION}` and [[rule]] tables, nothing else")
        rules = tuple(_rule(entry) for entry in content["rule"])
        if len({rule.id for rule in rules}) != len(rules) or NO_MATCH in {r.id for r in rules}:
            raise UsageError("two rules have the same id, or one uses a reserved id")
        return cls(rules, keccak(canonical_bytes(dict(content))))

    def judge(self, operation: Mapping[str, Any]) -> tuple[Tier, str]:
        """The tier an operation needs, and the id of the rule that says so."""
        changed, unknown = set(changed_paths(operation)), set(_unknown_paths(operation))
        for rule in self.rules:
            if rule.matches(operation, changed, unknown):
                return max(rule.tier, FLOOR), rule.id
        return Tier.HIGH, NO_MATCH

    def reason(self, rule_id: str) -> str:
        """The sentence that explains a rule to voters."""
        reasons = {rule.id: rule.reason for rule in self.rules}
        return reasons.get(rule_id, "no rule matches this operation, and what is unknown is high")


def changed_paths(operation: Mapping[str, Any]) -> Iterator[str]:
    """Dotted paths that differ between before and after; what is created differs whole."""
    for side in ("options", "provider"):
        yield from _differences(side, operation[side]["before"], operation[side]["after"])
    before, after = operation["before"] or {}, operation["after"] or {}
    for part in ("inputs", "outputs"):
        if part == "outputs" and part not in after:
            continue  # the outputs of a provider are its answer, not a wish
        yield from _differences(part, before.get(part), after.get(part))


def _differences(path: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    yield path
    left = before if isinstance(before, dict) and not is_marker(before) else {}
    right = after if isinstance(after, dict) and not is_marker(after) else {}
    for key in sorted(left.keys() | right.keys()):
        yield from _differences(f"{path}.{key}", left.get(key), right.get(key))


def _unknown_paths(operation: Mapping[str, Any]) -> Iterator[str]:
    stack: list[tuple[str, Any]] = [("", operation["after"])]
    while stack:
        path, value = stack.pop()
        if is_unknown(value):
            yield path.lstrip(".")
        elif isinstance(value, dict):
            stack.extend((f"{path}.{key}", item) for key, item in value.items())
        elif isinstance(value, list):
            stack.extend((f"{path}.{index}", item) for index, item in enumerate(value))


def _provider_code(operation: Mapping[str, Any]) -> list[str]:
    """Which class of an installed package runs as the provider; empty for all other code."""
    inputs = (operation["after"] or operation["before"] or {}).get("inputs")
    marker = inputs.get(PROPERTY) if isinstance(inputs, dict) and not is_marker(inputs) else None
    if not is_marker(marker, "provider-code") or not _PACKAGES.fullmatch(str(marker["package"])):
        return []
    return [f"{marker['module']}.{marker['class']}"]


def _any(globs: Iterable[str], texts: Iterable[str]) -> bool:
    return any(fnmatchcase(text, glob) for text in texts for glob in globs)


def _rule(entry: object) -> Rule:
    lists = ("ops", "types", "paths", "unknowns", "providers")
    if not isinstance(entry, dict) or set(entry) - {"id", "reason", "tier", *lists}:
        raise UsageError("a rule holds a key that is not known")
    words = [entry.get(name) for name in ("id", "reason", "tier")]
    if not all(isinstance(word, str) and word for word in words) or entry["tier"] not in TIERS:
        raise UsageError(f"a rule needs id, reason and a tier of {', '.join(TIERS)}")
    if not RULE_ID.fullmatch(entry["id"]):
        raise UsageError("a rule's id is up to 64 letters, digits, dots, dashes and underscores")
    for name in lists:
        value = entry.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"rule {entry['id']}: {name} is a list of texts")
    if name_of_empty := [name for name in lists if entry.get(name) == []]:
        raise UsageError(f"rule {entry['id']}: {name_of_empty[0]} is empty, leave it out for any")
    return Rule(
        entry["id"],
        entry["reason"],
        TIERS[entry["tier"]],
        *(tuple(entry.get(name, ())) for name in lists),
    )
