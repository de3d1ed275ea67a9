"""What became of a run: complete, failed, or open to be resumed."""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.cli._runs import unfinished_runs
from pulumi_mandate.errors import (
    ChainError,
    ChainUnreachable,
    ContractRefused,
    PartlyApplied,
    Refused,
)
from pulumi_mandate.gate import state
from pulumi_mandate.gate.closing import (
    COMPLETED,
    FAILED,
    NOT_BEGUN,
    OPEN,
    finish_run,
    judge_run,
    program_of,
    raise_unless_complete,
)
from pulumi_mandate.gate.engine_hooks import HOOK_NAMES
from pulumi_mandate.gate.folder import RunFolder
from pulumi_mandate.gate.journal import ALLOWED, LATCHED, REFUSED, Entry
from pulumi_mandate.gate.state import resource_digests, update_succeeded
from pulumi_mandate.models import ZERO, MandateState, OutcomeKind, digest, keccak, to_hex
from pulumi_mandate.plan.markers import unknown
from pulumi_mandate.plan.program import program_digest
from pulumi_mandate.plan.receipt import DONE, NOT_DONE, Receipt
from tests.gate.cases import (
    DOMAIN,
    EXECUTOR,
    RUN,
    STACK,
    deployment,
    document,
    operation,
    record,
    resource,
    urn,
    values_of,
)

PLAN = document(operation("a"), operation("b", "delete"))
BEFORE = deployment(resource("b", "old"))
AFTER = deployment(resource("a"))
ASKED = [Entry(ALLOWED, "create", urn("a"), 0), Entry(ALLOWED, "delete", urn("b"), 1)]


def judge(  # everything that decides, each with its usual value
    after: Any = AFTER,
    entries=ASKED,
    before: Any = BEFORE,
    plan=PLAN,
    *,
    give_up=False,
    succeeded=False,
):
    began = record(plan, before=resource_digests(before, values_of))
    return judge_run(
        began, plan, entries, after, values_of, give_up=give_up, succeeded=lambda: succeeded
    )


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


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ([resource("a")], COMPLETED),
        ([resource("a"), resource("a", "old", delete=True)], OPEN),
        ([resource("a", "old")], OPEN),
        ([], OPEN),
    ],
    ids=["replaced", "old copy left", "not replaced", "only deleted"],
)
def test_a_replacement_may_have_the_id_of_what_it_replaced(after, status):
    """A bucket is named by its id: deleted first, it comes back under the same one."""
    plan = document(
        operation("a", "create-replacement", id=None), operation("a", "delete-replaced")
    )
    asked = [Entry(ALLOWED, moment, urn("a"), 0) for moment in ("create", "delete")]

    ending = judge(deployment(*after), asked, deployment(resource("a", "old")), plan)

    assert ending.status == status


def test_unknowns_are_in_the_receipt():
    plan = document(operation("a", after={"inputs": {"text": unknown()}}))
    entry = Entry(ALLOWED, "create", urn("a"), 0, resolved=((".text", to_hex(keccak(b"v"))),))

    ending = judge(AFTER, [entry], deployment(), plan)

    assert ending.status == COMPLETED
    assert ending.receipt.results[0].resolved == ((".text", keccak(b"v")),)


HOOKS = {f"Before{moment.capitalize()}": [name] for moment, name in HOOK_NAMES.items()}
VAGUE = document(operation("a", "update", after={"inputs": {"text": unknown()}}))
UPDATED = [Entry(ALLOWED, "update", urn("a"), 0)]


def options(**more: Any) -> dict[str, Any]:
    return {"before": {"parent": STACK}, "after": {"parent": STACK} | more}


@pytest.mark.parametrize(
    ("entries", "after", "succeeded", "status"),
    [
        ([], "old", False, OPEN),  # nothing happened: the old value fits an unknown as well
        (UPDATED, "old", False, OPEN),  # asked, and then the provider failed
        (UPDATED, "new", False, COMPLETED),
        ([], "old", True, COMPLETED),  # the unknown became what it was, so the engine asked nobody
        ([], "new", True, FAILED),
    ],
)
def test_an_update_that_waits_for_an_unknown_is_not_done_by_its_old_value(
    entries, after, succeeded, status
):
    before = deployment(resource("a", "old"))
    found = judge(deployment(resource("a", after)), entries, before, VAGUE, succeeded=succeeded)

    assert found.status == status


