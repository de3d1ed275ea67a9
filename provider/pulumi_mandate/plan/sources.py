"""Three sources, one list of steps: what the plan file, the JSON steps and the state all say.

A URN, a step, an input or an option that one of them has and another has not is refused.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pulumi_mandate.errors import IncompletePlan

from .document import KIND_OF, OURS
from .raw import RawPreview
from .values import masked, same_json

State = dict[str, Any]
ENGINE_STEPS = (frozenset(KIND_OF) - OURS) | {"same"}
WITHOUT_GOAL = frozenset({"delete", "delete-replaced"})
ROOT = "pulumi:pulumi:Stack"
PROVIDERS = "pulumi:providers:"

# What the engine writes for people and for itself, and what this package reads elsewhere.
_NOT_OPTIONS = frozenset(
    {"urn", "custom", "delete", "id", "type", "inputs", "outputs", "parent", "provider"}
    | {"dependencies", "propertyDependencies", "created", "modified", "sourcePosition"}
    | {"stackTrace", "initErrors"}
)
OPTIONS = frozenset(
    {"protect", "taint", "external", "pendingReplacement", "additionalSecretOutputs", "aliases"}
    | {"customTimeouts", "importID", "retainOnDelete", "deletedWith", "replaceWith"}
    | {"ignoreChanges", "hideDiff", "replaceOnChanges", "replacementTrigger"}
    | {"refreshBeforeUpdate", "viewOf", "resourceHooks", "extensionRef", "snippetID"}
)
SETS = frozenset(
    {"additionalSecretOutputs", "aliases", "replaceWith", "ignoreChanges", "hideDiff"}
    | {"replaceOnChanges"}
)
_STATE_KEYS = _NOT_OPTIONS | OPTIONS
_GOAL_KEYS = frozenset(
    {"type", "name", "custom", "inputDiff", "outputDiff", "parent", "protect", "dependencies"}
    | {"provider", "propertyDependencies", "deleteBeforeReplace", "ignoreChanges"}
    | {"additionalSecretOutputs", "aliases", "structuredAliases", "id", "customTimeouts"}
)


@dataclass(frozen=True, slots=True)
class Step:
    """One engine step, with everything the sources say about it."""

    urn: str
    op: str
    old: State | None = field(repr=False)
    """From the state export, secrets in the clear."""
    new: State | None = field(repr=False)
    """From the JSON steps, secrets masked. For a hidden default provider: from its goal."""
    goal: dict[str, Any] | None = field(repr=False)
    """From the plan file; none for a delete."""
    inputs: dict[str, Any] | None = field(repr=False)
    """The new inputs, secrets in the clear: old inputs and `inputDiff`."""
    outputs: dict[str, Any] | None = field(repr=False)
    """The new outputs, of stacks and components only: nobody but the program decides those."""
    replace_keys: list[str]

    @property
    def type(self) -> str:
        state = self.new or self.old or {}
        return str(state["type"])


def read_steps(raw: RawPreview) -> list[Step]:
    """Every step of the plan, `same` included. Raises `IncompletePlan`."""
    state = state_of(raw)
    shown: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for step in raw.steps.get("steps") or []:
        shown[step["urn"]].append(step)
    plans: dict[str, dict[str, Any]] = raw.plan_file.get("resourcePlans") or {}
    for urn in shown.keys() - plans.keys():
        raise IncompletePlan(f"the preview shows steps for {urn}, and the plan file has none")
    steps = [
        step for urn, plan in plans.items() for step in _steps_of(urn, plan, shown[urn], state)
    ]
    all_accounted_for(state, steps)
    return steps


def state_of(raw: RawPreview) -> list[State]:
    """The resources of the state export, after the checks that concern all of it."""
    if not same_json(raw.before, raw.after):
        raise IncompletePlan(
            "the stack changed during the preview", next_step="preview again when it is quiet"
        )
    if raw.steps.get("maybeCorrupt"):
        raise IncompletePlan("the engine calls its own preview corrupt")
    deployment = raw.before.get("deployment") or {}
    for part in ("pending_operations", "snippets", "extensions"):
        if deployment.get(part):
            raise IncompletePlan(
                f"the state holds {part}, which no plan can speak about",
                meaning="A killed run left operations whose outcome nobody recorded."
                if part == "pending_operations"
                else "",
                next_step="settle them first: pulumi refresh, or pulumi state",
            )
    resources: list[State] = deployment.get("resources") or []
    for resource in resources:
        _known(resource, _STATE_KEYS, f"the state of {resource.get('urn')}")
    return resources


def _steps_of(
    urn: str, plan: dict[str, Any], shown: list[dict[str, Any]], state: list[State]
) -> Iterator[Step]:
    ops = list(plan.get("steps") or [])
    hidden = not shown and is_default_provider(urn)
    if not hidden and Counter(ops) != Counter(step["op"] for step in shown):
        raise IncompletePlan(
            f"the sources disagree about the steps of {urn}",
            meaning=f"plan file: {sorted(ops)}; preview: {sorted(s['op'] for s in shown)}",
        )
    goal = plan.get("goal")
    if goal is not None:
        _known(goal, _GOAL_KEYS, f"the goal of {urn}")
    for op in ops:
        if op not in ENGINE_STEPS:
            raise IncompletePlan(f"{urn}: the engine's step {op!r} is not covered by plans yet")
    if hidden:
        for op in ops:
            old = None if op == "create" else find_old(state, urn, None)
            yield _step(urn, op, old, _from_goal(urn, goal, old), goal, [])
        return
    for step in shown:
        old_shown = step.get("oldState")
        old = None
        if old_shown is not None:
            old = find_old(state, old_shown["urn"], old_shown)
            require_agreement(urn, old, old_shown)
        new = step.get("newState")
        yield _step(urn, step["op"], old, new, goal, step.get("replaceReasons") or [])


def _step(  # noqa: PLR0913, PLR0917  # one argument per source
    urn: str,
    op: str,
    old: State | None,
    new: State | None,
    goal: dict[str, Any] | None,
    replace_keys: list[str],
) -> Step:
    if op in WITHOUT_GOAL:
        if old is None or new is not None:
            raise IncompletePlan(f"{urn}: a {op} without an old state, or with a new one")
        return Step(urn, op, old, None, None, None, None, sorted(set(replace_keys)))
    if goal is None or new is None:
        raise IncompletePlan(f"{urn}: a {op} without a goal or a new state")
    _known(new, _STATE_KEYS, f"the new state of {urn}")
    before = (old or {}).get("inputs") or {}
    inputs = _apply(urn, before, goal.get("inputDiff") or {})
    _agree(urn, "new inputs", masked(inputs), new.get("inputs"))
    _agree_about_options(urn, goal, new)
    outputs = None
    if not new["custom"]:
        outputs = _apply(urn, (old or {}).get("outputs") or {}, goal.get("outputDiff") or {})
    return Step(urn, op, old, new, goal, inputs, outputs, sorted(set(replace_keys)))


def require_agreement(urn: str, old: State, shown: State) -> None:
    """The state and the preview show the same old resource. Raises `IncompletePlan`."""
    _agree(urn, "old inputs", masked(old.get("inputs")), shown.get("inputs"))
    _agree(urn, "old outputs", masked(old.get("outputs")), shown.get("outputs"))


def _apply(urn: str, before: dict[str, Any], diff: dict[str, Any]) -> dict[str, Any]:
    _known(diff, frozenset({"adds", "deletes", "updates"}), f"the goal of {urn}")
    changed = dict(before)
    for key in diff.get("deletes") or []:
        if changed.pop(key, diff) is diff:
            raise IncompletePlan(f"{urn}: the plan removes a property the state has not")
    return changed | (diff.get("adds") or {}) | (diff.get("updates") or {})


def _agree(urn: str, what: str, left: Any, right: Any) -> None:
    if not same_json(left or {}, right or {}):
        keys = sorted(
            key
            for key in (left or {}).keys() | (right or {}).keys()
            if not same_json((left or {}).get(key), (right or {}).get(key))
        )
        raise IncompletePlan(
            f"{urn}: the sources disagree about the {what}",
            meaning=f"They differ at: {', '.join(keys)}.",
        )


def _agree_about_options(urn: str, goal: dict[str, Any], new: State) -> None:
    for name in ("type", "custom", "parent", "provider"):
        if name in goal and goal[name] and goal[name] != new.get(name):
            raise IncompletePlan(f"{urn}: the sources disagree about the {name}")
    if bool(goal.get("protect")) != bool(new.get("protect")):
        raise IncompletePlan(f"{urn}: the sources disagree about protect")
    for name in ("dependencies", "ignoreChanges", "additionalSecretOutputs"):
        if set(goal.get(name) or ()) != set(new.get(name) or ()):
            raise IncompletePlan(f"{urn}: the sources disagree about {name}")


def _from_goal(urn: str, goal: dict[str, Any] | None, old: State | None) -> State | None:
    """The new state of a default provider, which the JSON steps never show."""
    if goal is None:
        return None
    inputs = _apply(urn, (old or {}).get("inputs") or {}, goal.get("inputDiff") or {})
    names = ("type", "custom", "parent", "provider", "protect", "dependencies")
    state = {name: goal[name] for name in names if goal.get(name)}
    return {"urn": urn, "custom": True, **state, "inputs": masked(inputs)}


def find_old(state: list[State], urn: str, shown: State | None) -> State:
    """The resource of the state that a shown old state is. Raises `IncompletePlan`."""
    found = [
        resource
        for resource in state
        if resource["urn"] == urn and (shown is None or resource.get("id") == shown.get("id"))
    ]
    if len(found) > 1:
        # A replacement that did not finish left an old resource under the same URN.
        wanted = bool(shown and shown.get("delete"))
        found = [resource for resource in found if bool(resource.get("delete")) == wanted]
    if len(found) != 1:
        raise IncompletePlan(f"{urn}: the state has {len(found)} resources for one step")
    return found[0]


def all_accounted_for(state: list[State], steps: list[Step]) -> None:
    """Raises `IncompletePlan` for a resource of the state without a step."""
    touched = {id(step.old) for step in steps}
    for resource in state:
        if id(resource) not in touched:
            raise IncompletePlan(f"{resource['urn']} is in the state, and no step speaks about it")


def is_default_provider(urn: str) -> bool:
    """Whether the engine makes it by itself; it shows no step for those."""
    kind, _, name = urn.split("::", 2)[2].partition("::")
    return kind.startswith(PROVIDERS) and name.startswith("default")


def _known(found: dict[str, Any], known: frozenset[str], where: str) -> None:
    for key in found.keys() - known:
        raise IncompletePlan(
            f"{where} holds {key!r}, which this version does not know",
            next_step="use an engine version this package was tested with",
        )
