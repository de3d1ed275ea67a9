"""The stand-in against AWS's documented logic: a test by it proves no more than it does itself.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.iam_evaluator import allowed

THING = "arn:aws:s3:::logs"


def policy(*statements: tuple[str, Any, Any]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": effect, "Action": action, "Resource": resource}
            for effect, action, resource in statements
        ],
    }


@pytest.mark.parametrize(
    ("policies", "lets"),
    [
        ([policy()], False),  # implicit deny
        ([policy(("Allow", "s3:PutObject", THING))], True),
        ([policy(("Allow", "S3:putobject", THING))], True),  # actions have no case
        ([policy(("Allow", "s3:PutObject", "arn:aws:s3:::Logs"))], False),  # ARNs have
        ([policy(("Allow", "s3:Put*", "*"))], True),
        ([policy(("Allow", "s3:PutObjec?", "arn:aws:s3:::log?"))], True),
        ([policy(("Allow", "s3:PutObject?", THING))], False),
        ([policy(("Allow", ["ec2:*", "s3:*"], ["x", THING]))], True),
        ([policy(("Allow", "*", "*"), ("Deny", "s3:*", THING))], False),  # deny wins
        ([policy(("Deny", "s3:*", THING), ("Allow", "*", "*"))], False),  # in any order
        ([policy(("Allow", "*", "*")), policy()], False),  # session policy intersects
        ([policy(("Allow", "*", "*")), policy(("Allow", "s3:*", THING))], True),
        ([policy(("Allow", "s3:*", THING)), policy(("Deny", "*", "*"))], False),
        ([], False),
    ],
)
def test_it_decides_as_documented(policies: list[Any], lets: bool) -> None:
    assert allowed("s3:PutObject", THING, *policies) is lets


def test_what_it_does_not_know_it_does_not_judge() -> None:
    strange = policy(("Allow", "*", "*"))
    strange["Statement"][0]["Condition"] = {}

    with pytest.raises(AssertionError):
        allowed("s3:PutObject", THING, strange)