def test_what_the_state_showed_before_anyway_needs_its_hook():
    plan = document(operation("a", "update"))

    assert judge(AFTER, [], AFTER, plan).status == OPEN
    assert judge(AFTER, UPDATED, AFTER, plan).status == COMPLETED


def test_an_earlier_attempt_of_a_resumed_run_counts():
    """The rest of a create that was cut off comes back as an update, under the same URN."""
    plan = document(operation("a"))
    entries = [Entry(ALLOWED, "create", urn("a"), 0), Entry(ALLOWED, "update", urn("a"), 0)]

    assert judge(AFTER, entries, deployment(), plan).status == COMPLETED
    assert judge(AFTER, entries[1:], deployment(), plan).status == OPEN


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ({"options": options(protect=True)}, {"protect": True}),
        ({"options": options(retainOnDelete=True)}, {"retainOnDelete": True}),
        ({"options": options(resourceHooks=HOOKS)}, {"resourceHooks": HOOKS}),
        (
            {"provider": {"before": None, "after": {"urn": "urn:q", "id": unknown()}}},
            {"provider": "urn:q::1"},
        ),
        ({"options": {"before": {"parent": "urn:x"}, "after": {"parent": "urn:x"}}},
         {"parent": "urn:x"}),
        ({"dependencies": {"before": [], "after": ["urn:b", "urn:c"]}},
         {"dependencies": ["urn:c", "urn:b"]}),
    ],
)  # fmt: skip
def test_a_change_without_a_hook_is_done_when_the_state_has_all_of_it(wanted, reached):
    plan = document(operation("a", "metadata", **wanted))
    before = deployment(resource("a"))

    assert judge(before, [], before, plan).status == OPEN
    assert judge(deployment(resource("a", **reached)), [], before, plan).status == COMPLETED


@pytest.mark.parametrize(
    "changed",
    [
        {"resourceHooks": {}}, {"resourceHooks": HOOKS | {"BeforeDelete": []}},
        {"resourceHooks": HOOKS, "deletedWith": "urn:x"}, {"resourceHooks": HOOKS, "taint": True},
        {"resourceHooks": HOOKS, "dependencies": ["urn:x"]},
        {"resourceHooks": HOOKS, "aliases": ["urn:x"]},
    ],
)  # fmt: skip
def test_options_that_change_unasked_fail_the_run(changed):
    """Without its hooks a resource could be deleted tomorrow and nobody would be asked."""
    before = deployment(resource("b", "old"), resource("c", resourceHooks=HOOKS))

    same = deployment(resource("a"), resource("c", resourceHooks=HOOKS, aliases=[], protect=False))
    assert judge(same, before=before).status == COMPLETED
    after = deployment(resource("a"), resource("c", **changed))
    assert judge(after, before=before).status == FAILED


def test_an_approved_create_that_loses_a_hook_fails_the_run():
    plan = document(operation("a", options={"before": None, "after": {"resourceHooks": HOOKS}}))
    lost = resource("a", resourceHooks=HOOKS | {"BeforeDelete": []})

    kept = deployment(resource("a", resourceHooks=HOOKS))
    assert judge(kept, ASKED[:1], deployment(), plan).status == COMPLETED
    ending = judge(deployment(lost), ASKED[:1], deployment(), plan)
    assert (ending.status, "hooks" in ending.reasons[0]) == (FAILED, True)


