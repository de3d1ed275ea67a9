"""Three sources, one list of steps: what the plan file, the JSON steps and the state all say.

A URN, a step, an input or an option that one of them has and another has not is refused.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pulumi_mandate.errors import IncompletePlan

from .document import KIND_OF, OURS
from .raw import RawPreview
from .values import MASK, UNKNOWNS, masked, same_json

State = dict[str, Any]
ENGINE_STEPS = (frozenset(KIND_OF) - OURS) | {"same"}
WITHOUT_GOAL = frozenset(
    {"delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace"}
)
READS = frozenset({"read", "read-replacement"})
IMPORTS = frozenset({"import", "import-replacement"})
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
_SHOWN_TOO = (OPTIONS | {"custom", "type", "parent", "provider", "dependencies"}) - {
    "pendingReplacement"  # the engine sets it while it shows the step
}
"""What the state and the old state of a step must have in common, next to inputs and outputs."""
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
    seed: str = ""
    """What names are drawn from; another one in every preview."""
    deletes_first: bool = False
    """Of a replacement: the old one goes before the new one is there."""

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
        if raw.part and all(is_untouched(step) for step in shown[urn]):
            raise IncompletePlan(
                f"{urn} has another name in the program, and is left out",
                meaning="It would keep its old name, and the plan file says nothing of that.",
                next_step="take the new name into --target, or leave the renaming to another plan",
            )
        if any(step["op"] not in READS for step in shown[urn]):
            raise IncompletePlan(f"the preview shows steps for {urn}, and the plan file has none")
    urns = plans.keys() | shown.keys()
    if raw.part:
        _require_known_outputs(plans, shown, state)
    steps = [
        step
        for urn in urns
        for step in _steps_of(urn, plans.get(urn, {}), shown[urn], state, partial=bool(raw.part))
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
    return resources_of(raw.before)


def resources_of(export: dict[str, Any]) -> list[State]:
    """The resources of one export, each with known keys only. Raises `IncompletePlan`."""
    deployment = export.get("deployment") or {}
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
        if resource["type"] != _type_of(resource["urn"]):
            raise IncompletePlan(f"{resource['urn']} is of another type in the state")
    return resources


def _steps_of(
    urn: str,
    plan: dict[str, Any],
    shown: list[dict[str, Any]],
    state: list[State],
    *,
    partial: bool,
) -> Iterator[Step]:
    ops = list(plan.get("steps") or [])
    hidden = not shown and is_default_provider(urn)
    if not hidden and Counter(ops) != Counter(_listed([step["op"] for step in shown])):
        raise IncompletePlan(
            f"the sources disagree about the steps of {urn}",
            meaning=f"plan file: {sorted(ops)}; preview: {sorted(s['op'] for s in shown)}",
        )
    goal = plan.get("goal")
    if goal is not None:
        _known(goal, _GOAL_KEYS, f"the goal of {urn}")
    for op in {*ops, *(step["op"] for step in shown)} - ENGINE_STEPS:
        raise IncompletePlan(f"{urn}: the engine's step {op!r} is not covered by plans yet")
    if hidden:
        for op in ops:
            old = None if op == "create" else find_old(state, urn, None)
            yield _step(urn, op, old, _from_goal(urn, goal, old), goal, {}, [])
        return
    seed = plan.get("seed") or ""
    imported = _imported(urn, shown)
    for step in shown:
        if partial and is_skipped(step, state):
            continue
        if partial and is_untouched(step):
            yield untouched(step, goal, state)
            continue
        old = _old(urn, step.get("oldState"), imported, state)
        new, keys = step.get("newState"), step.get("replaceReasons") or []
        found = _step(urn, step["op"], old, new, goal, imported, keys)
        yield replace(found, seed=seed, deletes_first=_deletes_first(ops))


def is_skipped(shown: dict[str, Any], state: list[State]) -> bool:
    """Whether the engine leaves a new resource out, which it calls `same` as well."""
    return shown["op"] == "same" and all(one["urn"] != shown["urn"] for one in state)


def is_untouched(shown: dict[str, Any]) -> bool:
    """Whether a resource stays as the state has it, whatever the program says of it.

    Of a resource that is no target, the engine shows the state's own values as the new ones. One
    that is a target and is unchanged shows the same.
    """
    old, new = shown.get("oldState"), shown.get("newState")
    if shown["op"] != "same" or old is None or new is None or new["type"] == ROOT:
        return False
    return same_json(_options_of(old), _options_of(new)) and same_json(
        old.get("inputs") or {}, new.get("inputs") or {}
    )


def untouched(shown: dict[str, Any], goal: State | None, state: list[State]) -> Step:
    """As the state has it; but for a component's outputs, which follow the program all the same."""
    urn = shown["urn"]
    old = _old(urn, shown["oldState"], {}, state)
    assert old is not None  # noqa: S101  # it was shown
    outputs = None
    if not old["custom"]:
        outputs = _apply(urn, old.get("outputs") or {}, (goal or {}).get("outputDiff") or {})
    return Step(urn, "same", old, old, None, old.get("inputs") or {}, outputs, [])


