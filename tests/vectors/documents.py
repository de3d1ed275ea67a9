"""Vectors for whole documents and for commitments, from the recorded preview."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

from pulumi_mandate.models import Address, Domain, Tier, keccak, plan_hash, to_hex
from pulumi_mandate.plan import merkle
from pulumi_mandate.plan.build import build_document
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.commitment import SubjectKey, commit
from pulumi_mandate.plan.document import Document, leaves
from pulumi_mandate.plan.raw import RawPreview
from tests.plan.samples import UNKNOWN, creation, facts, made_up, recorded, secret
from tests.vectors.plans import content_of

Forgery = Callable[[dict[str, Any]], object]

DOMAIN = Domain(31337, Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"))
KEYS = (SubjectKey(bytes(range(32))), SubjectKey(b"\xff" * 32))
PLACES: tuple[tuple[str, list[str | int], object], ...] = (
    ("urn:pulumi:dev::p::t::n", ["password"], "hunter2"),
    ("urn:pulumi:dev::p::t::n", ["passwords", 0], "hunter2"),
    ("urn:pulumi:dev::p::t::n", ["passwords", "0"], "hunter2"),
    ("urn:pulumi:dev::p::t::m", ["password"], "hunter2"),
    ("mandate:config", ["p:password"], "hunter2"),
    ("urn:x", ["v"], 1),
    ("urn:x", ["v"], "1"),
    ("urn:x", ["v"], True),
    ("urn:x", ["v"], None),
    ("urn:x", ["é\U0001f600"], {"b": [1.5, {"a": "é"}], "a": None}),
)


def commitments() -> list[dict[str, object]]:
    """`[{key, keyId, urn, path, value, commitment}]`."""
    return [
        {
            "key": to_hex(key.secret),
            "keyId": to_hex(key.id),
            "urn": urn,
            "path": path,
            "value": value,
            "commitment": commit(key, urn, path, value)["commitment"],
        }
        for key in KEYS
        for urn, path, value in PLACES
    ]


def documents() -> list[dict[str, object]]:
    """`[{name, bytes, digest, effectRoot, leaves, plan, domain, planHash}]`.

    `bytes` and each leaf's `operation` are text: their UTF-8 is what is hashed.
    """
    cases = {
        "recorded from the engine": build(recorded()),
        "one creation": build(creation("x", {"label": "a", "size": 1.5})),
        "unknown, secret and typed marker": build(
            creation(
                "x",
                {"u": UNKNOWN, "s": secret("p"), "t": {"mandate:v1": "unknown"}},
                {"u": UNKNOWN, "s": "[secret]", "t": {"mandate:v1": "unknown"}},
            )
        ),
        "three creations": build(
            made_up({"a": {}, "\ue000": {"v": []}, "\U0001f600": {"v": 1e21}})
        ),
        "text of every kind": build(
            creation("\U0001f4a1", {"é": "\u202e\x00\U0001f600", "\ue000": 1, "\U0001f600": 2})
        ),
    }
    return [_document(name, document) for name, document in cases.items()]


def build(raw: RawPreview, **changes: Any) -> Document:
    """Without what may change under a vector: the Python that writes it, and the default rules."""
    document = build_document(raw, facts(rules=keccak(b"rules"), **changes), _judge)
    toolchain = {**document.content["toolchain"], "python": "3.11"}
    return Document.of({**document.content, "toolchain": toolchain})


def _unsealed(content: dict[str, Any]) -> bytes:
    """A forger's document: the effect root recomputed, so that only the rule itself can refuse."""
    with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError, AttributeError):
        content["effectRoot"] = to_hex(merkle.root(leaves(content["operations"])))
    return canonical_bytes(content)


def _set(*path: Any) -> Forgery:
    *places, key, value = path

    def apply(content: dict[str, Any]) -> None:
        target: Any = content
        for place in places:
            target = target[place]
        target[key] = value

    return apply


def _repeat(content: dict[str, Any]) -> None:
    content["operations"].append(copy.deepcopy(content["operations"][0]))