@pytest.mark.parametrize(
    "given",
    [{"deletedWith": "urn:x"}, {"ignoreChanges": ["text"]}, {"customTimeouts": {"delete": 1}},
     {"aliases": ["urn:x"]}],
    ids=repr,
)  # fmt: skip
def test_an_approved_create_under_another_option_fails_the_run(given):
    """No hook is told of these, and the engine keeps them for the next time."""
    plan = document(operation("a", options=options(**given) | {"before": None}))
    made, bare = deployment(resource("a", **given)), deployment(resource("a"))

    assert judge(made, ASKED[:1], deployment(), plan).status == COMPLETED
    for wanted, found in ((plan, bare), (document(operation("a")), made)):
        ending = judge(found, ASKED[:1], deployment(), wanted)
        reason = f"{urn('a')} was given another {next(iter(given))} than was approved"
        assert (ending.status, ending.reasons) == (FAILED, (reason,))


def test_what_a_read_resource_answers_may_drift():
    before = deployment(resource("b", "old"), resource("c", external=True))
    drifted = resource("c", external=True, outputs={"text": "drifted"})

    assert judge(deployment(resource("a"), drifted), before=before).status == COMPLETED
    other = resource("c", external=True, id="another")
    assert judge(deployment(resource("a"), other), before=before).status == FAILED


def test_only_a_resource_older_than_the_gate_is_deleted_unasked():
    assert judge(entries=ASKED[:1]).status == COMPLETED

    hooked = {"before": {"parent": STACK, "resourceHooks": HOOKS}, "after": None}
    plan = document(operation("a"), operation("b", "delete", options=hooked))
    assert judge(entries=ASKED[:1], plan=plan).status == FAILED
    assert judge(plan=plan).status == COMPLETED


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
        return self.after, values_of

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
    found.write_record(record(PLAN, before=resource_digests(BEFORE, values_of)))
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


def test_a_begin_that_may_still_be_mined_is_no_result(folder):
    machine = Machine(BEFORE, MandateState.APPROVED, ZERO)

    with pytest.raises(ChainError, match="may still be mined"):
        finish_run(folder, machine, begin_may_come=lambda _: True)
    assert folder.result() is None
    # Settled too early by a person, and begun after all: the chain decides.
    assert finish_run(folder, machine)["status"] == NOT_BEGUN
    begun = Machine(AFTER)
    assert finish_run(folder, begun)["status"] == COMPLETED


@pytest.fixture
def program(folder, tmp_path):
    """The folder of a program whose digest is the one in the plan of a complete run."""
    root = tmp_path / "program"
    root.mkdir()
    (root / "__main__.py").write_text("import pulumi")
    approved = program_digest(root, folder.record().stack).part(None)
    plan = document(*PLAN.operations, program=approved)
    folder.write_record(
        dataclasses.replace(folder.record(), document=plan.digest, workdir=str(root))
    )
    machine = Machine(AFTER)
    machine.kept[plan.digest] = plan.data
    return SimpleNamespace(root=root, machine=machine, approved=approved["digest"])


@pytest.mark.parametrize("name", ["__main__.py", "Pulumi.other.yaml"])
def test_a_program_that_changed_while_it_ran_fails_the_run(folder, program, name):
    own = folder.record().stack.rpartition("/")[2]
    (program.root / f"Pulumi.{own}.yaml").write_text("config: {}")
    assert program_of(folder.record()) == program.approved
    (program.root / name).write_text("import evil")

    result = finish_run(folder, program.machine, program_seen=program_of(folder.record()))

    assert (result["status"], result["reasons"]) == (FAILED, ["the program changed while it ran"])
    assert program.machine.state is MandateState.FAILED


@pytest.mark.parametrize("seen", [True, False])
def test_an_untouched_program_completes(folder, program, seen):
    told = program.approved if seen else None

    result = finish_run(folder, program.machine, program_seen=told)

    assert (result["status"], result["reasons"]) == (COMPLETED, [])


def test_who_finishes_later_reports_an_edit_and_does_not_fail_for_it(folder, program):
    (program.root / "__main__.py").write_text("import pulumi  # next change")

    result = finish_run(folder, program.machine)

    assert result["status"] == COMPLETED
    assert "not known" in result["reasons"][0]


def test_a_program_that_cannot_be_read_is_another_one(folder):
    assert program_of(dataclasses.replace(folder.record(), workdir="/nonexistent")) == ""


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