def _require_known_outputs(
    plans: dict[str, Any], shown: dict[str, list[dict[str, Any]]], state: list[State]
) -> None:
    """What a skipped resource would have answered stays unknown, and the engine would store that.

    Seen with engine v3.259.0: it writes its own sentinel as the value of the stack's output, and no
    later plan could be made of such a state. Where an unknown comes from, no source says, so any
    unknown output refuses where anything is skipped.
    """
    steps = [step for of_one in shown.values() for step in of_one]
    skipped = sorted(step["urn"] for step in steps if is_skipped(step, state))
    for urn, plan in plans.items():
        diff = (plan.get("goal") or {}).get("outputDiff") or {}
        if skipped and not UNKNOWNS.isdisjoint(_leaves([diff.get("adds"), diff.get("updates")])):
            raise IncompletePlan(
                f"an output of {urn} may stay unknown for ever: {skipped[0]} is left out",
                meaning="The engine would write a placeholder into the state as its value.",
                next_step="take the new resource into --target as well, or leave the output out",
            )


def _deletes_first(ops: list[str]) -> bool:
    """The plan file's order is the engine's: the program or the provider asked for it."""
    made = [index for index, op in enumerate(ops) if op == "create-replacement"]
    return bool(made) and "delete-replaced" in ops[: made[0]]


def _listed(ops: list[str]) -> Iterator[str]:
    """Without what a plan file leaves out: reads, imports, and the replacement around one."""
    around = not {"read-replacement", "import-replacement"}.isdisjoint(ops)
    for op in ops:
        if op not in READS | IMPORTS and not (op == "replace" and around):
            yield op


def _imported(urn: str, shown: list[dict[str, Any]]) -> State:
    """What a provider answered about a resource to import; empty where nothing is imported.

    Where the program wants it otherwise, an update follows, and its old state is the answer.
    """
    for wanted in (step["newState"] for step in shown if step["op"] in IMPORTS):
        olds = [step["oldState"] for step in shown if "oldState" in step]
        found: State = next(
            (old for old in olds if old.get("id") == wanted.get("importID")), wanted
        )
        _in_the_clear(urn, [found.get("inputs"), found.get("outputs")])
        return found
    return {}


def _old(urn: str, shown: State | None, imported: State, state: list[State]) -> State | None:
    """The old state in the clear; of an update that follows an import, what is imported."""
    if shown is None:
        return None
    if shown is imported:
        return shown
    old = find_old(state, shown["urn"], shown)
    require_agreement(urn, old, shown)
    _agree(urn, "old options", *(_options_of(state) for state in (old, shown)))
    return old


def _options_of(state: State) -> State:
    options = {key: value for key, value in state.items() if value and key in _SHOWN_TOO}
    return options | {"propertyDependencies": _sources_of(state)}


def _sources_of(state: State) -> dict[str, list[str]]:
    """Which input waits for which resources; none is not told from not said."""
    sources = state.get("propertyDependencies") or {}
    return {key: sorted(set(urns)) for key, urns in sources.items() if urns}


def _step(  # noqa: PLR0913, PLR0917  # one argument per source
    urn: str,
    op: str,
    old: State | None,
    new: State | None,
    goal: dict[str, Any] | None,
    imported: State,
    replace_keys: list[str],
) -> Step:
    keys = sorted(set(replace_keys))
    if op in WITHOUT_GOAL:
        if old is None or new is not None:
            raise IncompletePlan(f"{urn}: a {op} without an old state, or with a new one")
        return Step(urn, op, old, None, None, None, None, keys)
    if new is None or (goal is None and op not in READS):
        raise IncompletePlan(f"{urn}: a {op} without a goal or a new state")
    _known(new, _STATE_KEYS, f"the new state of {urn}")
    _agree_about_identity(urn, op, old, new)
    if goal is None:
        # What to look for; the plan file does not hold reads.
        _in_the_clear(urn, new.get("inputs"))
        return Step(urn, op, old, new, goal, new.get("inputs") or {}, None, keys)
    anew = op in ("replace", "create-replacement")
    bases = [old or {}, imported, {}] if imported else [old or {}, {}]
    inputs = _new_inputs(urn, bases, goal, new, checked_again=anew)
    _agree_about_options(urn, goal, new)
    outputs = None
    if new["custom"] and goal.get("outputDiff"):
        raise IncompletePlan(f"{urn}: the program decides outputs that are the provider's")
    if not new["custom"]:
        outputs = _apply(urn, (old or {}).get("outputs") or {}, goal.get("outputDiff") or {})
    return Step(urn, op, old, new, goal, inputs, outputs, keys)


