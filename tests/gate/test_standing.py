"""Which command a person types next: the one that runs this kind of plan."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate.gate.standing import RUN_BY, for_its_kind
from pulumi_mandate.governance import Standing, Step
from pulumi_mandate.models import Digest
from pulumi_mandate.plan.document import PLAN_KINDS, Document
from tests.gate.cases import document, operation

PLAN = Digest(b"\x11" * 32)
APPROVED = Standing("approved", "pulumi up", "approved", Step.RUN)


class Store:
    """The plan store, with at most one document."""

    def __init__(self, held: Document | None) -> None:
        self._held = held

    def document_of(self, plan_hash: Digest) -> Digest | None:
        return self._held.digest if self._held is not None and plan_hash == PLAN else None

    def get(self, digest: Digest) -> bytes:
        if self._held is None:
            raise UsageError("gone")
        return self._held.data


def test_every_kind_has_its_command() -> None:
    assert set(RUN_BY) == set(PLAN_KINDS)


def of_kind(kind: str) -> Document:
    return document(operation(op="delete"), kind=kind)


@pytest.mark.parametrize(
    ("kind", "command"),
    [("up", "pulumi up"), ("destroy", "pulumi destroy --run-program")],
)
def test_the_command_is_the_kinds(kind: str, command: str) -> None:
    store: Any = Store(of_kind(kind))

    assert for_its_kind(APPROVED, store, PLAN).next_command == command


def test_where_no_hook_asks_only_the_wrapper_is_a_gate() -> None:
    bare = document(operation(options={"before": None, "after": {"parent": "p"}}))
    store: Any = Store(bare)

    assert for_its_kind(APPROVED, store, PLAN).next_command == "mandate up"


def test_nothing_else_is_changed() -> None:
    waiting = Standing("voting", "mandate vote 1", "active", Step.VOTE)
    known: Any = Store(of_kind("destroy"))
    empty: Any = Store(None)

    assert for_its_kind(waiting, known, PLAN) == waiting
    assert for_its_kind(APPROVED, empty, PLAN) == APPROVED
