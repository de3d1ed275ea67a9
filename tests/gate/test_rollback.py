"""Whether a run may be undone by itself: every condition, each broken alone."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.errors import ChainUnreachable, Refused
from pulumi_mandate.gate import rollback
from pulumi_mandate.gate.rollback import (
    Former,
    UndoDenials,
    check_lawful,
    former_of,
    named,
    require_lawful,
    require_undo,
    require_undoable,
    verify_undo,
)
from pulumi_mandate.governance.registry import Mandate
from pulumi_mandate.models import ZERO, MandateState, Subject, Tier, keccak
from pulumi_mandate.plan.document import Document
from tests.gate.cases import (
    EXECUTOR,
    RUN,
    SUBJECT,
    TOOLCHAIN,
    document,
    evidence,
    hash_of,
    operation,
    record,
)

NEW, OLD = {"inputs": {"text": "new"}}, {"inputs": {"text": "old"}}
DONE = document(operation("a"), operation("b", "update"))
BACK = document(
    operation("a", "delete", before=NEW), operation("b", "update", before=NEW, after=OLD)
)
FORMER = Former(keccak(b"former"), document(operation("z")))


def refused(about: Any, *given: Any) -> Refused:
    with pytest.raises(Refused) as refusal:
        about(*given)
    assert refusal.value.step == 12
    return refusal.value


# ---- the plan, and the program that leads back ----


def test_a_whole_update_with_a_program_before_it_is_undone() -> None:
    assert require_undoable(DONE, FORMER) is FORMER
    assert named(FORMER) == f"the program of plan 0x{FORMER.plan.hex()[:8]}…"


def destroys(plan: Document) -> Document:
    return Document.of({**plan.content, "kind": "destroy"})


DELETES = document(operation("b", "delete"))
PART = document(operation("a"), toolchain={**TOOLCHAIN, "flags": ["--target=urn:a"]})


@pytest.mark.parametrize(
    ("plan", "former", "why", "then"),
    [
        (DELETES, FORMER, "nothing undoes delete of", "mandate propose"),
        (document(operation("b", "delete"), operation("c", "delete")), FORMER, "and 1 more",
         "mandate propose"),
        (destroys(DELETES), FORMER, "a plan of kind destroy", "mandate propose"),
        (PART, FORMER, "a part of the stack", "mandate propose"),
        (DONE, None, "no program completed on this stack before", "mandate propose --destroy"),
        (DONE, Former(ZERO, destroys(DELETES)), "no program completed",
         "mandate propose --destroy"),
    ],
)  # fmt: skip
def test_what_is_not_undone_by_itself_says_why(
    plan: Document, former: Former | None, why: str, then: str
) -> None:
    refusal = refused(require_undoable, plan, former)

    assert why in refusal.happened
    assert refusal.next_step == then


def test_the_program_before_is_that_of_the_plan_that_completed_last() -> None:
    plan = FORMER.document
    machine: Any = SimpleNamespace(
        registry=SimpleNamespace(
            newest_block=lambda: None, last_completed=lambda subject, until: FORMER.plan
        ),
        store=SimpleNamespace(
            document_of=lambda found: plan.digest if found == FORMER.plan else None,
            get=lambda digest: plan.data,
        ),
    )
    assert former_of(machine, SUBJECT) == FORMER
    machine.registry.last_completed = lambda subject, until: None
    assert former_of(machine, SUBJECT) is None


# ---- nothing but the inverse ----


def test_the_inverse_and_nothing_else_is_applied() -> None:
    require_undo(DONE, BACK)


@pytest.mark.parametrize(
    "operations",
    [
        [operation("a", "delete", before=NEW)],
        [*BACK.operations, operation("c")],
        [operation("a", "delete", before=NEW),
         operation("b", "update", before=NEW, after={"inputs": {"text": "other"}})],
        list(DONE.operations),
    ],
    ids=["less", "more", "another value", "the plan again"],
)  # fmt: skip
def test_anything_else_than_the_inverse_is_refused(operations: list[dict[str, Any]]) -> None:
    refusal = refused(require_undo, DONE, document(*operations))

    assert "something else than the approved inverse" in refusal.happened
    assert refusal.field.startswith("operations.")


# ---- what the chain says ----


def mandate(**changes: Any) -> Mandate:
    made = Mandate(
        hash_of(DONE), MandateState.RUNNING, Tier.MEDIUM, 0, 0, 2000, 0, 900, EXECUTOR, 1, RUN
    )
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize("state", [MandateState.RUNNING, MandateState.STOPPING])
def test_a_run_that_goes_on_or_is_stopping_may_be_undone(state: MandateState) -> None:
    require_lawful([mandate(), mandate(state=state)], RUN, 899)


@pytest.mark.parametrize(
    ("changes", "now", "why"),
    [
        ({"state": MandateState.UNCONFIRMED}, 500, "unconfirmed"),
        ({"state": MandateState.FAILED}, 500, "failed"),
        ({"state": MandateState.ABANDONED}, 500, "abandoned"),
        ({"state": MandateState.REVOKED}, 500, "revoked"),
        ({"run_id": keccak(b"another")}, 500, "another run"),
        ({"state": MandateState.STOPPING, "hard": True}, 500, "even the approved inverse"),
        ({"hard": True}, 500, "even the approved inverse"),
        ({}, 900, "lease"),
    ],
)
def test_one_endpoint_that_says_no_is_enough(changes: dict[str, Any], now: int, why: str) -> None:
    for mandates in ([mandate(**changes), mandate()], [mandate(), mandate(**changes)]):
        assert why in refused(require_lawful, mandates, RUN, now).happened


def test_no_endpoint_is_no_yes() -> None:
    assert "no endpoint" in refused(require_lawful, [], RUN, 0).happened


class Chain:
    def __init__(self, **changes: Any) -> None:
        self.changes, self.time, self.keys = changes, 500, [(True, 1), (True, 1)]
        self.reads, self.renewed = 0, 0
        self.registry = self.client = self
        self.domain = None

    def each_mandate(self, _: Any) -> list[Mandate]:
        self.reads += 1
        return [mandate(**self.changes)]

    def now(self) -> int:
        return self.time

    def final_block(self) -> str:
        return "final"

    def call_each(self, *_: Any) -> list[tuple[bool, int]]:
        return self.keys

    def executor(self) -> Any:
        return SimpleNamespace(sign_renewal=lambda domain, renewal: b"s" * 65)

    def runner(self) -> str:
        return "runner"

    def renew(self, *_: Any) -> None:
        self.renewed += 1


@pytest.mark.parametrize(
    ("state", "now", "renewed"),
    [
        (MandateState.RUNNING, 500, 0),
        (MandateState.RUNNING, 700, 1),
        (MandateState.STOPPING, 700, 0),  # nothing that goes forward is asked for
    ],
)
def test_a_lease_that_runs_short_is_renewed(state: MandateState, now: int, renewed: int) -> None:
    chain = Chain(state=state)
    chain.time = now

    check_lawful(chain, record())  # type: ignore[arg-type]

    assert chain.renewed == renewed


@pytest.mark.parametrize("keys", [[(True, 1), (False, 1)], [(True, 2)]])
def test_a_key_that_was_revoked_or_rotated_undoes_nothing(keys: list[tuple[bool, int]]) -> None:
    chain = Chain()
    chain.keys = keys

    with pytest.raises(Refused, match="revoked or rotated"):
        check_lawful(chain, record())  # type: ignore[arg-type]


def test_the_way_back_asks_as_seldom_as_the_way_forward() -> None:
    chain, now = Chain(state=MandateState.STOPPING), [100.0]
    denials = UndoDenials(chain, record(), clock=lambda: now[0])  # type: ignore[arg-type]

    for _ in range(3):
        denials()
    assert chain.reads == 1
    chain.changes = {"state": MandateState.STOPPING, "hard": True}
    now[0] += 5.1

    with pytest.raises(Refused, match="even the approved inverse"):
        denials()


# ---- the same, with what is here ----


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Evidence about a run that goes on; a test breaks one thing."""
    found = SimpleNamespace(subject=SUBJECT, chain=Chain(), changes={})
    usual = {
        "granted": MandateState.RUNNING, "denied": MandateState.RUNNING, "running": hash_of(DONE),
        "resumed_run": RUN, "chain_run": RUN, "lease_until": 900, "program": ZERO,
    }  # fmt: skip
    monkeypatch.setattr(
        rollback, "fetch_evidence", lambda *_: evidence(DONE, **(usual | found.changes))
    )
    found.verify = lambda: verify_undo(found.chain, found, record(DONE))
    return found


