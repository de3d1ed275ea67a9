"""Joining a run that `mandate up` began: by the very process that became the engine, once, and with
every step taken anew that needs no preview."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace

import pytest
from pulumi.runtime import config as pulumi_config

from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.gate import joining
from pulumi_mandate.gate.ancestor import Engine
from pulumi_mandate.gate.evidence import Candidate
from pulumi_mandate.gate.folder import run_begun_for, run_folder
from pulumi_mandate.gate.joining import check_running_config, join_run
from pulumi_mandate.gate.rollback import Former
from pulumi_mandate.gate.run import Place
from pulumi_mandate.models import Subject, keccak
from pulumi_mandate.plan.build import config_part
from pulumi_mandate.plan.raw import KEY_NAME
from tests.gate.cases import (
    KEY,
    RUN,
    SUBJECT,
    call,
    document,
    evidence,
    hash_of,
    operation,
    record,
)
from tests.plan.samples import program

ENGINE = Engine(7, 1, "/bin/pulumi", ("pulumi", "up"), {})
KEYED = {KEY_NAME: {"value": (b"k" * 32).hex(), "secret": True}}


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def mine(**changes):
    told = {"engine_pid": 7, "engine_started": 1, "workdir": "/program", "trust": "/trust.toml"}
    return record(**(told | changes))


def begun(home, name=b"run", **changes):
    folder = run_folder(keccak(name), home)
    folder.write_record(mine(**changes))
    return folder


def test_only_the_process_that_began_a_run_has_one_to_join(home):
    assert run_begun_for(ENGINE) is None
    first = begun(home)
    begun(home, b"later", engine_started=2)  # the same pid, given to another process since
    begun(home, b"other", engine_pid=8)
    (begun(home, b"broken").path / "run.json").write_text("{")

    assert run_begun_for(ENGINE) == first
    assert run_begun_for(Engine(9, 1, "/bin/pulumi", (), {})) is None


@pytest.fixture
def gate(monkeypatch, home):
    """A run begun for `ENGINE`; each test breaks one thing of what joining it finds."""
    plan = document(operation("a"), operation("b"), config=config_part(KEYED, KEY))
    found = SimpleNamespace(
        plan=plan,
        candidate=Candidate(hash_of(plan), evidence(plan), plan, None),
        folder=begun(home),
        machine=SimpleNamespace(path=Path("/trust.toml"), trust=None, rules_of=None),
        place=Place(SUBJECT, "prod", Path("/program"), ENGINE, None),
        begun=[],
        program=lambda _: None,
        denied=lambda: None,
    )
    here = SimpleNamespace(subject=SUBJECT, toolchain=SimpleNamespace(modules={}))
    for name, made in {
        "look_here": lambda *_, **__: here,
        "choose": lambda *_: SimpleNamespace(found=[found.candidate]),
        "check_begun": lambda _, about: found.begun.append(about),
        "check_program_still": lambda *where: found.program(where),
        "Denials": lambda *_: found.denied,
    }.items():
        monkeypatch.setattr(joining, name, made)
    running = {name: entry["value"] for name, entry in KEYED.items()}
    for name, value in (("CONFIG", running), ("_SECRET_KEYS", {KEY_NAME})):
        variable = ContextVar(name)
        variable.set(value)
        monkeypatch.setattr(pulumi_config, name, variable)
    found.join = lambda **changes: join_run(found.machine, found.place, {}, found.folder, **changes)
    return found


def test_a_joined_run_does_what_was_approved_and_each_operation_once(gate):
    judge = gate.join()

    assert gate.begun == [gate.folder.record()]
    judge(call("a"))
    with pytest.raises(Refused):
        judge(call("a"))


def test_what_was_not_approved_is_refused(gate):
    judge = gate.join()

    with pytest.raises(Refused) as refusal:
        judge(call("c"))
    assert refusal.value.step == 10


def test_a_run_is_joined_once(gate):
    gate.join()

    with pytest.raises(Refused, match="joined the run already"):
        gate.join()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"workdir": "/elsewhere"}, "folder"),
        ({"subject": Subject("backend", "acme", "shop", "dev")}, "subject"),
        ({"trust": "/other.toml"}, "trust"),
    ],
)
def test_a_record_about_another_place_is_refused(gate, changes, field):
    gate.folder.write_record(mine(**changes))

    with pytest.raises(Refused) as refusal:
        gate.join()
    assert (refusal.value.step, refusal.value.field) == (1, field)
    assert gate.begun == []


def test_a_mandate_that_does_not_verify_here_is_refused_with_its_own_reason(gate):
    gate.candidate = Candidate(
        hash_of(gate.plan), None, None, Refused(6, "the toolchain is not the one")
    )
    with pytest.raises(Refused, match="the toolchain is not the one"):
        gate.join()


def test_a_candidate_without_document_or_reason_is_refused(gate):
    gate.candidate = Candidate(hash_of(gate.plan), None, None, None)
    with pytest.raises(Refused) as refusal:
        gate.join()
    assert refusal.value.step == 4


def test_a_run_of_another_command_is_refused(gate):
    gate.place = Place(SUBJECT, "prod", Path("/program"), ENGINE, None, "destroy")
    with pytest.raises(Refused, match="another command"):
        gate.join()


def test_a_program_that_changed_before_its_first_operation_is_refused(gate):
    def changed(_):
        raise Refused(9, "the program's files changed")

    gate.program = changed
    judge = gate.join()
    with pytest.raises(Refused, match="files changed"):
        judge(call("a"))


def test_a_resumed_run_does_its_rest_and_no_more(gate):
    rest = document(operation("b"), config=config_part(KEYED, KEY))
    gate.folder.write_rest(rest)
    judge = gate.join()

    judge(call("b"))
    with pytest.raises(Refused):
        judge(call("a"))


def test_a_rest_that_is_no_part_of_the_plan_is_refused(gate):
    gate.folder.write_rest(document(operation("c"), config=config_part(KEYED, KEY)))

    with pytest.raises(MandateError):
        gate.join()


NEW, OLD = {"inputs": {"text": "new"}}, {"inputs": {"text": "old"}}
FORMER = document(operation("z"), config=config_part(KEYED, KEY))


@pytest.fixture
def way_back(gate, monkeypatch):
    """The same, of a run that is rolled back: its engine runs the program that completed before."""
    gate.undo = document(
        operation("a", "delete", before=NEW),
        operation("b", "delete", before=NEW),
        config=config_part(KEYED, KEY),
    )
    gate.folder.write_record(mine(engine_pid=1))
    gate.begin = lambda plan: gate.folder.undo.write_undo(plan, ["x"], mine(document=plan.digest))
    gate.begin(gate.undo)
    gate.former = Former(keccak(b"former"), FORMER)
    gate.program_here = FORMER.fields().program
    gate.asked = []

    def verify_undo(_, here, about):
        assert about == gate.folder.undo.record()
        gate.asked.append("verified")
        return gate.plan

    here = SimpleNamespace(subject=SUBJECT, toolchain=SimpleNamespace(modules={}))
    for name, made in {
        "look_here": lambda *_, **__: SimpleNamespace(
            **vars(here), program=SimpleNamespace(digest=gate.program_here)
        ),
        "verify_undo": verify_undo,
        "former_of": lambda *_: gate.former,
        "choose": lambda *_: pytest.fail("it is no way forward"),
        "check_begun": lambda *_: pytest.fail("it may be stopping"),
        "Denials": lambda *_: pytest.fail("it may be stopping"),
        "UndoDenials": lambda *_: lambda: gate.asked.append("denied?"),
    }.items():
        monkeypatch.setattr(joining, name, made)
    begun = run_begun_for(ENGINE)
    assert begun == gate.folder.undo
    gate.join = lambda: join_run(gate.machine, gate.place, {}, begun)
    return gate


def deleted(name):
    return call(name, "delete", old_inputs=NEW["inputs"])


def test_the_former_program_does_the_inverse_and_each_operation_once(way_back):
    judge = way_back.join()

    judge(deleted("a"))
    judge(deleted("b"))
    for again in (deleted("a"), call("a")):
        with pytest.raises(Refused):
            judge(again)
    assert way_back.asked[0] == "verified"
    assert "denied?" in way_back.asked
    undo, forward = way_back.folder.undo, way_back.folder
    assert len(undo.journal.entries()) == 4
    assert forward.journal.entries() == []


def test_what_is_left_of_the_way_back_is_done_and_no_more(way_back):
    rest = document(operation("b", "delete", before=NEW), config=config_part(KEYED, KEY))
    way_back.folder.undo.write_rest(rest)
    judge = way_back.join()

    judge(deleted("b"))
    with pytest.raises(Refused):
        judge(deleted("a"))


def test_another_program_than_the_former_one_joins_nothing(way_back):
    way_back.program_here = keccak(b"edited")
    with pytest.raises(Refused, match="not the program that completed before") as refusal:
        way_back.join()
    assert refusal.value.step == 12


def test_a_way_back_that_was_made_by_another_program_is_none(way_back):
    other = document(
        operation("z"), config=config_part(KEYED, KEY), program=program("x").part(None)
    )
    way_back.former = Former(keccak(b"later"), other)
    way_back.program_here = other.fields().program
    with pytest.raises(Refused, match="not the program that completed before"):
        way_back.join()


@pytest.mark.parametrize(
    "operations",
    [
        [operation("a", "delete", before=NEW)],
        [operation("a", "delete", before=NEW), operation("b", "delete", before=OLD)],
        [operation("c")],
    ],
    ids=["less", "another", "something else"],
)
def test_a_way_back_that_is_not_the_inverse_is_refused(way_back, operations):
    way_back.begin(document(*operations, config=config_part(KEYED, KEY)))
    with pytest.raises(Refused, match="something else than the approved inverse"):
        way_back.join()


def test_without_a_former_program_there_is_no_way_back(way_back):
    way_back.former = None
    with pytest.raises(Refused, match="no program completed"):
        way_back.join()


@pytest.mark.parametrize(
    ("running", "key"),
    [
        ({"aws:region": {"value": "eu-evil-9", "secret": False}}, "aws:region"),
        ({"aws:region": {"value": "eu-west-1", "secret": True}}, "aws:region"),
        ({"shop:word": {"value": "other", "secret": True}}, "shop:word"),
        ({"shop:word": {"value": "words", "secret": False}}, "shop:word"),
        ({"gcp:project": {"value": "theirs", "secret": False}}, "gcp:project"),
        ({"aws:region": None}, "aws:region"),
    ],
    ids=["value", "made secret", "secret value", "no secret", "more", "less"],
)
def test_another_configuration_than_the_approved_one_is_refused_by_its_key_alone(running, key):
    given = KEYED | {
        "aws:region": {"value": "eu-west-1", "secret": False},
        "shop:word": {"value": "words", "secret": True},
    }
    plan = document(config=config_part(given, KEY))
    assert check_running_config(plan, given).id == KEY.id
    changed = {name: entry for name, entry in (given | running).items() if entry is not None}

    with pytest.raises(Refused, match=f"`{key}`") as refusal:
        check_running_config(plan, changed)
    assert (refusal.value.step, refusal.value.field) == (7, "config")
    told = refusal.value.diagnostics()
    assert not any(word in told for word in ("eu-evil-9", "words", "other\n", "theirs"))


def test_a_record_without_a_run_says_nothing_of_a_rest(home):
    folder = run_folder(RUN, home)
    folder.write_record(record())
    assert folder.rest() is None
    folder.write_rest(document())
    assert folder.rest() is not None
    folder.write_rest(None)
    assert folder.rest() is None
