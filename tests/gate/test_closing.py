"""What became of a run is said on chain: once, and by whoever finds it out."""

from __future__ import annotations

import dataclasses
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.cli._runs import unfinished_runs
from pulumi_mandate.errors import (
    ChainError,
    ChainUnreachable,
    ContractRefused,
    PartlyApplied,
    Refused,
)
from pulumi_mandate.gate import closing, state
from pulumi_mandate.gate.closing import (
    NOT_BEGUN,
    finish_alone,
    finish_run,
    raise_unless_complete,
)
from pulumi_mandate.gate.folder import SubjectLock
from pulumi_mandate.gate.journal import REFUSED, Entry
from pulumi_mandate.gate.judging import COMPLETED, FAILED, OPEN
from pulumi_mandate.gate.state import update_succeeded
from pulumi_mandate.gate.undoing import Undone
from pulumi_mandate.models import ZERO, MandateState, OutcomeKind, digest, keccak, to_hex
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.receipt import DONE, UNDONE, Receipt
from tests.gate.a_run import AFTER, BEFORE, PLAN, Machine, left_by_the_run
from tests.gate.cases import (
    RUN,
    SUBJECT,
    document,
    operation,
    urn,
)


@pytest.fixture
def folder(tmp_path):
    return left_by_the_run(tmp_path / "run")


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


RULE = {"id": "any", "reason": "a test", "tier": "medium"}


@pytest.fixture
def asked(monkeypatch):
    """Whose health was asked about, and what is wrong with it."""
    found = SimpleNamespace(checks=[], wrong=[])

    def ask(rules, content):
        found.checks += [(choice.id, content["kind"]) for choice in rules.health]
        return found.wrong

    monkeypatch.setattr(closing, "unhealthy", ask)
    return found


class WayBack:
    """What is called where a run is not healthy, and says what the test wants."""

    def __init__(self, status="failed", urns=(), then="mandate propose"):
        self.undone = Undone(status, "what became of it", frozenset(urns), then)
        self.called = []

    def __call__(self, folder, machine, document, wrong, *, give_up, say):
        self.called.append((document.digest, list(wrong), give_up))
        return self.undone


def watched(folder, after=AFTER, **changes):
    """A machine, and a run whose rules ask about health afterwards."""
    front = {"id": "front", "subjects": [str(SUBJECT)]}
    chosen = Rules.of({"version": 1, "rule": [RULE], "health": [front, {"id": "b"} | changes]})
    plan = document(*PLAN.operations, rules=to_hex(chosen.digest))
    folder.write_record(dataclasses.replace(folder.record(), document=plan.digest))
    machine = Machine(after)
    machine.kept |= {plan.digest: plan.data, chosen.digest: chosen.data}
    return machine


def test_a_run_that_is_not_healthy_is_no_complete_one(folder, asked):
    machine, said = watched(folder, subjects=["another/*/*"]), []
    asked.wrong = ["not healthy: front: the answer is 503, not 200"]

    back = WayBack()
    result = finish_run(folder, machine, progress=said.append, undo=back)

    assert (result["status"], result["undo"]) == (FAILED, "failed")
    assert result["reasons"] == [*asked.wrong, "what became of it"]
    assert back.called == [(folder.record().document, asked.wrong, False)]
    assert machine.state is MandateState.FAILED
    assert asked.checks == [("front", "up")]
    assert "asking whether it is healthy: front" in said
    # again: the chain has it already, and nobody is asked any more
    assert finish_run(folder, machine, undo=back)["status"] == FAILED
    assert len(asked.checks) == len(machine.said) == len(back.called) == 1


def test_a_healthy_run_is_complete(folder, asked):
    assert finish_run(folder, watched(folder))["status"] == COMPLETED
    assert [name for name, _ in asked.checks] == ["b", "front"]


def test_a_run_that_is_not_complete_anyway_is_not_asked(folder, asked):
    assert finish_run(folder, watched(folder, BEFORE))["status"] == OPEN
    assert finish_run(folder, watched(folder, BEFORE), give_up=True)["status"] == FAILED
    assert asked.checks == []


def test_who_was_killed_while_he_asked_asks_again(folder, asked, monkeypatch):
    machine = watched(folder)
    with monkeypatch.context() as patched:
        patched.setattr(closing, "unhealthy", lambda *_: sys.exit(9))
        with pytest.raises(SystemExit):
            finish_run(folder, machine)
    assert (folder.result(), machine.said) == (None, [])

    asked.wrong = ["not healthy: front: nobody answers"]

    assert finish_run(folder, machine, undo=WayBack())["status"] == FAILED


def outcomes(machine, result):
    stored = machine.kept[machine.links[digest(result["receiptRoot"])]]
    return [one.outcome for one in Receipt.load(stored).results]


def test_what_was_undone_is_so_in_the_receipt(folder, asked):
    asked.wrong = ["not healthy: front: nobody answers"]
    machine = watched(folder)
    result = finish_run(folder, machine, undo=WayBack())
    state_before = result["postState"]
    assert outcomes(machine, result) == [DONE, DONE]

    machine = watched(folder)

    def back(*given, **told):
        machine.after = BEFORE
        return WayBack("completed", [urn("a"), urn("b")])(*given, **told)

    result = finish_run(folder, machine, undo=back)

    assert (result["status"], result["undo"]) == (FAILED, "completed")
    assert outcomes(machine, result) == [UNDONE, UNDONE]
    assert result["postState"] != state_before
    assert machine.said[0].kind is OutcomeKind.FAILED


def test_a_way_back_that_is_cut_off_leaves_the_run_open(folder, asked):
    asked.wrong = ["not healthy: front: nobody answers"]
    machine = watched(folder)

    result = finish_run(folder, machine, undo=WayBack("open", [urn("a")], "mandate resume"))

    assert (result["status"], machine.said) == (OPEN, [])
    with pytest.raises(PartlyApplied) as partly:
        raise_unless_complete(result)
    assert partly.value.next_step == "mandate resume"


