"""What the engine really sends to a hook, read without loss.

The SDK's hook arguments turn a map with one secret into one Output and drop the options; the wire
message has both. The form used here is the one of a plan saved with `--show-secrets`, so that the
same code makes a document's values of both. `tests/gate/test_wire.py` pins the message's fields.
Signatures: pulumi/pkg `sdk/go/common/resource/sig`, read in v3.259.0.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pulumi_mandate.errors import Refused
from pulumi_mandate.plan.markers import is_marker

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Struct, Value

JSON = Any
Moment = Literal["create", "update", "delete"]
MOMENTS: tuple[Moment, ...] = ("create", "update", "delete")

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # a type's signature, not a secret
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
BYTES = "803fd3297a5875dc03ca845dda5d2a98"

_STEP = 10


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a resource that a hook is told about."""

    provider: str
    """`urn::id` of the provider, or empty for the default one not yet chosen."""
    parent: str
    protect: bool
    retain_on_delete: bool


@dataclass(frozen=True, slots=True)
class HookCall:
    """One operation that the engine is about to do."""

    moment: Moment
    urn: str
    id: str
    """Empty before a create."""
    type: str
    new_inputs: JSON = field(repr=False)
    """Checked inputs in the engine's JSON form, secrets in plain text; None before a delete."""
    old_inputs: JSON = field(repr=False)
    """None before a create."""
    new_options: Options | None
    old_options: Options | None
    old_outputs: JSON = field(default=None, repr=False)
    """The state before an update or a delete, in the same form; None before a create."""


def read_call(moment: Moment, data: bytes) -> HookCall:
    """Decode a `ResourceHookRequest`. Raises `Refused` (step 10) for a form it does not know."""
    from pulumi.runtime.proto import resource_pb2

    request = resource_pb2.ResourceHookRequest.FromString(data)
    return HookCall(
        moment=moment,
        urn=request.urn,
        id=request.id,
        type=request.type,
        new_inputs=read_struct(request.new_inputs) if request.HasField("new_inputs") else None,
        old_inputs=read_struct(request.old_inputs) if request.HasField("old_inputs") else None,
        new_options=_options(request.new_options) if request.HasField("new_options") else None,
        old_options=_options(request.old_options) if request.HasField("old_options") else None,
        old_outputs=read_struct(request.old_outputs) if request.HasField("old_outputs") else None,
    )


def _options(message: Any) -> Options:
    return Options(
        provider=message.provider,
        parent=message.parent,
        protect=message.protect,
        retain_on_delete=message.retain_on_delete,
    )


def read_struct(struct: Struct) -> JSON:
    """A property map in the engine's JSON form."""
    return {key: _value(value) for key, value in struct.fields.items()}


def _value(value: Value) -> JSON:
    """One property value; whole numbers become integers, as JSON writers print them."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _object(value.struct_value)
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return value.bool_value
    return None


def _object(struct: Struct) -> JSON:
    found = read_struct(struct)
    signature = found.get(SIGNATURE)
    if signature is None:
        return found
    if signature == SECRET:
        return _secret(found["value"])
    if signature == OUTPUT:
        return _output(found)
    if signature in (ASSET, ARCHIVE, RESOURCE, BYTES):
        return found
    raise Refused(
        _STEP,
        "the engine sent a kind of value that this version does not know",
        next_step="use the engine version that the plan was made with",
    )


def _secret(value: JSON) -> JSON:
    return {SIGNATURE: SECRET, "plaintext": json.dumps(value, ensure_ascii=False)}


def _output(found: dict[str, JSON]) -> JSON:
    if "value" not in found:
        # A hook runs after everything it depends on, so nothing may be unknown any more.
        raise Refused(_STEP, "an input is still unknown although its operation begins")
    return _secret(found["value"]) if found.get("secret") else found["value"]


def with_hashes(approved: JSON, given: JSON, *, read_files: bool) -> JSON:
    """Give assets, of which hooks are not told the hash, the one to compare.

    A file of new inputs is read and hashed as the engine does. The assets of old inputs, which may
    be others by now, get the hash that was approved: nothing is made of them any more.

    Raises `Refused` (step 10) for a new archive, or one from elsewhere, that comes without a hash.
    """
    if isinstance(given, list):
        known = approved if isinstance(approved, list) else []
        return [
            with_hashes(known[i] if i < len(known) else None, item, read_files=read_files)
            for i, item in enumerate(given)
        ]
    if not isinstance(given, dict):
        return given
    if given.get(SIGNATURE) in (ASSET, ARCHIVE) and is_marker(approved, "asset"):
        return _asset(approved, given, read_files)
    known_keys = approved if isinstance(approved, dict) else {}
    return {
        key: with_hashes(known_keys.get(key), value, read_files=read_files)
        for key, value in given.items()
    }


def _asset(approved: JSON, given: dict[str, JSON], read_files: bool) -> JSON:
    if isinstance(given.get("assets"), dict) and approved["entries"] is not None:
        entries = with_hashes(approved["entries"], given["assets"], read_files=read_files)
        return given | {"assets": entries}
    if given.get("hash") or "text" in given or approved["hash"] is None:
        return given
    if "path" in given and given[SIGNATURE] == ASSET and read_files:
        content = Path(given["path"]).read_bytes()
        return given | {"hash": hashlib.sha256(content).hexdigest()}
    if read_files:
        raise Refused(
            _STEP,
            "the engine sent an archive or a remote file without its hash",
            meaning="Nobody can tell here whether it holds what was approved.",
            next_step="use the engine version that the plan was made with",
        )
    return given | {"hash": approved["hash"]}
