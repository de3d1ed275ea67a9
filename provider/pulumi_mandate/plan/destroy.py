"""The steps of a destroy: every resource of the state leaves it, once, as it was deployed.

`pulumi destroy` saves no plan file. It runs the program, because delete hooks live there, and takes
`protect` and `retainOnDelete` from what the program registers, and the providers' configuration
too: an edited program, or another region in the configuration, deletes elsewhere or other things
(seen with engine v3.259.0, which hides default providers from the list of steps). So three sources
must agree: the state, the destroy's own steps, and the plan file of an update of the same program,
which shows every provider. Where the program says something else than the state, the destroy is
refused: bring the stack to what the program says first, or take the program that was deployed.

Of a part of the stack (`--target`, `--exclude`) the rest must stay as it is. The engine takes the
outputs of the stack and of components from the program all the same, and of what it leaves out it
writes a placeholder, so a program that says other outputs is refused. And it shows nobody what
becomes of a default provider: the same engine keeps each under `--target`, and under `--exclude`
those that something needs which stays (seen). A flag that names one refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pulumi_mandate.errors import IncompletePlan

from .document import STEPS_OF_PLAN
from .raw import RawPreview
from .sources import (
    OPTIONS,
    PROVIDERS,
    ROOT,
    State,
    Step,
    all_accounted_for,
    find_old,
    is_default_provider,
    is_skipped,
    is_untouched,
    require_agreement,
    state_of,
    untouched,
)
from .values import same_json

_DECISIVE = sorted((OPTIONS - {"resourceHooks"}) | {"provider", "parent"})
"""The program's hooks may be more than the state's: a stack may be older than its gate."""
_SETTLED_FIRST = "pulumi up, under a mandate of its own; or check out the program as deployed"


def read_destroy(raw: RawPreview) -> list[Step]:
    """One delete for every resource of the state, or of its part; of the rest a `same`.

    Raises `IncompletePlan`.
    """
    state = state_of(raw)
    if not state:
        return []
    if not raw.part:
        refuse_protected(state)
    _check_providers(raw.plan_file)
    shown = raw.steps.get("steps") or []
    steps = [_delete(step, state) for step in shown if _deletes(step)]
    gone = {step.urn for step in steps}
    if raw.part:
        refuse_protected(step.old for step in steps if step.old is not None)
        _check_outputs(raw.plan_file, gone)
        rest = [step for step in shown if step["urn"] not in gone]
        steps += [_kept(step, state) for step in rest if not is_skipped(step, state)]
    steps += _hidden(state, gone, raw.part)
    all_accounted_for(state, steps)
    return steps


def state_in(export: dict[str, Any]) -> list[State]:
    """The resources of one export, unchecked."""
    return (export.get("deployment") or {}).get("resources") or []


def refuse_protected(resources: Iterable[State]) -> None:
    """Say it before the engine does, for all of them. Raises `IncompletePlan`."""
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


def _kept(shown: dict[str, Any], state: list[State]) -> Step:
    """What a part of a destroy leaves: as the state has it, whatever the program says of it."""
    if shown["newState"]["type"] != ROOT and not is_untouched(shown):
        raise IncompletePlan(f"{shown['urn']}: the destroy would change what it leaves")
    return untouched(shown, None, state)


def _hidden(state: list[State], gone: set[str], part: tuple[str, ...]) -> Iterator[Step]:
    """Default providers, of which the engine shows no step: the whole stack's leave with it."""
    rest = [resource for resource in state if resource["urn"] not in gone]
    needed = {(resource.get("provider") or "").rpartition("::")[0] for resource in rest}
    for resource in (one for one in rest if is_default_provider(one["urn"])):
        urn = resource["urn"]
        for flag in part:
            if _pattern(flag.partition("=")[2]).fullmatch(urn):
                raise IncompletePlan(
                    f"{flag} names {urn}, which the engine makes and removes by itself",
                    next_step="name the resources without it",
                )
        if any(flag.startswith("--target=") for flag in part) or (part and urn in needed):
            inputs = resource.get("inputs") or {}
            yield Step(urn, "same", resource, resource, None, inputs, None, [])
        else:
            yield Step(urn, "delete", resource, None, None, None, None, [])


def _pattern(named: str) -> re.Pattern[str]:
    """As the engine reads a URN with wildcards: `**` is anything, `*` anything but a colon.

    Source: `NewUrnTargets` in `pkg/resource/deploy/deployment.go` of Pulumi v3.259.0.
    """
    parts = (part.replace(re.escape("*"), "[^:]*") for part in re.escape(named).split(r"\*\*"))
    return re.compile(".*".join(parts))


def _check_providers(plan_file: dict[str, Any]) -> None:
    for urn, plan in (plan_file.get("resourcePlans") or {}).items():
        if f"::{PROVIDERS}" in urn and not set(plan.get("steps") or ()) <= {"same", "delete"}:
            raise IncompletePlan(
                f"{urn}: the program configures this provider otherwise than it was deployed",
                meaning="What is destroyed would be looked for in another account or region.",
                next_step=_SETTLED_FIRST,
            )


def _check_outputs(plan_file: dict[str, Any], gone: set[str]) -> None:
    for urn, plan in (plan_file.get("resourcePlans") or {}).items():
        if urn not in gone and any(((plan.get("goal") or {}).get("outputDiff") or {}).values()):
            raise IncompletePlan(
                f"{urn} stays, and the program gives it other outputs than it was deployed with",
                meaning="The engine would write them, or a placeholder, into the state.",
                next_step=_SETTLED_FIRST,
            )