def _append(**changes: object) -> Forgery:
    def apply(content: dict[str, Any]) -> None:
        content["operations"].append({**copy.deepcopy(content["operations"][0]), **changes})

    return apply


FORGERIES: dict[str, dict[str, Forgery]] = {
    "an unknown version is refused": {
        "another schema": _set("schema", "mandate/plan/v2"),
        "no schema": lambda content: content.pop("schema"),
        "a schema that is a number": _set("schema", 1),
        "another kind of plan": _set("kind", "teleport"),
        "a kind of every object": _set("kind", "constructor"),
        "a destroy that makes something": _set("kind", "destroy"),
    },
    "a document has exactly its parts": {
        "a part left out": lambda content: content.pop("clears"),
        "a part too many": _set("note", "please"),
        "a part of every object": _set("__proto__", {}),
        "an operation's part left out": lambda content: content["operations"][0].pop("options"),
        "an operation's part too many": _set("operations", 0, "hidden", 1),
        "a subject with a fifth name": _set("subject", "more", "x"),
        "a subject without a stack": _set("subject", "stack", ""),
        "a tier without its rule": _set("tier", {"tier": 2}),
        "a provider with one side": _set("operations", 0, "provider", {"after": None}),
    },
    "an empty plan is refused": {
        "no operations": _set("operations", []),
        "operations that are no list": _set("operations", {}),
        "an operation that is no object": _set("operations", [1]),
    },
    "operations have one order, and no two are the same": {
        "an operation twice": _repeat,
        "operations out of order": _append(urn="urn:a"),
        "steps out of order": _append(op="abandon", kind=4),
        "operations in UTF-16 order": lambda content: content.update(
            operations=[
                {**content["operations"][0], "urn": urn} for urn in ("\U0001f600", "\ue000")
            ]
        ),
    },
    "a step says its kind": {
        "a step that is not known": _set("operations", 0, "op", "teleport"),
        "a step of every object": _set("operations", 0, "op", "constructor"),
        "another kind": _set("operations", 0, "kind", 6),
        "a kind that is true": _set("operations", 0, "kind", True),
        "a kind that is null": _set("operations", 0, "kind", None),
    },
    "the tier of a plan is the highest of its operations": {
        "a tier lower than an operation's": _set("tier", "tier", 1),
        "a tier of critical": _set("tier", "tier", 4),
        "a tier high without a base": _set("tier", "tier", 3),
        "the tier of a rule that did not decide": _set("tier", "rule", "other"),
        "a reason for a rule that did not fire": _set("tier", "reasons", {"other": "why"}),
        "a reason that is no text": _set("tier", "reasons", {"vector": 1}),
        "an operation without a tier": _set("operations", 0, "tier", 0),
        "an operation of tier critical": _set("operations", 0, "tier", 4),
        "an operation's tier in words": _set("operations", 0, "tier", "low"),
        "a rule that is a sentence": _set("operations", 0, "rule", "all is well"),
        "a rule with a line end": _set("operations", 0, "rule", "vector\n"),
    },
    "values have their types": {
        "a urn that is a number": _set("operations", 0, "urn", 7),
        "an id that is a number": _set("operations", 0, "id", 7),
        "a past that is no object": _set("operations", 0, "before", []),
        "dependencies that are no list": _set("operations", 0, "dependencies", "after", "urn"),
        "dependencies in no order": _set("operations", 0, "dependencies", "after", ["b", "a"]),
        "a dependency twice": _set("operations", 0, "dependencies", "after", ["a", "a"]),
        "a dependency that is a number": _set("operations", 0, "dependencies", "before", [1]),
        "dependencies of one side only": _set("operations", 0, "dependencies", {"after": []}),
        "sources without sides": _set("operations", 0, "propertyDependencies", {}),
        "replace keys in no order": _set("operations", 0, "replaceKeys", ["b", "a"]),
        "replace keys that are no list": _set("operations", 0, "replaceKeys", {"a": 1}),
        "sources in no order": _set(
            "operations", 0, "propertyDependencies", "before", {"a": ["b", "a"]}
        ),
        "sources that are no lists": _set(
            "operations", 0, "propertyDependencies", "after", {"a": "urn"}
        ),
        "a forged marker": _set("operations", 0, "after", {"inputs": {"mandate:v1": "anything"}}),
        "a forged marker in the configuration": _set("config", "a", {"mandate:v1": "unknown"}),
        "a toolchain that is no object": _set("toolchain", []),
        "checks that are no list": _set("checks", {}),
    },
    "a digest is 32 bytes, an address 20": {
        "a salt of 31 bytes": _set("salt", "0x" + "11" * 31),
        "rules that are no digest": _set("rules", None),
        "a debt in words": _set("clears", "none"),
        "a program without digest": _set("program", {}),
        "a program of other files": _set("program", "files", [["x", "file", "00"]]),
        "a program whose files are in no order": _set(
            "program", "files", [["b", "file", "00"], ["a", "file", "00"]]
        ),
        "a program whose commit is a number": _set("program", "commit", 1),
        "a base that is no digest": _set("base", "0x1234"),
        "a proposer that is a name": _set("proposer", "ana.eth"),
        "a proposer that is not hexadecimal": _set("proposer", "0x" + "zz" * 20),
        "a proposer with a wrong checksum": _set(
            "proposer", "0x70997970c51812dc3A010C7d01b50e0d17dc79C8"
        ),
    },
    "a window is two times in order": {
        "a window that ends before it begins": _set("window", {"notBefore": 5, "expiresAt": 5}),
        "a window before the epoch": _set("window", {"notBefore": -1, "expiresAt": 5}),
        "a window in text": _set("window", {"notBefore": "1", "expiresAt": "5"}),
        "a window with a broken second": _set("window", {"notBefore": 1.5, "expiresAt": 5}),
        "a window of true": _set("window", {"notBefore": True, "expiresAt": 5}),
    },
}


