"""The reserved objects of a document: what is not a plain value says so under one key.

User data that contains the key is escaped, so nobody can forge a marker by typing one.

| marker | meaning |
|---|---|
| `{"mandate:v1": "unknown", "secret": bool}` | the engine will know it only while it runs |
| `{"mandate:v1": "secret", "commitment": "0x…"}` | a secret, see `commitment` |
| `{"mandate:v1": "auto-name", "prefix": "…", "drawn": "hex(7)"}` | drawn from a seed, see `names` |
| `{"mandate:v1": "bytes", "base64": "…"}` | text that is not UTF-8 |
| `{"mandate:v1": "asset", "hash": "…", …}` | a file or archive, see `asset` |
| `{"mandate:v1": "reference", "urn": "…", "id": …}` | another resource |
| `{"mandate:v1": "provider-code", …}` | code that a dynamic provider runs |
| `{"mandate:v1": "escaped", "entries": [[key, value], …]}` | a user's object that holds the key |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

import orjson

from .canonical import JSON

KEY = "mandate:v1"
_WRITTEN = b'"mandate:v1"'
PARTS: dict[str, dict[str, tuple[type, ...]]] = {
    "unknown": {"secret": (bool,)},
    "secret": {"commitment": (str,)},
    "auto-name": {"prefix": (str,), "drawn": (str,)},
    "bytes": {"base64": (str,)},
    "asset": {
        "archive": (bool,),
        "hash": (str, type(None)),
        "path": (str, type(None)),
        "entries": (dict, type(None)),
    },
    "reference": {"urn": (str,), "id": (str, dict, type(None))},
    "provider-code": {"module": (str,), "class": (str,), "package": (str,), "code": (str,)},
    "escaped": {"entries": (list,)},
}
"""What a document may hold, and the types of its parts."""


def unknown(*, secret: bool = False) -> dict[str, JSON]:
    """A value that the engine does not know yet."""
    return {KEY: "unknown", "secret": secret}


def secret(commitment: str) -> dict[str, JSON]:
    """A secret, by its commitment."""
    return {KEY: "secret", "commitment": commitment}


def auto_name(prefix: str, digits: int) -> dict[str, JSON]:
    """A name that is drawn anew whenever somebody looks: a prefix and hexadecimal digits."""
    return {KEY: "auto-name", "prefix": prefix, "drawn": f"hex({digits})"}


def asset(
    *, archive: bool, content: str | None = None, path: str | None = None, entries: JSON = None
) -> dict[str, JSON]:
    """A file or an archive: by content digest, by its entries, or by its path in the program."""
    return {KEY: "asset", "archive": archive, "hash": content, "path": path, "entries": entries}


def raw_bytes(base64: str) -> dict[str, JSON]:
    """A text whose bytes are not UTF-8."""
    return {KEY: "bytes", "base64": base64}


def reference(urn: str, identity: JSON) -> dict[str, JSON]:
    """A resource passed as a value."""
    return {KEY: "reference", "urn": urn, "id": identity}


def provider_code(module: str, name: str, package: str, code: str) -> dict[str, JSON]:
    """A dynamic provider's pickle: where its class lives, in whose package, and a commitment."""
    return {KEY: "provider-code", "module": module, "class": name, "package": package, "code": code}


def escaped(entries: list[list[JSON]]) -> dict[str, JSON]:
    """A user's object that holds the reserved key: its entries as sorted pairs."""
    return {KEY: "escaped", "entries": sorted(entries, key=lambda entry: str(entry[0]))}


def is_marker(value: JSON, name: str | None = None) -> TypeGuard[dict[str, JSON]]:
    """Whether a value of a document is a marker (of this name)."""
    return isinstance(value, dict) and KEY in value and name in (None, value[KEY])


def is_unknown(value: JSON) -> bool:
    """Whether a value of a document is known only while the plan runs."""
    return is_marker(value, "unknown")


def may_hold(value: JSON) -> bool:
    """Whether a marker may be somewhere in a value: a quick no for most, so that few are walked."""
    try:
        return _WRITTEN in orjson.dumps(value)
    except orjson.JSONEncodeError:
        return True


def holds_unknown(value: JSON) -> bool:
    """Whether anything in a value will be known only while the engine runs."""
    if is_unknown(value):
        return True
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(holds_unknown, items))


def inside(value: JSON) -> Iterator[tuple[str, JSON]]:
    """Names and values of what a value holds; an escaped object's own names, no other marker's."""
    if is_marker(value, "escaped"):
        entries = value["entries"]
        assert isinstance(entries, list)  # noqa: S101  # by its form
        yield from ((str(entry[0]), entry[1]) for entry in entries)
    elif isinstance(value, dict) and not is_marker(value):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(index), item) for index, item in enumerate(value))


def malformed(value: JSON) -> bool:
    """Whether a value of a document holds a marker that is unknown, or lacks or adds a part."""
    waiting = [value] if may_hold(value) else []
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if KEY in item and not _is_whole(item):
                return True
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False


def _is_whole(marker: dict[str, JSON]) -> bool:
    name = marker[KEY]
    parts = PARTS.get(name) if isinstance(name, str) else None
    if parts is None or marker.keys() != parts.keys() | {KEY}:
        return False
    if not all(type(marker[part]) in types for part, types in parts.items()):
        return False
    return name != "escaped" or _are_entries(marker["entries"])


def _are_entries(entries: JSON) -> bool:
    """Pairs of a text and a value, sorted, each key once, the reserved one among them."""
    if not isinstance(entries, list):
        return False
    pairs = [entry for entry in entries if isinstance(entry, list) and len(entry) == 2]
    keys = [entry[0] for entry in pairs if isinstance(entry[0], str)]
    return len(keys) == len(entries) and keys == sorted(set(keys)) and KEY in keys