def test_the_plan_that_is_undone_is_verified_once_more(here: Any) -> None:
    assert here.verify().digest == DONE.digest
    here.changes = {"granted": MandateState.STOPPING, "denied": MandateState.STOPPING}
    assert here.verify().digest == DONE.digest


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"running": ZERO}, 3),
        ({"rules": keccak(b"other")}, 5),
        ({"rules_here": keccak(b"other")}, 5),
        ({"misjudged": "otherwise"}, 5),
        ({"executor_active": False}, 2),
        ({"runner_enrolled": False}, 2),
        ({"config_version": 0}, 2),
        ({"stored": BACK.data}, 4),
        ({"stored": BACK.data, "document_digest": BACK.digest}, 4),
        ({"toolchain": keccak(b"other"), "toolchain_content": {}}, 6),
    ],
)
def test_whatever_held_before_the_run_must_hold_still(
    here: Any, changes: dict[str, Any], step: int
) -> None:
    here.changes = changes

    with pytest.raises(Refused) as refusal:
        here.verify()
    assert refusal.value.step == step


def test_a_program_of_another_stack_is_not_the_former_one(here: Any) -> None:
    here.subject = Subject("backend", "acme", "shop", "dev")

    assert refused(here.verify).field == "subject"


def test_the_chain_is_asked_last_of_all(here: Any) -> None:
    here.chain = Chain(state=MandateState.STOPPING, hard=True)

    assert "even the approved inverse" in refused(here.verify).happened


def test_a_chain_that_is_away_is_no_yes(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any) -> Any:
        raise ChainUnreachable("away")

    monkeypatch.setattr(here.chain, "each_mandate", away)

    with pytest.raises(ChainUnreachable):
        here.verify()
