"""The steps of a refresh, an import and an edit of the state: as it is, and as it would become.

Their previews mask secrets and say little about what was found, if there are any, and no plan file
is saved. So the engine works on a copy of the state, beside the backend, and the two states are
compared, secrets and all. A refresh changes resources of the state, or they are gone and leave it;
an import adds resources, and the default providers that these need; an edit (`pulumi state`) takes
resources out, gives one another name, or says who is protected. Nothing else may happen in any.
"""

from __future__ import annotations

from typing import Any

from pulumi_mandate.errors import IncompletePlan

from .raw import RawPreview
from .sources import State, Step, is_default_provider, resources_of, state_of
from .values import ANY_UNKNOWN, same_json

Key = tuple[str, str]

_EDITABLE = frozenset(
    {"urn", "protect", "modified"}
    | {"parent", "provider", "dependencies", "propertyDependencies", "deletedWith", "replaceWith"}
)
"""What an edit of the state may change of a resource that stays: its name, who is named, and the
guard against its deletion."""


def read_drift(raw: RawPreview) -> list[Step]:
    """A step for every resource, changed or not. Raises `IncompletePlan`."""
    before = _by_key(state_of(raw))
    after = _by_key(resources_of(raw.made))
    for urn, _ in after.keys() - before.keys():
        raise IncompletePlan(f"{urn} would enter the state by a refresh, or get another id")
    return [_step(old, after.get(key)) for key, old in before.items()]


def read_import(raw: RawPreview) -> list[Step]:
    """A step for every resource, old or new. Raises `IncompletePlan`."""
    before = _by_key(state_of(raw))
    after = _by_key(resources_of(raw.made))
    for key, old in before.items():
        if not same_json(_lasting(old), _lasting(after.get(key) or {})):
            raise IncompletePlan(f"{old['urn']} would change by an import of something else")
    entering = [resource for key, resource in after.items() if key not in before]
    made = {resource["urn"] for resource in entering if is_default_provider(resource["urn"])}
    steps = [
        Step(old["urn"], "same", old, old, None, old.get("inputs") or {}, old.get("outputs"), [])
        for old in before.values()
    ]
    return steps + [_entry(resource, made) for resource in entering]


def read_surgery(raw: RawPreview) -> list[Step]:
    """A step for every resource, which stays or leaves. Raises `IncompletePlan`.

    What leaves the state is abandoned: it stays where it is. One that leaves where one of the same
    type and id enters has another name now, and whoever names it follows.
    """
    before = _by_key(state_of(raw))
    after = _by_key(resources_of(raw.made))
    leaving = [key for key in before if key not in after]
    entering = [new for key, new in after.items() if key not in before]
    renamed = dict(zip(leaving, entering, strict=False)) if len(entering) == len(leaving) else {}
    if entering and len(renamed) != 1:
        raise IncompletePlan(f"{entering[0]['urn']} would enter the state by an edit of it")
    return [_edited(old, renamed.get(key) or after.get(key)) for key, old in before.items()]


def _edited(old: State, new: State | None) -> Step:
    if new is None:
        return Step(old["urn"], "abandon", old, None, None, None, None, [])
    for name in sorted((old.keys() | new.keys()) - _EDITABLE):
        if not same_json(old.get(name), new.get(name)):
            raise IncompletePlan(f"{old['urn']}: an edit of the state would change its {name}")
    return Step(new["urn"], "same", old, new, None, new.get("inputs") or {}, new.get("outputs"), [])


def _entry(resource: State, made: set[str]) -> Step:
    """A resource that enters the state. The id of a provider made for it is another each time."""
    urn, inputs = resource["urn"], resource.get("inputs") or {}
    if urn in made:
        return Step(urn, "create", None, resource, None, inputs, None, [])
    if not resource["custom"] or not resource.get("id"):
        raise IncompletePlan(
            f"{urn} would enter the state, and it is no resource of a cloud",
            next_step="deploy the stack once, so that it has a root, then import",
        )
    provider = (resource.get("provider") or "").rpartition("::")[0]
    if provider in made:
        resource = resource | {"provider": f"{provider}::{ANY_UNKNOWN}"}
    return Step(urn, "import", None, resource, {"id": resource["id"]}, inputs, None, [])


def _lasting(resource: State) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "modified"}


def _step(old: State, new: State | None) -> Step:
    urn: str = old["urn"]
    if new is None:
        return Step(urn, "forget", old, None, None, None, None, [])
    return Step(urn, "refresh", old, new, None, new.get("inputs") or {}, new.get("outputs"), [])


def _by_key(resources: list[State]) -> dict[Key, dict[str, Any]]:
    """By URN and physical id: an old copy of a resource may wait for its deletion."""
    found = {(resource["urn"], str(resource.get("id") or "")): resource for resource in resources}
    if len(found) != len(resources):
        raise IncompletePlan("the state holds one resource twice")
    return found
