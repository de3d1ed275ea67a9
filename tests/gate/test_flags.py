"""Which flags a plan binds, in which form, and what a person types to run it."""

from __future__ import annotations

import shlex

import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate.gate.flags import (
    edit_flags,
    edit_of,
    flags_of,
    once_done,
    require_kind,
)
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


A, B = "urn:pulumi:dev::shop::a:b:C::a$b c", "urn:pulumi:dev::shop::a:b:C::b"


def test_an_edit_of_the_state_is_bound_word_for_word() -> None:
    assert edit_of(edit_flags("delete", [B, A, B])) == ("delete", A, B)
    assert edit_of(edit_flags("unprotect", [A])) == ("unprotect", A)
    renamed = edit_flags("rename", [A, "it's new"])
    assert edit_of(renamed) == ("rename", A, "it's new")

    content = {"toolchain": {"flags": ["AWS_REGION=eu-west-1", *renamed]}}
    assert flags_of(content) == renamed
    assert shlex.split(run_by("state", renamed)) == ["mandate", "state", "rename", A, "it's new"]
    assert once_done(renamed) == (), "an observer previews an update"
    require_kind("state", renamed)


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--state=",),
        ("--state=delete",),
        ("--state=delete --all",),
        (f"--state=delete {B} --force",),
        (f"--state=move {B}",),
        (f"--state=rename {B}",),
        (f"--state=rename {B} --yes",),
        (f"--state=rename {B} ''",),
        (f"--state=rename {B} one two",),
        ("--state=rename b c",),
        ("--state='",),
        (f"--state=delete {B}", f"--state=unprotect {B}"),
    ],
)
def test_a_plan_that_somebody_wrote_smuggles_no_option_in(flags: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="an edit of the state is one of"):
        require_kind("state", flags)
    assert run_by("state", flags).startswith("mandate state")


def test_an_edit_is_no_other_kinds() -> None:
    with pytest.raises(UsageError, match="--state is no flag of a plan of kind up"):
        require_kind("up", edit_flags("delete", [B]))
    with pytest.raises(UsageError, match="--target is no flag of a plan of kind state"):
        require_kind("state", (*edit_flags("delete", [B]), "--target=a"))
