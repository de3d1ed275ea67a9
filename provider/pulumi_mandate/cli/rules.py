"""`mandate rules`: read a rules file, try it on a plan, and get the digest that goes on chain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import Refused
from ..models import Tier, to_hex
from ._command import Call, TeachingGroup, command
from ._lookup import load_document, plan_of
from ._output import Answer
from ._target import Target, TargetType

if TYPE_CHECKING:
    from ..checks import Rules
    from ..checks.tables import HealthChoice
    from ..plan.document import Document

_RULES = click.Path(path_type=Path, dir_okay=False)
"""A file that cannot be read says so in our words."""


@click.group(
    "rules",
    cls=TeachingGroup,
    short_help="What plans are judged by.",
    examples=(
        "mandate rules show",
        "mandate rules check rules.toml 1",
        "mandate rules digest rules.toml --keep",
    ),
)
def rules() -> None:
    """What plans are judged by: tiers, constraints, and which validators run.

    The subject's config on chain holds the digest of its rules, so that no pull request and no
    machine chooses them. Every key of the file: docs/reference/rules.md
    """


@command(
    "show",
    "Print rules with their reasons.",
    examples=("mandate rules show", "mandate rules show rules.toml"),
)
@click.argument("file", type=_RULES, required=False, metavar="[FILE]")
def show(call: Call, file: Path | None) -> Answer:
    """Print the rules of a file, or the shipped ones, in the order in which they are tried."""
    found = _load(file)
    lines = [f"rules {to_hex(found.digest)}", ""]
    lines += [_line(rule.tier, rule.id, rule.reason) for rule in found.rules]
    lines += [_line(Tier.HIGH, "(none of them)", "what no rule matches is high"), ""]
    lines += [_line(rule.tier, rule.id, f"{rule.reason} (whole plan)") for rule in found.plans]
    lines += [f"check   {one.id}{'' if one.mandatory else ' (not mandatory)'}"
              for one in found.validators]  # fmt: skip
    lines += [_health_line(one) for one in found.health]
    data = {
        "digest": to_hex(found.digest),
        "rules": [_facts(rule) for rule in found.rules],
        "plan": [_facts(rule) for rule in found.plans],
        "constraints": len(found.constraints),
        "validators": [one.id for one in found.validators],
        "health": [_health_facts(one) for one in found.health],
    }
    return Answer(data, "\n".join(lines).rstrip())


@command(
    "check",
    "Check a file, and judge a plan under it.",
    examples=(
        "mandate rules check rules.toml",
        "mandate rules check rules.toml 1",
        "mandate rules check rules.toml --plan plan.json",
    ),
)
@click.argument("file", type=_RULES, metavar="FILE")
@click.argument("target", type=TargetType(), required=False, metavar="[PROPOSAL|PLAN-HASH]")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A document of your own.",
)
def check(call: Call, file: Path, target: Target | None, plan_file: Path | None) -> Answer:
    """Say whether a rules file can be used and, given a plan, how it would be judged under it.

    Validators are not run, and nobody is asked about health. Exits with 3 where the rules would
    refuse the plan.
    """
    from ..plan.document import Document

    found = _load(file)
    document = None
    if plan_file is not None:
        document = Document.load(plan_file.read_bytes())
    elif target is not None:
        document = load_document(call.session, plan_of(call.session, target))
    told = f"good rules: {to_hex(found.digest)}"
    if document is None:
        return Answer({"digest": to_hex(found.digest)}, told)
    return _judged(found, document, told)


@command(
    "digest",
    "The digest for the subject's config.",
    examples=("mandate rules digest", "mandate rules digest rules.toml --keep"),
)
@click.argument("file", type=_RULES, required=False, metavar="[FILE]")
@click.option("--keep", is_flag=True, help="Put the rules into the plan store, for all to find.")
def digest(call: Call, file: Path | None, keep: bool) -> Answer:
    """Print the digest of a file, or of the rules that are shipped. Comments do not count.

    A plan for the subject's config brings it on chain; the file itself must be in the plan store
    by then, or nobody can judge.
    """
    found = _load(file)
    if keep:
        call.session.store.put(found.data)
    return Answer({"digest": to_hex(found.digest), "kept": keep}, to_hex(found.digest))


for _command in (show, check, digest):
    rules.add_command(_command)


def _load(file: Path | None) -> Rules:
    from ..checks import Rules

    return Rules.load(file)


def _judged(found: Rules, document: Document, told: str) -> Answer:
    from ..plan.reading import ascii_only, named

    about = found.about(document.subject)
    operations = []
    for operation in document.operations:
        tier, rule = about.judge(operation)
        operations.append({**operation, "tier": int(tier), "rule": rule})
    lines = [told, ""]
    for operation in operations:
        name = Tier(operation["tier"]).name.lower()
        lines.append(f"{name:<7} {operation['op']} {named(operation['urn'])} ({operation['rule']})")
    lines += ["", *map(_health_line, about.health)] if about.health else []
    data: dict[str, Any] = {
        "digest": to_hex(found.digest),
        "health": [_health_facts(one) for one in about.health],
        "operations": [
            {"urn": one["urn"], "op": one["op"], "tier": one["tier"], "rule": one["rule"]}
            for one in operations
        ],
    }
    try:
        stated = about.state({**document.content, "operations": operations})
    except Refused as refusal:
        refused = {"tier": None, "refused": refusal.happened}
        text = [*lines, "", f"refused: {ascii_only(refusal.happened)}", refusal.next_step]
        return Answer(data | refused, "\n".join(text), exit_code=Refused.exit_code)
    tier = stated["tier"]
    reason = tier["reasons"][tier["rule"]]
    lines += ["", f"the plan is {Tier(tier['tier']).name.lower()} by {tier['rule']}: {reason}"]
    return Answer(data | {"tier": tier["tier"], "rule": tier["rule"]}, "\n".join(lines))


def _line(tier: Tier, name: str, reason: str) -> str:
    return f"{tier.name.lower():<7} {name:<28} {reason}"


def _health_line(choice: HealthChoice) -> str:
    from ..checks.health import sentence

    return f"health  {sentence(choice)}"


def _health_facts(choice: HealthChoice) -> dict[str, Any]:
    return {"id": choice.id, "check": choice.check, "within": choice.within}


def _facts(rule: Any) -> dict[str, str]:
    return {"id": rule.id, "tier": rule.tier.name.lower(), "reason": rule.reason}
