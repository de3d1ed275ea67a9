"""Vectors for whole documents and for commitments, from the recorded preview."""

from __future__ import annotations

from pulumi_mandate.models import Address, Domain, Tier, keccak, plan_hash, to_hex
from pulumi_mandate.plan.build import build_document
from pulumi_mandate.plan.commitment import SubjectKey, commit
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.raw import RawPreview
from tests.plan.samples import UNKNOWN, creation, facts, recorded, secret

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
    """`[{name, bytes, digest, effectRoot, leaves, domain, planHash}]`; `bytes` is stored text."""
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
        "text of every kind": build(
            creation("\U0001f4a1", {"é": "\u202e\x00\U0001f600", "\ue000": 1, "\U0001f600": 2})
        ),
    }
    return [_document(name, document) for name, document in cases.items()]


def build(raw: RawPreview) -> Document:
    """Without what may change under a vector: the Python that writes it, and the default rules."""
    document = build_document(raw, facts(rules=keccak(b"rules")), _judge)
    toolchain = {**document.content["toolchain"], "python": "3.11"}
    return Document.of({**document.content, "toolchain": toolchain})


def _judge(operation: dict[str, object]) -> tuple[Tier, str]:
    return (Tier.HIGH if operation["after"] is None else Tier.MEDIUM), "vector"


def _document(name: str, document: Document) -> dict[str, object]:
    return {
        "name": name,
        "bytes": document.data.decode(),
        "digest": to_hex(document.digest),
        "effectRoot": to_hex(document.effect_root),
        "leaves": [to_hex(leaf) for leaf in document.leaves],
        "domain": {"chainId": DOMAIN.chain_id, "registry": DOMAIN.registry},
        "planHash": to_hex(plan_hash(DOMAIN, document.fields())),
    }
