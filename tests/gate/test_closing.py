"""What became of a run: complete, failed, or open to be resumed."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.errors import ChainUnreachable, ContractRefused, PartlyApplied, Refused
from pulumi_mandate.gate.closing import (
    COMPLETED,
    FAILED,
    NOT_BEGUN,
    OPEN,
    finish_run,
    judge_run,
    raise_unless_complete,
)
from pulumi_mandate.gate.folder import RunFolder
from pulumi_mandate.gate.journal import ALLOWED, LATCHED, REFUSED, Entry
from pulumi_mandate.gate.state import resource_digests
from pulumi_mandate.models import ZERO, MandateState, OutcomeKind, digest, keccak, to_hex
from pulumi_mandate.plan.markers import unknown
from pulumi_mandate.plan.receipt import DONE, NOT_DONE, Receipt
from tests.gate.cases import (
    DOMAIN,
    EXECUTOR,
    RUN,
    deployment,
    document,
    inputs_of,
    operation,
    record,
    resource,
    urn,
)

PLAN = document(operation("a"), operation("b", "delete"))
BEFORE = deployment(resource("b", "old"))
AFTER = deployment(resource("a"))
ASKED = [Entry(ALLOWED, "create", urn("a"), 0), Entry(ALLOWED, "delete", urn("b"), 1)]


def judge(after: Any = AFTER, entries=ASKED, before: Any = BEFORE, plan=PLAN, give_up=False):
    began = record(plan, before=resource_digests(before, inputs_of))
    return judge_run(began, plan, entries, after, inputs_of, give_up=give_up)


def test_everything_done_is_complete():
    ending = judge()

    assert (ending.status, ending.reasons) == (COMPLETED, ())
    assert ending.receipt.complete
    assert [r.outcome for r in ending.receipt.results] == [DONE, DONE]


def test_half_done_stays_open_until_somebody_gives_up():
    half = deployment(resource("a"), resource("b", "old"))

    ending = judge(half, ASKED[:1])
    assert ending.status == OPEN
    assert "delete of" in ending.reasons[0]
    assert [r.outcome for r in ending.receipt.results] == [DONE, NOT_DONE]
    assert judge(half, ASKED[:1], give_up=True).status == FAILED


def test_nothing_done_stays_open():
    assert judge(BEFORE, []).status == OPEN


def test_a_change_nobody_asked_about_fails_the_run():
    ending = judge(deployment(resource("a"), resource("c")))

    assert ending.status == FAILED
    assert f"{urn('c')} changed and no check was asked" in ending.reasons


def test_an_approved_change_without_its_hook_fails_the_run():
    assert judge(entries=ASKED[1:]).status == FAILED


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "other"}, {"provider": "urn:p::2"}, {"protect": True}, {"outputs": {"text": "x"}},
        {"parent": "urn:other"}, {"inputs": {"text": "x"}},
    ],
)  # fmt: skip
def test_any_part_of_a_resource_counts_as_change(changed):
    before = deployment(resource("b", "old"), resource("c"))
    after = deployment(resource("a"), resource("c", **changed))

    assert judge(after, before=before).status == FAILED


def test_a_change_that_has_no_hook_is_covered_by_the_plan():
    plan = document(operation("a", "metadata", before={"inputs": {"text": "new"}}))
    before = deployment(resource("a", protect=True))

    assert judge(AFTER, [], before, plan).status == COMPLETED


def test_default_providers_ask_no_hook_but_must_be_in_the_plan():
    kind = "pulumi:providers:aws"
    provider = operation("default_7", urn=urn("default_7", kind), type=kind)
    made = resource("default_7", urn=urn("default_7", kind), type=kind)
    after = deployment(resource("a"), made)
    began = document(operation("a"), operation("b", "delete"), provider)

    assert judge(after, plan=began, entries=ASKED).status == COMPLETED
    assert judge(after).status == FAILED


@pytest.mark.parametrize(("error", "status"), [("Refused", FAILED), ("ChainUnreachable", OPEN)])
def test_a_judgement_fails_and_not_knowing_does_not(error, status):
    entries = [ASKED[0], Entry(REFUSED, "delete", urn("b"), 1, "because", error)]
    entries += [Entry(REFUSED, "delete", urn("x"), -1, "earlier", LATCHED)]
    half = deployment(resource("a"), resource("b", "old"))

    assert judge(half, entries).status == status


@pytest.mark.parametrize(
    "after",
    [
        deployment(resource("a", "evil")),
        deployment(resource("a", type="test:index:Other")),
        deployment(resource("a", delete=True)),
        deployment(resource("a"), pending=(urn("a"),)),
        deployment(resource("a"), resource("b", "old", delete=True)),
        deployment(),
    ],
    ids=["other value", "other type", "old copy", "cut off", "not deleted", "gone"],
)
def test_what_the_state_does_not_show_was_not_done(after):
    assert judge(after).status != COMPLETED


def test_an_update_reached_another_physical_resource():
    plan = document(operation("a", "update"))
    before = deployment(resource("a", "old"))
    asked = [Entry(ALLOWED, "update", urn("a"), 0)]

    assert judge(deployment(resource("a")), asked, before, plan).status == COMPLETED
    assert judge(deployment(resource("a", id="x")), asked, before, plan).status == OPEN


def test_unknowns_are_in_the_receipt():
    plan = document(operation("a", after={"inputs": {"text": unknown()}}))
    entry = Entry(ALLOWED, "create", urn("a"), 0, resolved=((".text", to_hex(keccak(b"v"))),))

    ending = judge(AFTER, [entry], deployment(), plan)

    assert ending.status == COMPLETED
    assert ending.receipt.results[0].resolved == ((".text", keccak(b"v")),)


# -- saying so on chain ---------------------------------------------------------------------


class Machine:
    """A machine whose chain remembers what was stated."""

    domain = DOMAIN

    def __init__(self, after: Any, state=MandateState.RUNNING, run=RUN) -> None:
        self.after, self.state, self.run, self.is_over = after, state, run, False
        self.said: list[Any] = []
        self.kept: dict[bytes, bytes] = {PLAN.digest: PLAN.data}
        self.links: dict[bytes, bytes] = {}
        self.registry = self.store = self

    def mandate(self, _):
        return SimpleNamespace(run_id=self.run, state=self.state)

    def get(self, key):
        return self.kept[key]

    def put(self, data):
        self.kept[keccak(data)] = data
        return keccak(data)

    def link(self, key, value):
        self.links[key] = value

    def final_state(self, _):
        return self.after, inputs_of

    def lease_over(self, _):
        return self.is_over

    def key_epoch(self):
        return 3

    def executor(self):
        return SimpleNamespace(address=EXECUTOR, sign_outcome=lambda domain, outcome: b"s" * 65)

    def runner(self):
        return "runner"

    def close(self, plan, outcome, signature, account):
        assert outcome.receipt_root in self.links  # the receipt lies there before its root is said
        self.said.append(outcome)
        completed = outcome.kind is OutcomeKind.COMPLETED
        self.state = MandateState.UNCONFIRMED if completed else MandateState.FAILED
        return SimpleNamespace(transaction=keccak(b"transaction"))


@pytest.fixture
def folder(tmp_path):
    found = RunFolder(tmp_path / "run")
    found.write_record(record(PLAN, before=resource_digests(BEFORE, inputs_of)))
    for entry in ASKED:
        found.journal.append(entry)
    return found


def test_a_complete_run_is_stated_once(folder):
    machine = Machine(AFTER)

    result = finish_run(folder, machine)

    assert result["status"] == COMPLETED == folder.result()["status"]
    assert [o.kind for o in machine.said] == [OutcomeKind.COMPLETED]
    assert (machine.said[0].run_id, machine.said[0].key_epoch) == (RUN, 3)
    stored = machine.kept[machine.links[digest(result["receiptRoot"])]]
    assert Receipt.load(stored).root == machine.said[0].receipt_root
    # again: the chain has it already
    again = finish_run(folder, machine)
    assert again == result
    assert len(machine.said) == 1


def test_a_failed_run_is_stated_as_failed(folder):
    folder.journal.append(Entry(REFUSED, "create", urn("x"), -1, "not approved", "Refused"))
    machine = Machine(AFTER)

    result = finish_run(folder, machine)

    assert result["status"] == FAILED
    assert machine.state is MandateState.FAILED
    with pytest.raises(PartlyApplied, match="not approved"):
        raise_unless_complete(result)


def test_an_open_run_is_left_to_be_resumed(folder):
    machine = Machine(BEFORE)

    result = finish_run(folder, machine)

    assert (result["status"], machine.said) == (OPEN, [])
    with pytest.raises(PartlyApplied) as partly:
        raise_unless_complete(result)
    assert partly.value.next_step == "pulumi up"


def test_after_the_lease_a_half_done_run_is_failed(folder):
    machine = Machine(BEFORE)
    machine.is_over = True

    assert finish_run(folder, machine)["status"] == FAILED


def test_a_revoked_run_that_is_half_done_is_failed(folder):
    """Nothing may go forward any more, so there is nothing to wait for."""
    assert finish_run(folder, Machine(BEFORE, MandateState.STOPPING))["status"] == FAILED
    assert finish_run(folder, Machine(AFTER, MandateState.STOPPING))["status"] == COMPLETED


def test_two_who_finish_at_once_say_it_once(folder):
    machine = Machine(AFTER)
    first = machine.close

    def late(*said):
        first(*said)
        raise ContractRefused("the plan is not running any more")

    machine.close = late

    assert finish_run(folder, machine)["status"] == COMPLETED


def test_a_registry_that_refuses_an_open_run_is_an_error(folder):
    machine = Machine(AFTER)

    def refuse(*_):
        raise ContractRefused("the executor is not active")

    machine.close = refuse

    with pytest.raises(ContractRefused):
        finish_run(folder, machine)
    assert folder.result() is None


def test_giving_up_fails_it(folder):
    assert finish_run(folder, Machine(BEFORE), give_up=True)["status"] == FAILED


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (MandateState.UNCONFIRMED, COMPLETED), (MandateState.CONFIRMED, COMPLETED),
        (MandateState.FAILED, FAILED), (MandateState.ABANDONED, FAILED),
    ],
)  # fmt: skip
def test_what_the_chain_says_already_is_success(folder, state, status):
    machine = Machine(AFTER, state)

    assert finish_run(folder, machine)["status"] == status
    assert machine.said == []


def test_an_order_that_never_reached_the_chain_is_not_begun(folder):
    result = finish_run(folder, Machine(BEFORE, MandateState.APPROVED, ZERO))

    assert result["status"] == NOT_BEGUN
    raise_unless_complete(result)


def test_somebody_elses_run_is_left_alone(folder):
    with pytest.raises(Refused, match="another run"):
        finish_run(folder, Machine(AFTER, run=keccak(b"theirs")))


def test_nothing_is_said_while_the_engine_works(folder):
    pid = os.getpid()
    started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    folder.write_record(
        dataclasses.replace(folder.record(), engine_pid=pid, engine_started=started)
    )

    with pytest.raises(Refused, match="still works"):
        finish_run(folder, Machine(AFTER))


def test_a_chain_that_is_away_leaves_everything_as_it_was(folder):
    machine = Machine(AFTER)
    machine.close = lambda *_: (_ for _ in ()).throw(ChainUnreachable("away"))

    with pytest.raises(ChainUnreachable):
        finish_run(folder, machine)
    assert folder.result() is None
