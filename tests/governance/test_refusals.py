"""Custom errors as sentences: complete, and true to the contracts."""

from __future__ import annotations

import string

import pytest

from pulumi_mandate.chain.artifacts import all_errors
from pulumi_mandate.errors import ContractRefused
from pulumi_mandate.governance.refusals import _MEANINGS, explain
from pulumi_mandate.models import MandateState

ERRORS = {entry["name"]: {p["name"] for p in entry["inputs"]} for entry in all_errors().entries}


@pytest.mark.parametrize("name", sorted(_MEANINGS))
def test_every_explained_error_exists_with_the_values_it_shows(name: str) -> None:
    meaning, next_step = _MEANINGS[name]
    shown = {part for _, part, _, _ in string.Formatter().parse(meaning) if part}

    assert name in ERRORS
    assert shown <= ERRORS[name]
    assert next_step


def test_states_are_named_not_numbered() -> None:
    error = ContractRefused(
        "no",
        error="PlanRegistryUnexpectedState",
        arguments={
            "planHash": bytes(32),
            "current": int(MandateState.REVOKED),
            "expected": ((1 << MandateState.APPROVED) | (1 << MandateState.RUNNING)).to_bytes(32),
        },
    )

    found = explain(error)

    assert found.meaning == "the mandate is revoked; this needs approved or running"
    assert (found.error, found.exit_code) == ("PlanRegistryUnexpectedState", 3)


def test_an_unknown_error_is_left_as_it_is() -> None:
    error = ContractRefused("no", error="Something")

    assert explain(error) is error
