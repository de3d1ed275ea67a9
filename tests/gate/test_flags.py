"""Which flags a plan binds, in which form, and what a person types to run it."""

from __future__ import annotations

import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate.gate.flags import flags_of, once_done, require_kind
from pulumi_mandate.gate.standing import run_by

BOUND = ("--replace=b", "--target-dependents", "--target=**::a")


def test_a_document_names_them_beside_the_variables() -> None:
    content = {"toolchain": {"flags": ["AWS_REGION=eu-west-1", *BOUND]}}

    assert flags_of(content) == BOUND
    assert flags_of({"toolchain": {"flags": ["AWS_REGION=--target=x"]}}) == ()


def test_a_person_types_them() -> None:
    assert run_by("up") == "pulumi up"
    assert run_by("up", BOUND[:1], hooked=False).startswith("mandate up --")
    assert run_by("up", BOUND) == "pulumi up --replace=b --target-dependents '--target=**::a'"


def test_an_observer_looks_at_the_same_part_and_makes_nothing_anew() -> None:
    assert once_done(BOUND) == BOUND[1:]


def test_a_destroy_is_of_a_part_and_makes_nothing_anew() -> None:
    require_kind("up", BOUND)
    require_kind("destroy", BOUND[1:])
    with pytest.raises(UsageError, match="--replace is no flag of a plan of kind destroy"):
        require_kind("destroy", BOUND)


@pytest.mark.parametrize("kind", ["refresh", "import"])
def test_the_others_are_of_the_whole_stack(kind: str) -> None:
    require_kind(kind, ())
    with pytest.raises(UsageError, match="is no flag of a plan"):
        require_kind(kind, BOUND[1:])
