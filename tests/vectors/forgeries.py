"""What is no document, by the rule that refuses it: each a change of one that is honest."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

from pulumi_mandate.models import to_hex
from pulumi_mandate.plan import merkle
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.document import leaves
from pulumi_mandate.plan.program import listing_digest

Forgery = Callable[[dict[str, Any]], object]
Forgeries = dict[str, dict[str, Forgery]]
"""Rule, name of the vector, change."""


def sealed(content: dict[str, Any]) -> bytes:
    """A forger's document: the effect root recomputed, so that only the rule itself can refuse."""
    with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError, AttributeError):
        content["effectRoot"] = to_hex(merkle.root(leaves(content["operations"])))
    return canonical_bytes(content)


def put(*path: Any) -> Forgery:
    *places, key, value = path

    def apply(content: dict[str, Any]) -> None:
        target: Any = content
        for place in places:
            target = target[place]
        target[key] = value

    return apply


def listing(*files: list[Any]) -> Forgery:
    """Other files of the program, under their own digest."""

    def apply(content: dict[str, Any]) -> None:
        content["program"] |= {"digest": to_hex(listing_digest(list(files))), "files": list(files)}

    return apply


def repeat(content: dict[str, Any]) -> None:
    content["operations"].append(copy.deepcopy(content["operations"][0]))


def append(**changes: object) -> Forgery:
    def apply(content: dict[str, Any]) -> None:
        content["operations"].append({**copy.deepcopy(content["operations"][0]), **changes})

    return apply


