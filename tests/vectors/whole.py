"""Documents to make vectors of, among them two that hold something of everything."""

from __future__ import annotations

from typing import Any

from pulumi_mandate.models import Tier, keccak, to_hex
from pulumi_mandate.plan import summary
from pulumi_mandate.plan.build import build_document
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import listing_digest
from pulumi_mandate.plan.raw import RawPreview
from tests.plan.samples import UNKNOWN, creation, facts, recorded, secret, sourced

CHECKS = [
    {"id": "cost", "version": "1.0", "digest": "0x" + "11" * 32, "mandatory": True,
     "verdict": "overridden", "findings": [{"urn": "", "message": "more than last month"}],
     "measures": {"eurPerMonth": 12.5, "before": -3}, "override": "agreed with finance"},
    {"id": "quota", "version": "1.0", "digest": "0x" + "22" * 32, "mandatory": False,
     "verdict": "pass", "findings": [], "measures": {}, "override": None},
]  # fmt: skip


def build(raw: RawPreview, **changes: Any) -> Document:
    """Without what may change under a vector: the Python that writes it, and the default rules."""
    document = build_document(raw, facts(rules=keccak(b"rules"), **changes), _judge)
    toolchain = {**document.content["toolchain"], "python": "3.11"}
    return Document.of({**document.content, "toolchain": toolchain})


def much() -> Document:
    """Of tier high: an update, a delete, an unknown, a changed source, checks."""
    content = build(recorded(), **sourced("a.py", "one\n", "two\n")).content
    kept = [content["operations"][at] for at in (1, 3)]
    assert [one["op"] for one in kept] == ["update", "delete-replaced"]
    content = {**content, "operations": kept, "checks": CHECKS}
    content["tier"] = {"tier": 3, "rule": "vector", "reasons": {"vector": "it deletes"}}
    content["unknowns"] = summary.unknowns(kept)
    content["unknowns"][0]["constraint"] = {"pattern": "arn:.*"}
    content["sensitive"] = ["inputs.*Policy*", "inputs.*policy*"]
    content["rollback"] = summary.rollback(kept)
    return Document.of(content)


def urgent() -> Document:
    """An emergency: what it does, by the rules, would have been high for the whole of it."""
    content = dict(build(creation("x", {"label": "a"})).content)
    content["tier"] = {
        "tier": 5,
        "rule": "emergency.INC-2041",
        "reasons": {
            "emergency.INC-2041": "the disk is full",
            "vector": "it creates",
            "big": "too much at once",
        },
    }
    return Document.of({**content, "base": "0x" + "88" * 32})


def costing(dollars: float) -> Document:
    """A creation, and a check that measured what it adds to the monthly bill."""
    content = build(creation("x", {"label": "a"})).content
    check = {**CHECKS[0], "id": "cost", "measures": {"usdPerMonth": dollars}}
    check |= {"verdict": "pass", "findings": [], "override": None}
    return Document.of({**content, "checks": [check]})


def first() -> Document:
    """Below tier high: a creation, every file of the program new, one of them not shown."""
    inputs = {"u": UNKNOWN, "s": secret("p"), "n": [{"a": 1.5}, None, True]}
    content = dict(build(creation("x", inputs, {**inputs, "s": "[secret]"})).content)
    files = [["b.env", "link", "44" * 32], ["c.py", "executable", "55" * 32]]
    content["program"] = {"digest": to_hex(listing_digest(files)), "commit": "ab" * 20,
                          "files": files}  # fmt: skip
    changes: list[dict[str, Any]] = [
        {"path": path, "change": "added", "before": None, "after": side, "diff": None,
         "withheld": "may hold a secret"}
        for path, *side in files
    ]  # fmt: skip
    changes[1] |= {"diff": "+x\n", "withheld": None}
    content["unknowns"][0]["constraint"] = {"oneOf": [1, "two", False]}
    content["source"] = {"since": None, "content": "0x" + "66" * 32, "changes": changes}
    return Document.of(content)


def _judge(operation: dict[str, object]) -> tuple[Tier, str]:
    return (Tier.HIGH if operation["after"] is None else Tier.MEDIUM), "vector"
