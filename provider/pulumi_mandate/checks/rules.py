"""The rules a subject's plans are judged by: tiers, constraints, which validators run, and what is
asked after a run.

They are data. First match decides for an operation, and what no rule matches is high: forgetting a
rule never makes anything easier. The subject's config on chain holds their digest, so no pull
request and no machine chooses them: whoever judges looks for the file that has the digest.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import InvalidDocument, UsageError
from pulumi_mandate.models import Digest, Subject, Tier, keccak
from pulumi_mandate.plan import summary
from pulumi_mandate.plan.assessment import COST, overridden
from pulumi_mandate.plan.canonical import canonical_bytes, parse
from pulumi_mandate.plan.constraint import any_match

from .constraints import Constraint, Unknowns, constrain
from .tables import (
    BLANK_CHEQUE,
    NO_MATCH,
    OVERRIDDEN,
    RESERVED,
    HealthChoice,
    ValidatorChoice,
    read_constraint,
    read_health,
    read_plan_rule,
    read_rule,
    read_unknowns,
    read_validator,
)
from .tiers import PlanRule, Rule, changes, unknown_paths

VERSION = 1
_TABLES = ("rule", "plan", "constraint", "validator", "health")


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole rules file and its digest."""

    rules: tuple[Rule, ...]
    digest: Digest
    data: bytes
    """The canonical bytes that hash to the digest: what a plan store keeps."""
    plans: tuple[PlanRule, ...] = ()
    unknowns: Unknowns = Unknowns()  # noqa: RUF009  # frozen
    constraints: tuple[Constraint, ...] = ()
    validators: tuple[ValidatorChoice, ...] = ()
    health: tuple[HealthChoice, ...] = ()
    subject: Subject | None = None
    """Whose they are; None: of nobody yet, and then none may name subjects."""

    @classmethod
    def load(cls, path: Path | None = None) -> Rules:
        """The rules in a file, or those shipped with this package. Raises `UsageError`."""
        return cls._read(path) if path is not None else _shipped()

    @classmethod
    def _read(cls, path: Path) -> Rules:
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"the rules cannot be read: {error}") from None
        return cls.of(content)

    @classmethod
    def stored(cls, data: bytes) -> Rules:
        """The rules of canonical bytes, as a plan store keeps them. Raises `UsageError`."""
        try:
            content = parse(data)
        except InvalidDocument as error:
            raise UsageError(f"the stored rules cannot be read: {error}") from None
        return cls.of(content if isinstance(content, dict) else {})

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Rules:
        """Check the tables and digest them; an unknown word is an error, never skipped."""
        known = {"version", "unknowns", *_TABLES}
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise UsageError(f"rules begin with `version = {VERSION}`")
        if strange := sorted(set(content) - known):
            raise UsageError(f"the rules hold `{strange[0]}`, which is not known")
        entries = {name: content.get(name, []) for name in _TABLES}
        if "rule" not in content or not all(isinstance(v, list) for v in entries.values()):
            raise UsageError(f"rules need [[rule]] and may have {', '.join(_TABLES[1:])} tables")
        try:
            data = canonical_bytes(dict(content))
        except InvalidDocument as error:
            raise UsageError(f"the rules hold a value without a canonical form: {error}") from None
        found = cls(
            tuple(map(read_rule, entries["rule"])),
            keccak(data),
            data,
            tuple(map(read_plan_rule, entries["plan"])),
            read_unknowns(content.get("unknowns", {})),
            tuple(map(read_constraint, entries["constraint"])),
            tuple(sorted(map(read_validator, entries["validator"]), key=lambda one: one.id)),
            tuple(sorted(map(read_health, entries["health"]), key=lambda one: one.id)),
        )
        found._check_ids()
        return found

    def about(self, subject: Subject) -> Rules:
        """Only what applies to this subject; the digest stays that of the file."""

        def applies(part: Rule | PlanRule | Constraint | ValidatorChoice | HealthChoice) -> bool:
            return not part.subjects or any_match(part.subjects, [str(subject)])

        return replace(
            self,
            rules=tuple(filter(applies, self.rules)),
            plans=tuple(filter(applies, self.plans)),
            constraints=tuple(filter(applies, self.constraints)),
            validators=tuple(filter(applies, self.validators)),
            health=tuple(filter(applies, self.health)),
            subject=subject,
        )

    def judge(self, operation: Mapping[str, Any]) -> tuple[Tier, str]:
        """The tier an operation needs, and the id of the rule that says so."""
        changed, unknown = changes(operation), unknown_paths(operation)
        for rule in self.rules:
            self._require_subject(rule)
            if rule.matches(operation, changed, unknown):
                return rule.tier, rule.id
        return Tier.HIGH, NO_MATCH

    def state(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The parts `unknowns`, `sensitive` and `tier`, from judged operations and checks.

        Raises `Refused` for a sensitive unknown without a constraint, where the rules want that.
        """
        operations, written = content["operations"], summary.unknowns(content["operations"])
        unknowns, blank = constrain(written, operations, self.constraints, self.unknowns)
        highest = summary.highest(operations)
        asked = [(Tier(highest["tier"]), str(highest["rule"]))]
        for rule in self.plans:
            self._require_subject(rule)
            if rule.matches({**content, "unknowns": unknowns}):
                asked.append((rule.tier, rule.id))
        asked += [(Tier.HIGH, BLANK_CHEQUE)] * blank
        asked += [(Tier.HIGH, OVERRIDDEN)] * bool(overridden(content["checks"]))
        tier, rule_id = max(asked, key=lambda pair: pair[0])  # of equals the first: an operation's
        fired = {rule_id, *(operation["rule"] for operation in operations)}
        reasons = {name: self.reason(name) for name in fired}
        return {
            "unknowns": unknowns,
            "sensitive": sorted(set(self.unknowns.sensitive)) if unknowns else [],
            "tier": {"tier": int(tier), "rule": rule_id, "reasons": reasons},
        }

    def reason(self, rule_id: str) -> str:
        """The sentence that explains a rule to voters."""
        reasons = {rule.id: rule.reason for rule in self._all()}
        return reasons.get(rule_id) or RESERVED.get(rule_id, RESERVED[NO_MATCH])

    def _all(self) -> list[Rule | PlanRule]:
        return [*self.rules, *self.plans]

    def _require_subject(self, rule: Rule | PlanRule) -> None:
        if rule.subjects and self.subject is None:
            raise UsageError(f"rule {rule.id} is for some subjects, and none was named")

    def _check_ids(self) -> None:
        for ids, what in (
            ([rule.id for rule in self._all()], "rules"),
            ([choice.id for choice in self.validators], "validators"),
            ([choice.id for choice in self.health], "health checks"),
        ):
            if len(set(ids)) != len(ids):
                raise UsageError(f"two {what} have the same id")
        if any(rule.cost_over is not None for rule in self.plans) and COST[0] not in [
            choice.id for choice in self.validators
        ]:
            raise UsageError("a rule has cost_over, and no validator `cost` runs")


@cache
def _shipped() -> Rules:
    text = files(__package__).joinpath("default_rules.toml").read_text(encoding="utf-8")
    return Rules.of(tomllib.loads(text))
