"""The protocol's constants for the JavaScript verifier, from the Python that is their source."""

from __future__ import annotations

import json
from pathlib import Path

import pulumi_mandate
from pulumi_mandate.models import Tier
from pulumi_mandate.models._typed_data import DOMAIN_TYPE, PLAN_TYPE, SUBJECT_TYPE
from pulumi_mandate.plan import assessment, document, inverse, markers, program, source
from pulumi_mandate.plan.canonical import LIMITS

VERIFIER = Path(pulumi_mandate.__file__).parent / "console" / "static" / "constants.js"
_TYPES = {bool: "boolean", str: "string", type(None): "null", dict: "object", list: "list"}


def constants() -> dict[str, object]:
    """What both readers must have the same of. Patterns are for whole texts."""
    return {
        "SCHEMA": document.SCHEMA,
        "STEPS_OF_PLAN": {kind: sorted(ops) for kind, ops in document.STEPS_OF_PLAN.items()},
        "KIND_OF": {op: int(kind) for op, kind in document.KIND_OF.items()},
        "LOST": inverse.LOST,
        "LOSSES": inverse.LOSSES,
        "LASTING": inverse.LASTING,
        "MAKING": inverse.MAKING,
        "REPLACING": inverse.REPLACING,
        "ALONE": inverse.ALONE,
        "PARTS": sorted(document.PARTS),
        "OPERATION_PARTS": sorted(document.OPERATION_PARTS),
        "CHANGE_PARTS": sorted(document.CHANGE_PARTS),
        "CHECK_PARTS": sorted(assessment.CHECK_PARTS),
        "MARKER": markers.KEY,
        "MARKERS": {
            name: {part: [_TYPES[kind] for kind in kinds] for part, kinds in parts.items()}
            for name, parts in markers.PARTS.items()
        },
        "RULE_ID": document.RULE_ID.pattern,
        "EMERGENCY": assessment.EMERGENCY,
        "INCIDENT": assessment.INCIDENT.pattern,
        "COMMIT": document.COMMIT.pattern,
        "LINE": assessment.LINE.pattern,
        "CHECK_ID": assessment.CHECK_ID.pattern,
        "VERSION": assessment.VERSION.pattern,
        "MEASURE": assessment.MEASURE.pattern,
        "SHA256": program.SHA256.pattern,
        "FILE_MODES": program.FILE_MODES,
        "WITHHELD": source.WITHHELD,
        "VERDICTS": assessment.VERDICTS,
        "MOST_FINDINGS": assessment.MOST_FINDINGS,
        "MOST_MEASURES": assessment.MOST_MEASURES,
        "COST": assessment.COST,
        "NOBODY_KNOWS": assessment.NOBODY_KNOWS,
        "TIERS": {
            "low": int(Tier.LOW),
            "high": int(Tier.HIGH),
            "emergency": int(Tier.EMERGENCY),
            "last": int(max(Tier)),
        },
        "LIMITS": {"size": LIMITS.size, "depth": LIMITS.depth, "operations": LIMITS.operations},
        "PLAN_TYPE": PLAN_TYPE,
        "SUBJECT_TYPE": SUBJECT_TYPE,
        "DOMAIN_TYPE": DOMAIN_TYPE,
    }


def verifier() -> str:
    """The module that the verifier imports."""
    lines = [f"export const {name} = {json.dumps(value)};" for name, value in constants().items()]
    head = "// Written by `python -m tests.vectors.generate`, from the Python that is their source."
    return "\n".join([head, "", *lines, ""])
