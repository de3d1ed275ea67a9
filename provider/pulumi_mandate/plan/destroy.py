"""The steps of a destroy: every resource of the state leaves it, once, as it was deployed.

`pulumi destroy` saves no plan file. It runs the program, because delete hooks live there, and takes
`protect` and `retainOnDelete` from what the program registers, and the providers' configuration
too: an edited program, or another region in the configuration, deletes elsewhere or other things
(seen with engine v3.259.0, which hides default providers from the list of steps). So three sources
must agree: the state, the destroy's own steps, and the plan file of an update of the same program,
which shows every provider. Where the program says something else than the state, the destroy is
refused: bring the stack to what the program says first, or take the program that was deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pulumi_mandate.errors import IncompletePlan

from .document import STEPS_OF_PLAN
from .raw import RawPreview
from .sources import (
    OPTIONS,
    PROVIDERS,
    State,
    Step,
    all_accounted_for,
    find_old,
    is_default_provider,
    require_agreement,
    state_of,
)
from .values import same_json

_DECISIVE = sorted((OPTIONS - {"resourceHooks"}) | {"provider", "parent"})
"""The program's hooks may be more than the state's: a stack may be older than its gate."""
_SETTLED_FIRST = "pulumi up, under a mandate of its own; or check out the program as deployed"


def read_destroy(raw: RawPreview) -> list[Step]:
    """One delete for every resource of the state. Raises `IncompletePlan`."""
    state = state_of(raw)
    if not state:
        return []
    refuse_protected(raw.before)
    _check_providers(raw.plan_file)
    steps = [_delete(shown, state) for shown in raw.steps.get("steps") or [] if _deletes(shown)]
    steps += _hidden(state, {step.urn for step in steps})
    all_accounted_for(state, steps)
    return steps


def refuse_protected(export: dict[str, Any]) -> None:
    """Say it before the engine does, for all of them. Raises `IncompletePlan`."""
    resources: list[State] = (export.get("deployment") or {}).get("resources") or []
    protected = sorted(resource["urn"] for resource in resources if resource.get("protect"))
    if protected:
        count = len(protected)
        raise IncompletePlan(
            f"{protected[0]} is protected" + (f", and {count - 1} more are" if count > 1 else ""),
            meaning="A protected resource is not deleted; nor is the stack then.",
            next_step="remove protect from the program, propose that, and run it; then destroy",
        )


def _deletes(shown: dict[str, Any]) -> bool:
    """Whether a step deletes. What else a destroy shows must leave everything as it is."""
    urn, op = shown["urn"], shown["op"]
    if op in STEPS_OF_PLAN["destroy"]:
        return True
    if op != "same":
        raise IncompletePlan(
            f"{urn}: before the destroy, the program wants this step: {op}",
            meaning="What is destroyed would be reached with another configuration.",
            next_step=_SETTLED_FIRST,
        )
    old, new = shown.get("oldState") or {}, shown.get("newState") or {}
    if old.get("provider") != new.get("provider"):
        raise IncompletePlan(
            f"{urn}: the program names another provider than it was deployed with",
            next_step=_SETTLED_FIRST,
        )
    return False


def _delete(shown: dict[str, Any], state: list[State]) -> Step:
    urn, told = shown["urn"], shown.get("oldState")
    if told is None or shown.get("newState") is not None:
        raise IncompletePlan(f"{urn}: a {shown['op']} without an old state, or with a new one")
    old = find_old(state, urn, told)
    require_agreement(urn, old, told)
    for name in _DECISIVE:
        if not same_json(old.get(name) or None, told.get(name) or None):
            raise IncompletePlan(
                f"{urn}: the program gives {name} another value than it was deployed with",
                meaning="The engine destroys with the program's options, not with the state's.",
                next_step=_SETTLED_FIRST,
            )
    return Step(urn, shown["op"], old, None, None, None, None, [])


def _hidden(state: list[State], shown: set[str]) -> Iterator[Step]:
    """Default providers leave as well, and the engine shows no step for them."""
    for resource in state:
        urn = resource["urn"]
        if urn not in shown and is_default_provider(urn):
            yield Step(urn, "delete", resource, None, None, None, None, [])


def _check_providers(plan_file: dict[str, Any]) -> None:
    for urn, plan in (plan_file.get("resourcePlans") or {}).items():
        if f"::{PROVIDERS}" in urn and not set(plan.get("steps") or ()) <= {"same", "delete"}:
            raise IncompletePlan(
                f"{urn}: the program configures this provider otherwise than it was deployed",
                meaning="What is destroyed would be looked for in another account or region.",
                next_step=_SETTLED_FIRST,
            )
