"""Vectors for whole documents and for commitments, from the recorded preview."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from pulumi_mandate.models import Address, Domain, plan_hash, to_hex
from pulumi_mandate.plan import merkle
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.commitment import SubjectKey, commit
from pulumi_mandate.plan.document import Document
from tests.plan.samples import EVERY_OPERATION, UNKNOWN, creation, made_up, recorded, secret
from tests.vectors import summaries
from tests.vectors.forgeries import FORGERIES, Forgeries, sealed
from tests.vectors.plans import content_of
from tests.vectors.whole import build, costing, first, much, urgent

DOMAIN = Domain(31337, Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"))
COSTS = (
    -3,
    0,
    0.004999,
    0.005,
    0.0050001,
    1.005,
    12,
    918.34,
    90071992547409.5,
    90071992547410,
    2**53 - 2,
)
"""Dollars a month, on either side of a half cent and of the largest sum."""
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
        "every step of the engine": build(recorded(EVERY_OPERATION)),
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
        "something of everything": much(),
        "the first plan of a program": first(),
        "an emergency": urgent(),
        **{f"{dollars} dollars a month": costing(dollars) for dollars in COSTS},
    }
    return [_document(name, document) for name, document in cases.items()]


def refused() -> list[dict[str, object]]:
    """`[{name, reason, bytes}]`: what every reader of documents refuses."""
    honest = build(creation("x", {"label": "a"})).content
    told: Forgeries = summaries.UNKNOWNS | summaries.CHECKS | summaries.SOURCE
    cases = [
        *_forged(honest, FORGERIES),
        *_forged(much().content, told),
        *_forged(first().content, summaries.FIRST),
        *_forged(urgent().content, summaries.URGENT),
    ]
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


def _forged(honest: dict[str, Any], forgeries: Forgeries) -> Iterator[tuple[str, str, bytes]]:
    for reason, changes in forgeries.items():
        for name, forge in changes.items():
            content = copy.deepcopy(honest)
            forge(content)
            yield name, reason, sealed(content)


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
