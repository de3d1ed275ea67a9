"""A stand-in for the part of IAM that moto does not have: it decides by policies.

Small on purpose: policies of Effect, Action and Resource, no conditions. A request
is allowed where every policy set allows it (a session policy takes away from the role) and none
denies it. `tests/broker/test_iam_evaluator.py` holds it against AWS's documented logic.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Policy = Mapping[str, Any]


def allowed(action: str, resource: str, *policies: str | Policy) -> bool:
    """Whether all of these policies, each a set of its own, let this action through."""
    verdicts = [_verdict(_read(policy), action, resource) for policy in policies]
    return bool(verdicts) and all(verdict == "Allow" for verdict in verdicts)


def _read(policy: str | Policy) -> Policy:
    found: Policy = json.loads(policy) if isinstance(policy, str) else policy
    assert found["Version"] == "2012-10-17"
    return found


def _verdict(policy: Policy, action: str, resource: str) -> str:
    verdict = "implicit deny"
    for statement in _list(policy["Statement"]):
        assert set(statement) <= {"Sid", "Effect", "Action", "Resource"}, "not understood here"
        if not any(_like(one, action, ignore_case=True) for one in _list(statement["Action"])):
            continue
        if not any(_like(one, resource) for one in _list(statement["Resource"])):
            continue
        if statement["Effect"] == "Deny":
            return "Deny"
        verdict = "Allow"
    return verdict


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """`*` is any characters and `?` one. Actions are compared without their case, ARNs with it."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return bool(re.fullmatch(expression, text, re.IGNORECASE if ignore_case else 0))
