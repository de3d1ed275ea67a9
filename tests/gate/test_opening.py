"""Step (1), the configuration that runs, and what is digested again after `begin`."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace

import pytest
from pulumi.runtime import config as pulumi_config

from pulumi_mandate.errors import EmptyPlan, Refused
from pulumi_mandate.gate import joining, opening, run
from pulumi_mandate.gate.ancestor import Engine
from pulumi_mandate.gate.folder import RunFolder
from pulumi_mandate.gate.opening import check_config, check_subject
from pulumi_mandate.gate.where import Where
from pulumi_mandate.models import Subject, keccak
from pulumi_mandate.plan.program import program_digest
from pulumi_mandate.plan.raw import RawPreview
from pulumi_mandate.plan.toolchain import Package, toolchain
from tests.gate.cases import call, document, evidence, operation, record, values_of


def engine(environment):
    return Engine(7, 1, "/opt/pulumi/bin/pulumi", ("pulumi", "up"), environment)


@pytest.mark.parametrize(
    "changes", [{"organisation": "o"}, {"project": "p"}, {"stack": "s"}], ids=str
)
def test_another_stack_than_the_running_one_is_refused(changes):
    where = Where(Path("/program"), "acme", "shop", "prod")
    check_subject(Subject("any", "acme", "shop", "prod"), where)
    other = {"organisation": "acme", "project": "shop", "stack": "prod"} | changes

    with pytest.raises(Refused) as refusal:
        check_subject(Subject("any", **other), where)
    assert refusal.value.step == 1


PREVIEWED = {
    "aws:region": {"value": "eu-west-1", "secret": False},
    "shop:list": {"value": '["a"]', "objectValue": ["a"], "secret": False},
    "shop:password": {"value": "s3cret-words", "secret": True},
}
RUNNING = {key: entry["value"] for key, entry in PREVIEWED.items()}
SHOWN = RUNNING | {"shop:password": "[secret]"}


@pytest.fixture
def running(monkeypatch):
    """Give the program a configuration, as its language host does."""

    def give(config, secrets=("shop:password",)):
        for name, value in (("CONFIG", dict(config)), ("_SECRET_KEYS", set(secrets))):
            variable = ContextVar(name)
            variable.set(value)
            monkeypatch.setattr(pulumi_config, name, variable)

    return give


def test_a_configuration_that_is_the_previewed_one_passes(running):
    running(RUNNING)

    check_config(PREVIEWED, SHOWN)


@pytest.mark.parametrize(
    ("changes", "secrets", "key"),
    [
        ({"aws:region": "eu-evil-9"}, ["shop:password"], "aws:region"),
        ({"shop:list": '["b"]'}, ["shop:password"], "shop:list"),
        ({"shop:password": "other-words"}, ["shop:password"], "shop:password"),
        ({"gcp:project": "theirs"}, ["shop:password"], "gcp:project"),
        ({"aws:region": None}, ["shop:password"], "aws:region"),
        ({}, [], "shop:password"),
        ({}, ["shop:password", "aws:region"], "aws:region"),
    ],
    ids=["value", "object", "secret value", "more", "less", "no secret", "a secret"],
)
def test_another_configuration_is_refused_by_the_name_of_its_key_alone(
    running, changes, secrets, key
):
    given = {name: value for name, value in (RUNNING | changes).items() if value is not None}
    running(given, secrets)

    with pytest.raises(Refused, match=f"`{key}`") as refusal:
        check_config(PREVIEWED, SHOWN)
    assert (refusal.value.step, refusal.value.field) == (7, "config")
    told = refusal.value.diagnostics()
    assert not any(value in told for value in (*RUNNING.values(), *changes.values()) if value)


def test_a_preview_under_a_third_configuration_is_refused(running):
    running(RUNNING)

    with pytest.raises(Refused, match="`aws:region`"):
        check_config(PREVIEWED, SHOWN | {"aws:region": "eu-evil-9"})


@pytest.fixture
def nothing_to_do(monkeypatch, tmp_path):
    """A gate whose preview wants nothing; gives what was resumed."""
    resumed = []
    raw = RawPreview({}, {"config": SHOWN}, {}, {}, PREVIEWED)
    place = SimpleNamespace(
        engine=engine({}),
        subject=None,
        workdir=tmp_path,
        stack="s",
        kind="up",
        imports=None,
        flags=(),
        hooked=True,
        inside=True,
        lock=SimpleNamespace(take=lambda **_: None),
    )

    def empty(*_, **__):
        raise EmptyPlan("there is nothing to do")

    for name, made in {
        "_enter": lambda *_: (
            SimpleNamespace(trust=None, rules_of=None, load_signing=lambda: None),
            place,
            {},
            None,
        ),
        "end_with": lambda *_: None,
        "preview_of": lambda *_: raw,
        "look_here": lambda *_, **__: None,
        "choose": lambda *_: None,
        "look_for_run": lambda *_: None,
        "Prepared": SimpleNamespace(of=lambda raw, _: SimpleNamespace(raw=raw)),
        "document_of": empty,
        "resume_run": lambda *_: resumed.append("resumed"),
    }.items():
        monkeypatch.setattr(opening, name, made)
    return resumed


def open_it(said=lambda _: None):
    return opening.open_gate(Where(Path("/p"), "acme", "shop", "prod"), said)


def test_a_run_that_was_begun_for_this_engine_is_joined_and_nothing_is_previewed(
    nothing_to_do, monkeypatch
):
    enter = opening._enter
    monkeypatch.setattr(opening, "_enter", lambda *given: (*enter(*given)[:3], "run"))
    monkeypatch.setattr(opening, "preview_of", None)
    monkeypatch.setattr(opening, "join_run", lambda *given: given[3])

    assert open_it() == "run"


def test_where_nothing_is_to_be_done_every_operation_is_refused(nothing_to_do, running):
    running(RUNNING)

    judge = open_it()

    with pytest.raises(Refused, match="no run has begun"):
        judge(call("a"))


def test_a_run_that_is_done_but_not_closed_goes_to_a_watcher(nothing_to_do, running, monkeypatch):
    running(RUNNING)
    monkeypatch.setattr(opening, "look_for_run", lambda *_: "a run")

    judge = open_it()

    assert nothing_to_do == ["resumed"]
    with pytest.raises(Refused):
        judge(call("a"))


def test_nothing_to_do_is_not_said_of_another_configuration(nothing_to_do, running):
    running(RUNNING | {"aws:region": "eu-evil-9"})

    with pytest.raises(Refused, match="`aws:region`"):
        open_it()


def test_nothing_is_looked_at_before_the_lock_is_ours(nothing_to_do, monkeypatch):
    def taken(**_):
        raise Refused(1, "somebody else has the lock")

    place = opening._enter(None)[1]
    place.lock.take = taken
    monkeypatch.setattr(opening, "look_for_run", None)

    with pytest.raises(Refused, match="somebody else has the lock"):
        open_it()


@pytest.mark.parametrize("hooked", [True, False])
def test_a_program_whose_resources_lack_hooks_gets_no_further(
    nothing_to_do, running, monkeypatch, hooked
):
    """A program in a language without hooks is judged by its plan alone."""
    running(RUNNING)
    asked = []
    place = opening._enter(None)[1]
    place.hooked = hooked
    monkeypatch.setattr(opening, "check_hooks", asked.append)

    open_it()

    assert len(asked) == hooked


def test_other_effects_than_the_approved_spend_nothing(nothing_to_do, running, monkeypatch):
    running(RUNNING)
    approved = SimpleNamespace(document=document(operation("a")), plan_hash=keccak(b"a"))
    standing = SimpleNamespace(standing=lambda _: [approved])
    for name, made in {
        "choose": lambda *_: standing,
        "closest": lambda *_, **__: (approved, None),
        "document_of": lambda *_, **__: document(operation("b")),
        "start_run": None,
    }.items():
        monkeypatch.setattr(opening, name, made)

    with pytest.raises(Refused) as refusal:
        open_it()
    assert refusal.value.step == 7


@pytest.fixture
def spending(monkeypatch, tmp_path):
    """A run that has just begun, with its program and packages as approved."""
    workdir = tmp_path / "program"
    workdir.mkdir()
    (workdir / "__main__.py").write_text("import pulumi_mandate\n")
    packages = [Package("pulumi", "1", keccak(b"pulumi"), ())]
    monkeypatch.setattr(run, "installed_packages", lambda: packages)
    plan = document(program=program_digest(workdir, "dev").part(None))
    folder = RunFolder(tmp_path / "run")
    folder.write_record(record(plan))
    monkeypatch.setattr(opening, "begin_run", lambda *_, **__: folder)
    monkeypatch.setattr(opening, "resource_digests", lambda *_: {})
    monkeypatch.setattr(joining, "Denials", lambda *_: lambda: None)
    prepared = SimpleNamespace(
        raw=RawPreview({}, {}, {"deployment": {}}, {}, {}),
        here=SimpleNamespace(toolchain=toolchain("v3", packages)),
        values_of=values_of,
    )
    candidate = SimpleNamespace(document=plan, evidence=evidence(plan))
    admission = opening.Admission(candidate, plan, prepared)
    place = SimpleNamespace(workdir=workdir, stack="dev", hooked=True, inside=True)

    def spend():
        return opening.spend(None, place, admission, None, lambda _: None)

    return SimpleNamespace(spend=spend, workdir=workdir, folder=folder, packages=packages)


def test_a_program_that_stays_as_it_was_goes_on(spending):
    spending.spend()(call("a"))

    assert [entry.verdict for entry in spending.folder.journal.entries()] == ["allowed"]


def test_a_change_of_its_own_stack_file_is_seen_as_configuration_and_not_as_a_file(spending):
    (spending.workdir / "Pulumi.dev.yaml").write_text("config: {}\n")

    spending.spend()(call("a"))

    assert [entry.verdict for entry in spending.folder.journal.entries()] == ["allowed"]


@pytest.mark.parametrize("what", ["notes.py", "Pulumi.other.yaml", "package"])
def test_what_changed_while_begin_became_final_fails_the_run(spending, what):
    if what != "package":
        (spending.workdir / what).write_text("evil")
    else:
        spending.packages[0] = Package("pulumi", "1", keccak(b"evil"), ())

    with pytest.raises(Refused, match="changed after the mandate was verified") as refusal:
        spending.spend()
    assert refusal.value.step == 9
    (entry,) = spending.folder.journal.entries()
    assert (entry.verdict, entry.error, entry.index) == ("refused", "Refused", -1)


def test_a_program_that_changes_before_its_first_operation_is_stopped_for_good(spending):
    judge = spending.spend()
    (spending.workdir / "notes.py").write_text("evil")

    with pytest.raises(Refused, match="files changed"):
        judge(call("a"))
    (spending.workdir / "notes.py").unlink()
    with pytest.raises(Refused, match="an earlier operation of this run was refused"):
        judge(call("a"))
    verdicts = [(entry.verdict, entry.error) for entry in spending.folder.journal.entries()]
    assert verdicts == [("refused", "Refused"), ("refused", "Latched")]
