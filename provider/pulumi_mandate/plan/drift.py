"""The steps of a refresh: what the cloud answers, against what the state says.

The preview of a refresh masks secrets and says little about what was found. So the engine refreshes
a copy of the state, beside the backend, and the two states are compared, secrets and all: a
resource whose state would change, and one that is no longer there and would leave the state.
Nothing else may happen in a refresh.
"""

from __future__ import annotations

from typing import Any

from pulumi_mandate.errors import IncompletePlan

from .raw import RawPreview
from .sources import State, Step, resources_of, state_of

Key = tuple[str, str]


def read_drift(raw: RawPreview) -> list[Step]:
    """A step for every resource, changed or not. Raises `IncompletePlan`."""
    before = _by_key(state_of(raw))
    after = _by_key(resources_of(raw.made))
    for urn, _ in after.keys() - before.keys():
        raise IncompletePlan(f"{urn} would enter the state by a refresh, or get another id")
    return [_step(old, after.get(key)) for key, old in before.items()]


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
