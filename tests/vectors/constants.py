"""The protocol's constants for the JavaScript verifier, from the Python that is their source."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pulumi_mandate
from pulumi_mandate.models import Tier
from pulumi_mandate.models._typed_data import DOMAIN_TYPE, PLAN_TYPE, SUBJECT_TYPE
from pulumi_mandate.plan import document, markers
from pulumi_mandate.plan.canonical import LIMITS

VERIFIER = Path(pulumi_mandate.__file__).parent / "console" / "static" / "verify.js"
_BLOCK = re.compile(r"(?<=// constants:begin\n).*?(?=// constants:end\n)", re.DOTALL)
_TYPES = {bool: "boolean", str: "string", type(None): "null", dict: "object", list: "list"}


def constants() -> dict[str, object]:
    """What both readers must have the same of."""
    return {
        "SCHEMA": document.SCHEMA,
        "STEPS_OF_PLAN": {kind: sorted(ops) for kind, ops in document.STEPS_OF_PLAN.items()},
        "KIND_OF": {op: int(kind) for op, kind in document.KIND_OF.items()},
        "PARTS": sorted(document.PARTS),
        "OPERATION_PARTS": sorted(document.OPERATION_PARTS),
        "MARKER": markers.KEY,
        "MARKERS": {
            name: {part: [_TYPES[kind] for kind in kinds] for part, kinds in parts.items()}
            for name, parts in markers.PARTS.items()
        },
        "RULE_ID": document.RULE_ID.pattern,
        "TIERS": {"low": int(Tier.LOW), "high": int(Tier.HIGH), "last": int(max(Tier))},
        "LIMITS": {"size": LIMITS.size, "depth": LIMITS.depth, "operations": LIMITS.operations},
        "PLAN_TYPE": PLAN_TYPE,
        "SUBJECT_TYPE": SUBJECT_TYPE,
        "DOMAIN_TYPE": DOMAIN_TYPE,
    }


def verifier() -> str:
    """The verifier's text with today's constants."""
    lines = [f"  {name}: {json.dumps(value)}," for name, value in constants().items()]
    block = "\n".join(["const CONSTANTS = {", *lines, "};", ""])
    text, count = _BLOCK.subn(lambda _: block, VERIFIER.read_text(encoding="utf-8"))
    assert count == 1, "verify.js has lost the marks of its constants"
    return text