FILE = ["file", "00" * 32]
FORGERIES: Forgeries = {
    "an unknown version is refused": {
        "another schema": put("schema", "mandate/plan/v2"),
        "no schema": lambda content: content.pop("schema"),
        "a schema that is a number": put("schema", 1),
        "another kind of plan": put("kind", "teleport"),
        "a kind of every object": put("kind", "constructor"),
        "a destroy that makes something": put("kind", "destroy"),
    },
    "a document has exactly its parts": {
        "a part left out": lambda content: content.pop("clears"),
        "a part too many": put("note", "please"),
        "a part of every object": put("__proto__", {}),
        "an operation's part left out": lambda content: content["operations"][0].pop("options"),
        "an operation's part too many": put("operations", 0, "hidden", 1),
        "a subject with a fifth name": put("subject", "more", "x"),
        "a subject without a stack": put("subject", "stack", ""),
        "a tier without its rule": put("tier", {"tier": 2}),
        "a provider with one side": put("operations", 0, "provider", {"after": None}),
    },
    "an empty plan is refused": {
        "no operations": put("operations", []),
        "operations that are no list": put("operations", {}),
        "an operation that is no object": put("operations", [1]),
    },
    "operations have one order, and no two are the same": {
        "an operation twice": repeat,
        "operations out of order": append(urn="urn:a"),
        "steps out of order": append(op="abandon", kind=4),
        "operations in UTF-16 order": lambda content: content.update(
            operations=[
                {**content["operations"][0], "urn": urn} for urn in ("\U0001f600", "\ue000")
            ]
        ),
    },
    "a step says its kind": {
        "a step that is not known": put("operations", 0, "op", "teleport"),
        "a step of every object": put("operations", 0, "op", "constructor"),
        "another kind": put("operations", 0, "kind", 6),
        "a kind that is true": put("operations", 0, "kind", True),
        "a kind that is null": put("operations", 0, "kind", None),
    },
    "the tier of a plan is the highest of its operations": {
        "a tier lower than an operation's": put("tier", "tier", 1),
        "a tier of critical": put("tier", "tier", 4),
        "a tier high without a base": put("tier", "tier", 3),
        "the tier of a rule that did not decide": put("tier", "rule", "other"),
        "a reason for a rule that did not fire": put("tier", "reasons", {"other": "why"}),
        "a reason that is no text": put("tier", "reasons", {"vector": 1}),
        "an operation without a tier": put("operations", 0, "tier", 0),
        "an operation of tier critical": put("operations", 0, "tier", 4),
        "an operation's tier in words": put("operations", 0, "tier", "low"),
        "a rule that is a sentence": put("operations", 0, "rule", "all is well"),
        "a rule with a line end": put("operations", 0, "rule", "vector\n"),
    },
    "values have their types": {
        "a urn that is a number": put("operations", 0, "urn", 7),
        "an id that is a number": put("operations", 0, "id", 7),
        "a past that is no object": put("operations", 0, "before", []),
        "a future without inputs": put("operations", 0, "after", {}),
        "a future with a part too many": put("operations", 0, "after", "more", 1),
        "an operation on nothing": put("operations", 0, "after", None),
        "a former name that is a list": put("operations", 0, "after", "urn", []),
        "options of a resource that is not there": put("operations", 0, "options", "before", {}),
        "options that are a list": put("operations", 0, "options", "after", []),
        "inputs that are no object": put("operations", 0, "after", "inputs", []),
        "outputs that are null": put("operations", 0, "after", "outputs", None),
        "dependencies that are no list": put("operations", 0, "dependencies", "after", "urn"),
        "dependencies in no order": put("operations", 0, "dependencies", "after", ["b", "a"]),
        "a dependency twice": put("operations", 0, "dependencies", "after", ["a", "a"]),
        "a dependency that is a number": put("operations", 0, "dependencies", "before", [1]),
        "dependencies of one side only": put("operations", 0, "dependencies", {"after": []}),
        "sources without sides": put("operations", 0, "propertyDependencies", {}),
        "replace keys in no order": put("operations", 0, "replaceKeys", ["b", "a"]),
        "replace keys that are no list": put("operations", 0, "replaceKeys", {"a": 1}),
        "sources in no order": put(
            "operations", 0, "propertyDependencies", "before", {"a": ["b", "a"]}
        ),
        "sources that are no lists": put(
            "operations", 0, "propertyDependencies", "after", {"a": "urn"}
        ),
        "a forged marker": put("operations", 0, "after", {"inputs": {"mandate:v1": "anything"}}),
        "a forged marker in the configuration": put("config", "a", {"mandate:v1": "unknown"}),
        "a toolchain that is no object": put("toolchain", []),
        "checks that are no list": put("checks", {}),
    },
    "a digest is 32 bytes, an address 20": {
        "a salt of 31 bytes": put("salt", "0x" + "11" * 31),
        "rules that are no digest": put("rules", None),
        "rules that are 32": put("rules", 32),
        "rules that are 32 numbers": put("rules", [0] * 32),
        "a salt with a space": put("salt", "0x" + "11" * 30 + " 111"),
        "a salt with 0X": put("salt", "0X" + "11" * 32),
        "a key id with a line end": put("secretKeyId", "0x" + "11" * 32 + "\n"),
        "a debt in words": put("clears", "none"),
        "a program without digest": put("program", {}),
        "a program of other files": put("program", "files", [["x", *FILE]]),
        "a program whose files are in no order": listing(["b", *FILE], ["a", *FILE]),
        "a program with a file twice": listing(["a", *FILE], ["a", *FILE]),
        "a program's file without its mode": listing(["a", FILE[1]]),
        "a program's file of another mode": listing(["a", "socket", FILE[1]]),
        "a program's file with a short SHA-256": listing(["a", "file", "00"]),
        "a program's file with a SHA-256 in capitals": listing(["a", "file", "AB" * 32]),
        "a program's file that is a name": listing("a.py"),  # type: ignore[arg-type]
        "a program with a part too many": put("program", "more", 1),
        "a program whose commit is a number": put("program", "commit", 1),
        "a program whose commit is a branch": put("program", "commit", "main"),
        "a program whose commit is in capitals": put("program", "commit", "AB" * 20),
        "a base that is no digest": put("base", "0x1234"),
        "a proposer that is a name": put("proposer", "ana.eth"),
        "a proposer that is not hexadecimal": put("proposer", "0x" + "zz" * 20),
        "a proposer with a wrong checksum": put(
            "proposer", "0x70997970c51812dc3A010C7d01b50e0d17dc79C8"
        ),
    },
    "a window is two times in order": {
        "a window that ends before it begins": put("window", {"notBefore": 5, "expiresAt": 5}),
        "a window before the epoch": put("window", {"notBefore": -1, "expiresAt": 5}),
        "a window in text": put("window", {"notBefore": "1", "expiresAt": "5"}),
        "a window with a broken second": put("window", {"notBefore": 1.5, "expiresAt": 5}),
        "a window of true": put("window", {"notBefore": True, "expiresAt": 5}),
    },
}
