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
from .code import PROPERTY
from .document import leaves
from .markers import is_marker, secret

Operation = dict[str, Any]

_NOBODYS = secret(to_hex(ZERO))
_CODE = "provider-code"
"""It holds a commitment under the subject's key; the files and packages, whose digests are compared
as well, make the code. Whose it is shows afterwards. Before, it lies encrypted in the state."""

_SIDED = ("provider", "options", "dependencies", "propertyDependencies")


def without_secrets(value: JSON, *, code: bool = False) -> JSON:
    """The value with one marker for every secret, and for provider code unless `code` shows."""
    if isinstance(value, list):
        return [without_secrets(item, code=code) for item in value]
    if not isinstance(value, dict):
        return value
    if code and is_marker(value, _CODE):
        return value | {"code": to_hex(ZERO)}
    if is_marker(value, "secret") or is_marker(value, _CODE):
        return dict(_NOBODYS)
    return {key: without_secrets(item, code=code) for key, item in value.items()}


def open_operations(operations: Sequence[Operation]) -> list[Operation]:
    """What of the operations shows without the secrets, in their order."""
    return [_shown(operation) for operation in operations if not _changes_only_secrets(operation)]


def hidden_code(operations: Sequence[Operation]) -> dict[str, JSON]:
    """Whose code runs, by URN, where an update is left out: an attestor sees one of every provider,
    because he cannot read the code before."""
    hidden = filter(_changes_only_secrets, operations)
    sides = ((operation["urn"], _shown(operation)["after"]["inputs"]) for operation in hidden)
    return {
        urn: inputs[PROPERTY] for urn, inputs in sides if is_marker(inputs.get(PROPERTY), _CODE)
    }


def open_root(operations: Sequence[Operation]) -> Digest:
    """The effect root modulo secrets. Raises `EmptyPlan` where the plan changes only secrets."""
    shown = open_operations(operations)
    if not shown:
        raise EmptyPlan(
            "the plan changes nothing but secrets",
            meaning="Nobody can attest it without them.",
        )
    return merkle.root(leaves(shown))


def _shown(operation: Operation) -> Operation:
    shown: Operation = without_secrets(operation)
    return shown | {"after": without_secrets(operation["after"], code=True)}


def _changes_only_secrets(operation: Operation) -> bool:
    if operation["op"] not in ("update", "metadata"):
        return False
    shown: Operation = without_secrets(operation)
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