def refused() -> list[dict[str, object]]:
    """`[{name, reason, bytes}]`: what every reader of documents refuses."""
    honest = build(creation("x", {"label": "a"})).content
    cases = []
    for reason, forgeries in FORGERIES.items():
        for name, forge in forgeries.items():
            content = copy.deepcopy(honest)
            forge(content)
            cases.append((name, reason, _unsealed(content)))
    bound = "the effect root follows from the operations"
    changed = copy.deepcopy(honest)
    changed["operations"][0]["after"]["inputs"]["label"] = "b"
    cases.append(("another operation under the old root", bound, canonical_bytes(changed)))
    wrong = canonical_bytes({**honest, "effectRoot": "0x" + "00" * 32})
    cases.append(("a root of nothing", bound, wrong))
    whole = canonical_bytes(honest)
    form = "the stored bytes are the canonical ones"
    cases.append(("a line end after the document", form, whole + b"\n"))
    cases.append(("a document twice", form, whole + whole))
    cases += [(f"only {text}", "it is no document", text.encode()) for text in ("{}", "[]", "null")]
    return [
        {"name": name, "reason": reason, "bytes": data.decode()} for name, reason, data in cases
    ]


def _judge(operation: dict[str, object]) -> tuple[Tier, str]:
    return (Tier.HIGH if operation["after"] is None else Tier.MEDIUM), "vector"


def _document(name: str, document: Document) -> dict[str, object]:
    return {
        "name": name,
        "bytes": document.data.decode(),
        "digest": to_hex(document.digest),
        "effectRoot": to_hex(document.effect_root),
        "leaves": [
            {
                "index": index,
                "kind": operation["kind"],
                "tier": operation["tier"],
                "urn": operation["urn"],
                "operation": canonical_bytes(operation).decode(),
                "leaf": to_hex(document.leaves[index]),
                "proof": [to_hex(step) for step in merkle.proof(document.leaves, index)],
            }
            for index, operation in enumerate(document.operations)
        ],
        "plan": content_of(document.fields()),
        "domain": {"chainId": DOMAIN.chain_id, "registry": DOMAIN.registry},
        "planHash": to_hex(plan_hash(DOMAIN, document.fields())),
    }
