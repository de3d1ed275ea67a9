"""What the engine's state says: exported, digested, and compared with what was to be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pulumi_mandate.models import Digest, keccak, to_hex
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.compare import refines
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.raw import subject_key
from pulumi_mandate.plan.sources import OPTIONS, SETS
from pulumi_mandate.plan.values import Reader

from .engine import engine_json

JSON = Any


class ValuesOf(Protocol):
    """From a resource's values in the engine's JSON form to those of a document."""

    def __call__(self, urn: str, values: JSON, part: str = "inputs") -> JSON:
        """`part`: `inputs`, `outputs` or `options`; a secret looks different in each."""


_BOUND = ("urn", "type", "id", "provider", "parent")
_SETTLED = OPTIONS - (
    {"importID", "pendingReplacement", "taint", "external", "refreshBeforeUpdate", "viewOf"}
    | {"replacementTrigger", "extensionRef", "snippetID"}
)
"""Options that the state shows as the plan had them; the rest the engine uses up or sets itself."""

GONE = frozenset({"delete", "delete-replaced", "abandon", "discard", "discard-replaced", "forget"})
"""Engine steps after which the resource is no longer there."""

MADE_ANEW = frozenset({"create-replacement", "import-replacement", "read-replacement"})
"""Engine steps after which the live resource is another one."""

_ASKED = frozenset({"create", "create-replacement", "update"})
"""Somebody is asked about these, and told of some options only."""

_HOOKLESS = frozenset(
    {"metadata", "import", "import-replacement", "read", "read-replacement", "refresh"}
)
"""Nobody is asked about these, so everything that the state shows of them is compared."""


def export_state(
    workdir: Path, stack: str, *, environment: Mapping[str, str] | None = None
) -> JSON:
    """The deployment with its secrets in plain text: keep it in memory only.

    Raises `EngineError`.
    """
    found = engine_json(
        ["stack", "export", "--show-secrets", "--stack", stack], workdir, environment
    )
    return found.get("deployment") or {}


def values_of_stack(
    workdir: Path,
    stack: str,
    modules: Mapping[str, str],
    *,
    environment: Mapping[str, str] | None = None,
) -> ValuesOf:
    """How to make a document's values of a stack's state.

    `modules`: which package owns which module, as when the run began. Raises `EngineError`,
    `UsageError`.
    """
    config = engine_json(
        ["config", "--show-secrets", "--json", "--stack", stack], workdir, environment
    )
    key = subject_key(config)

    def values_of(urn: str, values: JSON, part: str = "inputs") -> JSON:
        return Reader(key, urn, modules, deployed=True).part(part, values)

    return values_of


def pending_operations(deployment: JSON) -> list[str]:
    """URNs whose last operation was cut off: nobody knows whether it happened."""
    return [item["resource"]["urn"] for item in deployment.get("pending_operations") or []]


def resource_digests(deployment: JSON, values_of: ValuesOf) -> dict[str, str]:
    """Digest (0x…) of every resource, secrets as commitments; the key tells old copies apart."""
    found = {}
    for resource in deployment.get("resources") or []:
        key = resource["urn"]
        if resource.get("delete"):
            key += f"#{resource.get('id', '')}"
        found[key] = to_hex(_digest(resource, values_of))
    return found


def changed_urns(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """URNs that were created, deleted or changed between two digests of a state."""
    keys = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return {key.partition("#")[0] for key in keys}


def post_state(deployment: JSON, urns: set[str], values_of: ValuesOf) -> Digest:
    """One digest over the touched resources as they are now; a missing one is bound as missing."""
    now = resource_digests(deployment, values_of)
    touched = {key: value for key, value in now.items() if key.partition("#")[0] in urns}
    return keccak(canonical_bytes(dict.fromkeys(urns) | touched))


def reached(document: Document, deployment: JSON, values_of: ValuesOf) -> list[bool]:
    """For each approved operation: whether the state shows what it was to lead to."""
    live: dict[str, JSON] = {}
    old: set[tuple[str, str | None]] = set()
    for resource in deployment.get("resources") or []:
        if resource.get("delete"):
            old.add((resource["urn"], resource.get("id")))
        else:
            live[resource["urn"]] = resource
    unsettled = set(pending_operations(deployment))
    operations = [o for o in document.operations if o["urn"] not in unsettled]
    made = {
        o["urn"]
        for o in operations
        if o["op"] in MADE_ANEW and _is_reached(o, live.get(o["urn"]), values_of)
    }

    def is_gone(operation: JSON) -> bool:
        urn, identity = operation["urn"], operation["id"]
        if (urn, identity) in old:
            return False
        resource = live.get(urn)
        # Deleted before it is replaced, a thing that is named by its id comes back under that id.
        return resource is None or urn in made or identity not in (None, resource.get("id"))

    return [
        operation["urn"] not in unsettled
        and (
            is_gone(operation)
            if operation["op"] in GONE
            else _is_reached(operation, live.get(operation["urn"]), values_of)
        )
        for operation in document.operations
    ]


def _is_reached(operation: JSON, resource: JSON, values_of: ValuesOf) -> bool:
    urn = operation["urn"]
    if resource is None or resource["type"] != operation["type"]:
        return False
    if operation["op"] in {"update", "metadata"} and _other_id(operation, resource):
        return False
    if operation["op"] in _HOOKLESS and not _is_settled(operation, resource, values_of):
        return False
    wanted = operation["after"] or {}
    now = resource.get("id")
    return refines(wanted.get("id", now), now) and all(
        refines(value, values_of(urn, resource.get(part) or {}, part))
        for part, value in wanted.items()
        if part in ("inputs", "outputs")
    )


def _is_settled(operation: JSON, resource: JSON, values_of: ValuesOf) -> bool:
    """Whether provider, options and dependencies are those of the approved after-side."""
    provider = operation["provider"]["after"]
    urn, _, identity = (resource.get("provider") or "").rpartition("::")
    if provider is not None and not refines(provider, {"urn": urn, "id": identity}):
        return False
    if operation["op"] == "metadata" and operation["dependencies"]["after"] != sorted(
        set(resource.get("dependencies") or ())
    ):
        return False
    wanted, found = operation["options"]["after"] or {}, options_of(resource, values_of)
    if (wanted.get("parent") or None) != (found.get("parent") or None):
        return False
    return not _other_options(wanted, found)


def _other_options(wanted: Mapping[str, JSON], found: Mapping[str, JSON]) -> list[str]:
    names = _SETTLED & (wanted.keys() | found.keys())
    return sorted(name for name in names if not refines(wanted.get(name), found.get(name)))


def options_of(resource: JSON, values_of: ValuesOf) -> dict[str, JSON]:
    """The options as a plan names them: what is false, empty or absent is one for the engine."""
    found: dict[str, JSON] = {}
    for name in OPTIONS & resource.keys():
        value = resource[name]
        if name in SETS:
            value = sorted(set(value or ()))
        if name == "customTimeouts":
            value = {key: seconds for key, seconds in (value or {}).items() if seconds}
        if value:
            found[name] = value
    values: dict[str, JSON] = values_of(resource["urn"], found, "options")
    return values | ({"parent": resource["parent"]} if resource.get("parent") else {})


def lost_hooks(document: Document, deployment: JSON, done: Sequence[bool]) -> list[str]:
    """URNs of operations that were done and whose resource has other hooks than were approved."""
    wanted = {
        operation["urn"]: operation["options"]["after"].get("resourceHooks")
        for operation, is_done in zip(document.operations, done, strict=True)
        if is_done and operation["options"]["after"] is not None
    }
    return sorted(
        resource["urn"]
        for resource in deployment.get("resources") or []
        if not resource.get("delete")
        and (hooks := wanted.get(resource["urn"]))
        and (resource.get("resourceHooks") or None) != hooks
    )


def other_options(
    document: Document, deployment: JSON, values_of: ValuesOf, done: Sequence[bool]
) -> list[tuple[str, str]]:
    """(URN, option) where a resource was made or changed as approved, under another option.

    The engine tells hooks of few options, and keeps all of them for the next time.
    """
    wanted = {
        operation["urn"]: operation["options"]["after"]
        for operation, is_done in zip(document.operations, done, strict=True)
        if is_done and operation["op"] in _ASKED
    }
    live = {
        resource["urn"]: options_of(resource, values_of)
        for resource in deployment.get("resources") or []
        if resource["urn"] in wanted and not resource.get("delete")
    }
    return [
        (urn, name)
        for urn, found in sorted(live.items())
        for name in _other_options(wanted[urn] or {}, found)
        if name != "resourceHooks"  # `lost_hooks` says it
    ]


def update_succeeded(workdir: Path, stack: str, *, since: float) -> bool:
    """Whether the engine's history says that the newest update ended well after `since`.

    `since`: seconds since the epoch, this machine's clock. Raises `EngineError`.
    """
    history = engine_json(
        ["stack", "history", "--json", "--page-size", "1", "--stack", stack], workdir
    )
    try:
        newest = history[0]
        ended = datetime.fromisoformat(newest["endTime"]).timestamp()
    except (LookupError, TypeError, ValueError):
        return False
    # The history counts whole seconds.
    good = (newest.get("kind"), newest.get("result")) == ("update", "succeeded")
    return good and ended >= int(since)


def _other_id(operation: JSON, resource: JSON) -> bool:
    return operation["id"] is not None and operation["id"] != resource.get("id")


def _digest(resource: JSON, values_of: ValuesOf) -> Digest:
    urn = resource["urn"]
    bound = {name: resource.get(name) for name in _BOUND if resource.get(name)}
    # A hook that is gone from the state is asked nothing the next time, so options count as well.
    bound["options"] = options_of(resource, values_of)
    bound["dependencies"] = sorted(set(resource.get("dependencies") or ()))
    # What a read resource answers is somebody else's doing, and no run changes it.
    for part in ("inputs",) if resource.get("external") else ("inputs", "outputs"):
        bound[part] = values_of(urn, resource.get(part) or {}, part)
    return keccak(canonical_bytes(bound))
