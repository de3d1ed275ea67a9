"""Vectors for markers: what a document may hold under its reserved key, and what is forged."""

from __future__ import annotations

from typing import Any

from pulumi_mandate.plan.markers import KEY

COMMITMENT = "0x" + "11" * 32
ESCAPED = {KEY: "escaped", "entries": [[KEY, "unknown"], ["x", "1"]]}

WHOLE: dict[str, Any] = {
    "no marker": {"a": [1, {"b": None}]},
    "an unknown": {KEY: "unknown", "secret": False},
    "a secret unknown": {KEY: "unknown", "secret": True},
    "a secret": {KEY: "secret", "commitment": COMMITMENT},
    "a name that is drawn": {KEY: "auto-name", "prefix": "x-", "drawn": "hex(7)"},
    "text that is not UTF-8": {KEY: "bytes", "base64": "/w=="},
    "a file": {KEY: "asset", "archive": False, "hash": "ab", "path": None, "entries": None},
    "an archive of entries": {KEY: "asset", "archive": True, "hash": None, "path": None,
                              "entries": {"a": {KEY: "unknown", "secret": False}}},
    "a resource": {KEY: "reference", "urn": "urn:x", "id": {KEY: "unknown", "secret": False}},
    "code": {KEY: "provider-code", "module": "m", "class": "C", "package": "p", "code": COMMITMENT},
    "an escaped object": ESCAPED,
    "an escaped object inside an escaped object": {KEY: "escaped", "entries": [[KEY, ESCAPED]]},
    "escaped entries beyond the first plane": {
        KEY: "escaped", "entries": [[KEY, 1], ["\ue000", 1], ["\U0001f600", 1]]},
}  # fmt: skip

_UNKNOWN = "what nobody knows is refused, not skipped"
_PART = "a marker lacks nothing and adds nothing"
_TYPE = "a part has its type"
_ENTRIES = "an escaped object has one form"

NOT_WHOLE: dict[str, tuple[str, Any]] = {
    "a name that is not known": (_UNKNOWN, {KEY: "anything"}),
    "an empty name": (_UNKNOWN, {KEY: ""}),
    "a name that every object has": (_UNKNOWN, {KEY: "constructor"}),
    "a name in another case": (_UNKNOWN, {KEY: "Unknown", "secret": False}),
    "a name that is a number": (_UNKNOWN, {KEY: 1}),
    "a name that is a list": (_UNKNOWN, {KEY: ["unknown"]}),
    "a name that is null": (_UNKNOWN, {KEY: None}),
    "an auto-name without what is drawn": (_PART, {KEY: "auto-name", "prefix": "x"}),
    "an auto-name that draws a number": (_TYPE, {KEY: "auto-name", "prefix": "x", "drawn": 7}),
    "an unknown without its part": (_PART, {KEY: "unknown"}),
    "an unknown with a part more": (_PART, {KEY: "unknown", "secret": False, "value": 1}),
    "an unknown that is 0 secret": (_TYPE, {KEY: "unknown", "secret": 0}),
    "an unknown that is nothing": (_TYPE, {KEY: "unknown", "secret": None}),
    "a secret without commitment": (_TYPE, {KEY: "secret", "commitment": None}),
    "a secret that shows itself": (
        _PART, {KEY: "secret", "commitment": COMMITMENT, "plaintext": "hunter2"}),
    "an asset without entries": (
        _PART, {KEY: "asset", "archive": False, "hash": "ab", "path": None}),
    "an asset whose entries are a list": (
        _TYPE, {KEY: "asset", "archive": True, "hash": None, "path": None, "entries": []}),
    "a resource whose id is a number": (_TYPE, {KEY: "reference", "urn": "u", "id": 1}),
    "code without its package": (
        _PART, {KEY: "provider-code", "module": "m", "class": "C", "code": COMMITMENT}),
    "entries that are an object": (_TYPE, {KEY: "escaped", "entries": {}}),
    "entries without the reserved key": (_ENTRIES, {KEY: "escaped", "entries": [["a", 1]]}),
    "no entries": (_ENTRIES, {KEY: "escaped", "entries": []}),
    "entries out of order": (_ENTRIES, {KEY: "escaped", "entries": [["z", 1], [KEY, 1]]}),
    "entries in UTF-16 order": (
        _ENTRIES, {KEY: "escaped", "entries": [[KEY, 1], ["\U0001f600", 1], ["\ue000", 1]]}),
    "an entry twice": (_ENTRIES, {KEY: "escaped", "entries": [[KEY, 1], [KEY, 2]]}),
    "an entry of three": (_ENTRIES, {KEY: "escaped", "entries": [[KEY, 1, 2]]}),
    "an entry whose key is a number": (_ENTRIES, {KEY: "escaped", "entries": [[1, 1], [KEY, 1]]}),
    "a forged marker inside an escaped object": (
        _UNKNOWN, {KEY: "escaped", "entries": [[KEY, {KEY: "anything"}]]}),
    "a forged marker deep inside": (_UNKNOWN, {"a": [{"b": [{KEY: "anything"}]}]}),
    "a forged marker beside a whole one": (
        _UNKNOWN, [{KEY: "unknown", "secret": False}, {KEY: "anything"}]),
}  # fmt: skip


def vectors() -> dict[str, object]:
    """`{positive: [{name, value}], negative: [{name, reason, value}]}`."""
    return {
        "positive": [{"name": name, "value": value} for name, value in WHOLE.items()],
        "negative": [
            {"name": name, "reason": reason, "value": value}
            for name, (reason, value) in NOT_WHOLE.items()
        ],
    }