def _new_inputs(
    urn: str, bases: list[State], goal: dict[str, Any], new: State, *, checked_again: bool
) -> dict[str, Any]:
    """The engine compares with what was there, what is imported, or (made anew) with nothing.

    Only one of them can lead to what the preview shows: where two do, `diff` names every input.
    A replacement's inputs are `checked_again`, after the plan file has them: what the provider
    then chooses anew, such as a name, only the preview shows. It chooses nothing that the program
    has set: those inputs are the keys of `propertyDependencies`.
    """
    diff = goal.get("inputDiff") or {}
    shown = new.get("inputs") or {}
    for base in bases:
        inputs = base.get("inputs") or {}
        if set(diff.get("deletes") or ()) <= inputs.keys():
            found = _apply(urn, inputs, diff)
            if same_json(masked(found), shown):
                return found
    found = _apply(urn, bases[0].get("inputs") or {}, diff)
    chosen = {
        key: value for key, value in shown.items() if not same_json(masked(found.get(key)), value)
    }
    if not checked_again or chosen.keys() & goal["propertyDependencies"].keys():
        _agree(urn, "new inputs", masked(found), shown)
    _in_the_clear(urn, chosen)
    return {key: chosen.get(key, found.get(key)) for key in shown}


def _in_the_clear(urn: str, values: Any) -> None:
    """Raises `IncompletePlan` where what a provider read holds a secret."""
    if MASK in _leaves(values):
        raise IncompletePlan(
            f"{urn}: what a provider read or chose holds a secret",
            meaning="No source of a plan has its value, and nobody can commit to what he cannot "
            "see.",
            next_step="leave the secret input out of the import (ignore_changes), or set it in a "
            "second plan; give `.get` no secret",
        )


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


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


def _agree_about_identity(urn: str, op: str, old: State | None, new: State) -> None:
    if new["urn"] != urn or new["type"] != _type_of(urn):
        raise IncompletePlan(f"{urn}: the new state is another resource's")
    known = ((old or {}).get("id"), new.get("importID"), None, "")
    if op not in READS and new.get("id") not in known:
        raise IncompletePlan(f"{urn}: the sources disagree about the physical id")


def _agree_about_options(urn: str, goal: dict[str, Any], new: State) -> None:
    if goal["name"] != _name_of(urn):
        raise IncompletePlan(f"{urn}: the sources disagree about name")
    for name in ("type", "custom", "parent", "provider", "protect"):
        if (goal.get(name) or None) != (new.get(name) or None):
            raise IncompletePlan(f"{urn}: the sources disagree about {name}")
    if not same_json(_sources_of(goal), _sources_of(new)):
        raise IncompletePlan(f"{urn}: the sources disagree about propertyDependencies")
    if not same_json(_timeouts(goal), _timeouts(new)):
        raise IncompletePlan(f"{urn}: the sources disagree about customTimeouts")
    for name in ("dependencies", "ignoreChanges", "additionalSecretOutputs"):
        if set(goal.get(name) or ()) != set(new.get(name) or ()):
            raise IncompletePlan(f"{urn}: the sources disagree about {name}")


def _timeouts(state: State) -> dict[str, Any]:
    return {key: value for key, value in (state.get("customTimeouts") or {}).items() if value}


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
    return _type_of(urn).startswith(PROVIDERS) and _name_of(urn).startswith("default")


def _name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


def _type_of(urn: str) -> str:
    return urn.split("::", 3)[2].rpartition("$")[2]


def _known(found: dict[str, Any], known: frozenset[str], where: str) -> None:
    for key in found.keys() - known:
        raise IncompletePlan(
            f"{where} holds {key!r}, which this version does not know",
            next_step="use an engine version this package was tested with",
        )