def begin_back(folder):
    back = document(operation("a", "delete", before={"inputs": {"text": "new"}}))
    about = dataclasses.replace(folder.record(), document=back.digest)
    folder.undo.write_undo(back, ["not healthy: front: nobody answers"], about)


@pytest.mark.parametrize("after", [AFTER, BEFORE])
def test_a_run_whose_way_back_has_begun_is_complete_no_more(folder, asked, after):
    """However healthy it is by now, and whatever the state looks like."""
    machine, back = watched(folder, after), WayBack("completed", [urn("a")])
    begin_back(folder)

    result = finish_run(folder, machine, undo=back)

    assert result["status"] == FAILED
    assert back.called == [(folder.record().document, folder.undo.reasons(), False)]
    assert asked.checks == []
    assert outcomes(machine, result) == [UNDONE, DONE]


@pytest.mark.parametrize(("over", "give_up"), [(True, False), (False, True)])
def test_a_way_back_that_nobody_may_go_on_with_is_told_so(folder, asked, over, give_up):
    machine, back = watched(folder), WayBack()
    machine.is_over = over
    begin_back(folder)

    finish_run(folder, machine, undo=back, give_up=give_up)

    assert back.called[0][2] is True


def test_nothing_is_said_while_the_engine_of_the_way_back_works(folder, asked):
    machine = watched(folder)
    begin_back(folder)
    pid = os.getpid()
    started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    record_ = dataclasses.replace(folder.undo.record(), engine_pid=pid, engine_started=started)
    folder.undo.write_record(record_)

    with pytest.raises(Refused, match="still works"):
        finish_run(folder, machine, undo=WayBack())


@pytest.mark.parametrize("asks", [True, False])
def test_who_finishes_by_himself_holds_the_lock_while_somebody_is_asked(
    folder, asked, asks, monkeypatch
):
    machine = watched(folder) if asks else Machine(AFTER)
    held = []

    class Lock:
        def __init__(self, subject):
            held.append(subject)

        def take(self, *, progress):
            held.append(progress)

        def release(self):
            held.append(folder.result()["status"])

    monkeypatch.setattr(closing, "SubjectLock", Lock)

    finish_alone(folder, machine, progress=print)

    assert held == [SUBJECT, print, COMPLETED] if asks else [SUBJECT, COMPLETED]


def test_a_run_that_is_over_needs_no_rules_and_no_lock(folder, asked, monkeypatch):
    machine = watched(folder)
    machine.kept.clear()
    machine.state = MandateState.FAILED
    monkeypatch.setattr(SubjectLock, "take", lambda *_, **__: pytest.fail("taken"))

    assert finish_alone(folder, machine)["status"] == FAILED


def test_rules_that_are_nowhere_are_no_healthy_run(folder, asked):
    """Whoever cannot know what was to be asked must not say that all is well."""
    machine = watched(folder)
    del machine.kept[digest(Document.load(machine.kept[folder.record().document]).content["rules"])]

    with pytest.raises(Refused, match="not in the plan store"):
        finish_run(folder, machine)
    assert (folder.result(), machine.said) == (None, [])


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


def test_a_begin_that_may_still_be_mined_is_no_result(folder):
    machine = Machine(BEFORE, MandateState.APPROVED, ZERO)

    with pytest.raises(ChainError, match="may still be mined"):
        finish_run(folder, machine, begin_may_come=lambda _: True)
    assert folder.result() is None
    # Settled too early by a person, and begun after all: the chain decides.
    assert finish_run(folder, machine)["status"] == NOT_BEGUN
    begun = Machine(AFTER)
    assert finish_run(folder, begun)["status"] == COMPLETED


def test_a_run_that_the_chain_calls_running_is_never_skipped(folder, monkeypatch):
    """Even where this machine had written that it never began."""
    folder.write_result({"status": NOT_BEGUN})
    monkeypatch.setattr("pulumi_mandate.gate.folder.run_folders", lambda: iter([folder]))
    monkeypatch.setattr("pulumi_mandate.gate.search.run_folders", lambda: iter([folder]))

    assert unfinished_runs() == []
    assert unfinished_runs(Machine(AFTER)) == [folder]
    assert unfinished_runs(Machine(AFTER, MandateState.UNCONFIRMED)) == []


@pytest.mark.parametrize(
    ("newest", "good"),
    [
        ({}, True), ({"result": "failed"}, False), ({"kind": "refresh"}, False),
        ({"endTime": "2026-01-02T03:04:04.000Z"}, False), ({"endTime": None}, False),
    ],
)  # fmt: skip
def test_the_engines_own_word_about_its_end(monkeypatch, newest, good):
    told = {"kind": "update", "result": "succeeded", "endTime": "2026-01-02T03:04:05.000Z"}
    monkeypatch.setattr(state, "engine_json", lambda *_: [told | newest])
    since = datetime(2026, 1, 2, 3, 4, 5, 900_000, tzinfo=UTC).timestamp()

    assert update_succeeded(Path(), "dev", since=since) is good
    monkeypatch.setattr(state, "engine_json", lambda *_: [])
    assert update_succeeded(Path(), "dev", since=since) is False


def test_a_run_that_another_one_overtook_never_began(folder):
    machine = Machine(AFTER, run=keccak(b"theirs"))

    assert finish_run(folder, machine)["status"] == NOT_BEGUN
    assert machine.said == []


def test_somebody_elses_run_is_left_alone(folder):
    folder.write_record(dataclasses.replace(folder.record(), transaction="0x" + "11" * 32))

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
