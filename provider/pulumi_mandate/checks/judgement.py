"""Does what a document says about itself follow from the rules? Every verifier asks this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mandate.errors import Refused
from pulumi_mandate.models import Tier, keccak, to_hex
from pulumi_mandate.plan.assessment import emergency_tier, incident_of
from pulumi_mandate.plan.canonical import canonical_bytes

from .rules import Rules
from .tables import ValidatorChoice


def misjudged(rules: Rules, content: Mapping[str, Any]) -> str:
    """The first part of a document that these rules put otherwise; empty where there is none.

    `rules` are those of the document's subject (`Rules.about`). What the validators found is
    believed here; who runs the plan makes the checks again.
    """
    return next(_wrong(rules, content), "")


def settings_digest(choice: ValidatorChoice) -> str:
    """What a check's `digest` is: of the settings under which it ran."""
    return to_hex(keccak(canonical_bytes(dict(choice.settings))))


def require_passed(checks: list[Mapping[str, Any]]) -> None:
    """Raises `Refused` (5) with the reasons where a mandatory check failed."""
    failed = failures(checks)
    if not failed:
        return
    first = failed[0]
    told = [finding["message"] for finding in first["findings"]][:3]
    raise Refused(
        5,
        f"the check {first['id']} failed: {'; '.join(told)}"
        + (f" (and {len(failed) - 1} more checks)" if failed[1:] else ""),
        meaning="It is mandatory under the subject's rules, so nobody is asked to vote.",
        next_step="change the program; `mandate preview` shows every finding",
    )


def failures(checks: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The checks that stop a proposal."""
    return [check for check in checks if check["mandatory"] and check["verdict"] == "fail"]


def _wrong(rules: Rules, content: Mapping[str, Any]) -> Iterator[str]:
    for index, operation in enumerate(content["operations"]):
        tier, rule = rules.judge(operation)
        if (tier, rule) != (operation["tier"], operation["rule"]):
            written = Tier(operation["tier"]).name.lower()
            yield (
                f"operation {index} is {tier.name.lower()} by {rule}, and it says {written} by "
                f"{operation['rule']}"
            )
    yield from _wrong_checks(rules, content["checks"])
    try:
        stated = rules.state(content)
    except Refused as refusal:
        yield refusal.happened
        return
    if stated["unknowns"] != content["unknowns"]:
        yield "the constraints on unknown values are not those of the rules"
    if stated["sensitive"] != content["sensitive"]:
        yield "what no unknown may turn out to hold is not what the rules say"
    asked = stated["tier"]
    if content["tier"]["tier"] == Tier.EMERGENCY:
        # Nobody can judge whether it could wait; everything else is as without it.
        asked = emergency_tier(asked, *incident_of(content["tier"]))
    if asked != content["tier"]:
        yield f"the plan is {Tier(asked['tier']).name.lower()} by {asked['rule']}, with its reasons"


def _wrong_checks(rules: Rules, checks: list[Mapping[str, Any]]) -> Iterator[str]:
    wanted = {choice.id: choice for choice in rules.validators}
    if wanted.keys() != {check["id"] for check in checks}:
        yield f"the rules ask for the checks {', '.join(sorted(wanted)) or 'none'}, not for these"
        return
    for check in checks:
        choice = wanted[check["id"]]
        if check["mandatory"] is not choice.mandatory or check["digest"] != settings_digest(choice):
            yield f"the check {choice.id} was made with other settings than the rules give"
        if check["verdict"] == "overridden" and not choice.overridable:
            yield f"the check {choice.id} is overridden, and the rules do not let it be"
    for check in failures(checks):
        yield f"the check {check['id']} failed, and it is mandatory"
