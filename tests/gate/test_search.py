"""Which plan a bare `pulumi up` means, and what is said where there is none."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.errors import ChainUnreachable, Refused
from pulumi_mandate.gate import search
from pulumi_mandate.gate.evidence import closest
from pulumi_mandate.gate.folder import run_folder
from pulumi_mandate.gate.prepare import Here
from pulumi_mandate.gate.search import choose, look_for_run, open_runs, positions
from pulumi_mandate.models import ZERO, MandateState, Tier, keccak, subject_hash
from pulumi_mandate.plan.program import ProgramDigest
from pulumi_mandate.plan.toolchain import Toolchain
from tests.gate.cases import (
    DOMAIN,
    EXECUTOR,
    KEY,
    PROGRAM,
    RULES,
    RUN,
    RUNNER,
    SUBJECT,
    TOOLCHAIN,
    document,
    hash_of,
    operation,
    record,
)


class World:
    """Chain, registry and store in memory; plans are published, and have states."""

    domain = DOMAIN
    executor_key = SimpleNamespace(address=EXECUTOR)
    runner_key = SimpleNamespace(address=RUNNER)

    def __init__(self) -> None:
        self.states: dict[bytes, MandateState] = {}
        self.runs: dict[bytes, bytes] = {}
        self.order: list[bytes] = []
        self.kept: dict[bytes, bytes] = {}
        self.links: dict[bytes, bytes] = {}
        self.busy: bytes | None = None
        self.client = self.registry = self.store = self
        self.final = SimpleNamespace(timestamp=500)

    def publish(self, plan: Any, state=MandateState.APPROVED, stored=True) -> bytes:
        found = hash_of(plan)
        self.states[found] = state
        self.order.append(found)
        if stored:
            self.kept[plan.digest] = plan.data
            self.links[found] = plan.digest
        return found

    # chain
    def final_block(self):
        return self.final

    def now(self):
        return 501

    def logs(self, contract, event, until=None):
        assert (contract, event, until) == ("registry", "Approved", self.final)
        return [SimpleNamespace(arguments={"planHash": found}) for found in self.order]

    def call_each(self, *_):
        return [(True, 1)]

    # registry
    def mandate(self, found, _at=None):
        plan_tier = Tier.HIGH
        return SimpleNamespace(
            state=self.states.get(found, MandateState.NONE), tier=plan_tier, expires_at=2000,
            run_id=self.runs.get(found, ZERO), lease_until=900,
        )  # fmt: skip

    def denial(self, found):
        return None

    def subject_config(self, subject, _at=None):
        assert subject == subject_hash(SUBJECT)
        return SimpleNamespace(
            version=1, rules=RULES.digest, runners=[RUNNER.upper()], secret_key_id=KEY.id,
            backend=keccak(SUBJECT.backend.encode()),
        )  # fmt: skip

    def executor(self, *_):
        return SimpleNamespace(active=True, epoch=1)

    def running(self, _subject):
        return self.busy

    # store
    def document_of(self, found):
        return self.links.get(found)

    def get(self, digest):
        if digest not in self.kept:
            raise Refused(4, "not in the store")
        return self.kept[digest]


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(search, "newest_of", lambda machine, subject: None)
    return World()


HERE = Here(
    SUBJECT,
    PROGRAM,
    Toolchain(TOOLCHAIN, {}),
    RULES,
)
HELLO, OTHER = document(operation("a")), document(operation("b"))


def test_the_approved_plans_of_this_stack_are_candidates_newest_first(world):
    elsewhere = {"backend": "backend", "organisation": "acme", "project": "shop", "stack": "dev"}
    world.publish(HELLO)
    world.publish(document(operation("c"), subject=elsewhere))
    world.publish(OTHER)

    found = choose(world, HERE, None).standing(HELLO)

    assert [candidate.document for candidate in found] == [OTHER, HELLO]


def test_the_one_that_differs_least_is_meant(world):
    world.publish(HELLO)
    world.publish(OTHER)
    candidates = choose(world, HERE, None).standing(HELLO)

    best, differences = closest(candidates, HELLO)
    assert (best.document, differences) == (HELLO, [])
    best, differences = closest(candidates, document(operation("a"), operation("c")))
    assert best.document == HELLO
    assert differences


def test_spent_plans_are_no_candidates_beside_live_ones(world):
    world.publish(OTHER, MandateState.UNCONFIRMED)
    world.publish(HELLO)

    assert [c.document for c in choose(world, HERE, None).standing(HELLO)] == [HELLO]


def test_with_spent_plans_only_the_newest_says_why(world):
    world.publish(OTHER, MandateState.REVOKED)
    world.publish(HELLO, MandateState.UNCONFIRMED)

    with pytest.raises(Refused, match="unconfirmed") as refusal:
        choose(world, HERE, None).standing(HELLO)
    assert refusal.value.step == 3


def test_without_any_plan_the_newest_proposal_is_told(world, monkeypatch):
    with pytest.raises(Refused, match=r"no mandate.*wants 1 operation$") as refusal:
        choose(world, HERE, None).standing(HELLO)
    assert refusal.value.next_step == "mandate propose"

    standing = SimpleNamespace(sentence="proposal 7: voting", next_command="mandate vote 7")
    monkeypatch.setattr(search, "newest_of", lambda machine, subject: standing)
    with pytest.raises(Refused, match="wants 2 operations") as refusal:
        choose(world, HERE, None).standing(document(operation("a"), operation("b")))
    assert refusal.value.meaning == "proposal 7: voting"
    assert refusal.value.next_step == "mandate vote 7"


def test_not_being_able_to_tell_is_no_reason_to_say_yes(world, monkeypatch):
    def away(machine, subject):
        raise ChainUnreachable("away")

    monkeypatch.setattr(search, "newest_of", away)
    with pytest.raises(Refused) as refusal:
        choose(world, HERE, None).standing(HELLO)
    assert refusal.value.meaning == "away"


def test_an_approved_plan_without_its_document_is_named(world):
    world.publish(HELLO, stored=False)

    with pytest.raises(Refused, match="is not in the store") as refusal:
        choose(world, HERE, None).standing(HELLO)
    assert refusal.value.step == 4


def test_a_damaged_document_is_named(world):
    world.publish(HELLO)
    world.kept[HELLO.digest] = b"{}"

    with pytest.raises(Refused) as refusal:
        choose(world, HERE, None).standing(HELLO)
    assert refusal.value.step == 4


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({"program": ProgramDigest(keccak(b"edited"), ())}, 6),
        ({"toolchain": Toolchain({**TOOLCHAIN, "engine": "v9"}, {})}, 6),
        ({"rules": dataclasses.replace(RULES, digest=keccak(b"easier"))}, 5),
    ],
)
def test_a_machine_that_differs_is_refused(world, change, step):
    world.publish(HELLO)

    with pytest.raises(Refused) as refusal:
        choose(world, dataclasses.replace(HERE, **change), None).standing(HELLO)
    assert refusal.value.step == step


# -- runs that were cut off -----------------------------------------------------------------


@pytest.fixture
def cut_off(world, monkeypatch, tmp_path):
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path))
    found = world.publish(HELLO, MandateState.RUNNING)
    world.busy, world.runs[found] = found, RUN
    folder = run_folder(RUN)
    folder.write_record(record(HELLO))
    return folder


def test_no_run_is_nothing_to_repair(world):
    assert look_for_run(world, SUBJECT, lambda _: None) is None


@pytest.mark.parametrize(("status", "resumed"), [("open", True), ("completed", False)])
def test_a_run_of_ours_is_finished_or_given_back(world, cut_off, monkeypatch, status, resumed):
    monkeypatch.setattr(search, "finish_run", lambda *_, **__: {"status": status})

    found = look_for_run(world, SUBJECT, lambda _: None)

    assert found == (cut_off if resumed else None)


def test_a_run_that_is_not_healthy_is_left_to_who_may_start_an_engine(world, cut_off, monkeypatch):
    """Below an engine that holds the stack's lock nobody rolls back."""

    def finish(folder, machine, *, progress, undo):
        return undo(folder, machine, None, ["not healthy"], give_up=False, say=progress)

    monkeypatch.setattr(search, "finish_run", finish)

    with pytest.raises(Refused, match="not healthy") as refusal:
        look_for_run(world, SUBJECT, lambda _: None)
    assert (refusal.value.step, refusal.value.next_step) == (12, "mandate resume")


def test_a_run_of_another_machine_is_left_alone(world, cut_off):
    (cut_off.path / "run.json").unlink()

    with pytest.raises(Refused, match="another plan runs"):
        look_for_run(world, SUBJECT, lambda _: None)


def test_a_resumed_run_has_one_candidate(world, cut_off):
    world.publish(OTHER)

    found = choose(world, HERE, cut_off).standing(HELLO)

    assert [candidate.document for candidate in found] == [HELLO]
    assert found[0].evidence.resuming


def test_open_runs_are_those_the_chain_calls_open(world, cut_off):
    assert open_runs(world) == [cut_off]
    world.states[hash_of(HELLO)] = MandateState.UNCONFIRMED
    assert open_runs(world) == []


def test_the_rest_of_a_run_is_found_in_the_plan():
    plan = document(operation("a"), operation("b"), operation("c", "delete"))
    rest = document(operation("b", "update"), operation("c", "delete"))

    assert positions(plan, rest) == [1, 2]
