"""A plan as somebody sees it who may not read the stack's secrets: all of it but what they are.

Both the proposed document and an attestor's own preview are brought to this form, and compared: all
secrets look the same, and an update that changes nothing but secrets is left out, since to him
nothing changes there. Never voted on and never run: only an attestation names such a root.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pulumi_mandate.errors import EmptyPlan
from pulumi_mandate.models import ZERO, Digest, to_hex

from . import merkle
from .canonical import JSON
from .document import leaves
from .markers import is_marker, secret

Operation = dict[str, Any]

_NOBODYS = secret(to_hex(ZERO))
_COMMITTED = ("secret", "provider-code")
"""Markers that are, or hold, a commitment under the subject's key. The code of a dynamic provider
is what the files and packages make it, whose digests are compared as well."""

_SIDED = ("provider", "options", "dependencies", "propertyDependencies")


def without_secrets(value: JSON) -> JSON:
    """The value with one marker for every secret."""
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    if any(is_marker(value, name) for name in _COMMITTED):
        return dict(_NOBODYS)
    return {key: without_secrets(item) for key, item in value.items()}


def open_operations(operations: Sequence[Operation]) -> list[Operation]:
    """What of the operations shows without the secrets, in their order."""
    pairs = ((operation, without_secrets(operation)) for operation in operations)
    return [shown for operation, shown in pairs if not _changes_only_secrets(operation, shown)]


def open_root(operations: Sequence[Operation]) -> Digest:
    """The effect root modulo secrets. Raises `EmptyPlan` where the plan changes only secrets."""
    shown = open_operations(operations)
    if not shown:
        raise EmptyPlan(
            "the plan changes nothing but secrets",
            meaning="Nobody can attest it without them.",
        )
    return merkle.root(leaves(shown))


def _changes_only_secrets(operation: Operation, shown: Operation) -> bool:
    if operation["op"] not in ("update", "metadata"):
        return False
    # Of an update, the outputs after it are not known anyway.
    (before, after), (open_before, open_after) = (
        [(side[part] or {}).get("inputs") if side["op"] == "update" else side[part]
         for part in ("before", "after")]
        for side in (operation, shown)
    )  # fmt: skip
    return (
        before != after
        and open_before == open_after
        and all(shown[part]["before"] == shown[part]["after"] for part in _SIDED)
    )
