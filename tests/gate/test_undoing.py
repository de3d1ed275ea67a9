"""The way back of a run: begun once, gone on with by whoever comes next, and never guessed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.errors import (
    ChainUnreachable,
    EmptyPlan,
    EngineError,
    MandateError,
    Refused,
    SignerError,
    UsageError,
)
from pulumi_mandate.gate import undo_engine, undoing
from pulumi_mandate.gate.folder import RunFolder, engine_folders, run_folder
from pulumi_mandate.gate.journal import ALLOWED, REFUSED, Entry
from pulumi_mandate.gate.rollback import Former
from pulumi_mandate.gate.undoing import leave_to_resume, roll_back
from pulumi_mandate.gate.where import ProgramAt
from pulumi_mandate.models import keccak
from pulumi_mandate.plan.document import Document
from tests.gate.cases import (
    RUN,
    SUBJECT,
    deployment,
    document,
    operation,
    record,
    resource,
    urn,
    values_of,
)

NEW, OLD = {"inputs": {"text": "new"}}, {"inputs": {"text": "old"}}
DONE = document(operation("a"), operation("b", "update"))
GONE = operation("a", "delete", before=NEW)
BACK_B = operation("b", "update", before=NEW, after=OLD)
BACK = document(GONE, BACK_B)
FORMER = Former(keccak(b"former"), document(operation("z")))
WRONG = ["not healthy: front: nobody answers"]
THERE = deployment(resource("a"), resource("b", "new"))
BEFORE = deployment(resource("b", "old"))


class World:
    """Engine, chain and former program; a test breaks one thing, and reads what was done."""

    def __init__(self, root: Path) -> None:
        self.folder = run_folder(RUN, root)
        self.folder.write_record(record(DONE, workdir=str(root / "program")))
        self.at = ProgramAt(root / "former", "acme/shop/prod")
        self.state, self.wanted = THERE, BACK
        self.lawful: MandateError | None = None
        self.failure: MandateError | None = None
        self.hooked = True
        self.engine_does: Any = self.everything
        self.engines, self.said, self.where = 0, [], []
        self.machine: Any = SimpleNamespace(
            trust=None, rules_of=None, store=None, final_state=self.final_state
        )

    def final_state(self, about: Any) -> Any:
        self.where.append(about.workdir)
        return self.state, values_of

    def look(self, *_: Any, **__: Any) -> Any:
        if self.failure is not None:
            raise self.failure
        here = SimpleNamespace(subject=SUBJECT, toolchain=SimpleNamespace(modules={"m": "0x01"}))
        raw = SimpleNamespace(before={"deployment": self.state})
        return SimpleNamespace(raw=raw, here=here, values_of=values_of)

    def document_of(self, *_: Any, **__: Any) -> Document:
        if self.wanted is None:
            raise EmptyPlan("nothing to do")
        return self.wanted

    def run_engine(self, undo: RunFolder, at: ProgramAt) -> int:
        assert (undo, at) == (self.folder.undo, self.at)
        assert undo.record().workdir == str(at.workdir)
        self.engines += 1
        return int(self.engine_does(undo))

    def everything(self, undo: RunFolder) -> int:
        undo.journal.append(Entry(ALLOWED, "delete", urn("a"), 0))
        undo.journal.append(Entry(ALLOWED, "update", urn("b"), 1))
        self.state = BEFORE
        return 0

    def half(self, undo: RunFolder) -> int:
        undo.journal.append(Entry(ALLOWED, "update", urn("b"), 1))
        self.state = deployment(resource("a"), resource("b", "old"))
        return 255

    def check_lawful(self, *_: Any) -> None:
        if self.lawful is not None:
            raise self.lawful

    def undo(self, *, give_up: bool = False, wrong: list[str] = WRONG) -> undoing.Undone:
        return roll_back(
            self.folder, self.machine, DONE, wrong, give_up=give_up, say=self.said.append
        )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    found = World(tmp_path)

    @contextlib.contextmanager
    def program(former: Document, about: Any, store: Any) -> Any:
        assert (former, about) == (FORMER.document, found.folder.record())
        yield found.at

    for name, made in {
        "check_lawful": found.check_lawful,
        "former_of": lambda *_: FORMER,
        "former_program": program,
        "is_hooked": lambda _: found.hooked,
        "prepare": found.look,
        "verify_undo": lambda *_: DONE,
        "check_hooks": lambda _: None,
        "document_of": found.document_of,
        "_run_engine": found.run_engine,
        "update_succeeded": lambda *_, **__: False,
    }.items():
        monkeypatch.setattr(undoing, name, made)
    return found


def test_it_goes_back(world: World) -> None:
    undone = world.undo()

    assert undone.status == "completed"
    assert undone.reason == f"rolled back to the program of plan 0x{FORMER.plan.hex()[:8]}…"
    assert undone.urns == {urn("a"), urn("b")}
    assert world.engines == 1
    undo = world.folder.undo
    assert undo.reasons() == WRONG
    assert undo.undo_document() == BACK
    about = undo.record()
    assert (about.document, about.run_id, about.modules) == (BACK.digest, RUN, {"m": "0x01"})
    assert set(about.before) == {urn("a"), urn("b")}
    assert world.where == [world.folder.record().workdir], "where the stack's folder will be still"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"lawful": Refused(12, "the guardian forbade it")}, "the guardian forbade it"),
        ({"failure": EngineError("the preview\n failed: here")}, "the preview failed: here"),
        ({"failure": UsageError("no such stack")}, "no such stack"),
        ({"failure": Refused(12, "another program")}, "another program"),
        ({"hooked": False}, "the former program asks no gate"),
        ({"wanted": None}, "the former program wants nothing changed"),
        ({"wanted": DONE}, "the former program wants something else"),
    ],
)
def test_whatever_is_in_doubt_changes_nothing_and_is_said(
    world: World, change: dict[str, Any], why: str
) -> None:
    for name, value in change.items():
        setattr(world, name, value)

    undone = world.undo()

    assert (undone.status, undone.urns) == ("failed", frozenset())
    assert undone.reason.startswith(f"not rolled back: {why}")
    assert (world.engines, world.folder.undo.has_begun) == (0, False)


def test_a_reason_is_one_line_of_a_bounded_length(world: World) -> None:
    world.failure = EngineError("x\n" * 9000)

    assert len(world.undo().reason) < 600
    assert "\n" not in world.undo().reason


def test_what_nothing_undoes_is_not_tried(world: World) -> None:
    lost = document(operation("b", "delete"))
    undone = roll_back(
        world.folder, world.machine, lost, WRONG, give_up=False, say=world.said.append
    )

    assert undone.reason.startswith("not rolled back: nothing undoes delete of ")
    assert not world.said


def test_what_next_is_the_refusals_own_word(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undoing, "former_of", lambda *_: None)
    assert world.undo().next_step == "mandate propose --destroy"
    world.lawful = Refused(12, "no")
    assert world.undo().next_step == "mandate propose"


@pytest.mark.parametrize("error", [ChainUnreachable("away"), SignerError("no key")])
@pytest.mark.parametrize("where", ["lawful", "failure"])
def test_a_chain_or_a_key_that_is_away_is_waited_for(
    world: World, error: MandateError, where: str
) -> None:
    setattr(world, where, error)

    with pytest.raises(type(error)):
        world.undo()
    assert not world.folder.undo.has_begun


def test_an_environment_that_could_run_other_code_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", "x:1")

    assert "PULUMI_DEBUG_PROVIDERS" in world.undo().reason
    assert world.engines == 0


def test_given_up_it_is_not_begun(world: World) -> None:
    assert "given up, or its lease is over" in world.undo(give_up=True).reason
    assert world.engines == 0


# ---- begun, and cut off ----


@pytest.fixture
def half_way(world: World) -> World:
    """One of two operations is undone; whoever did it is gone."""
    world.engine_does = world.half
    assert world.undo().status == "open"
    world.wanted, world.engine_does = document(GONE), world.everything
    return world


def test_an_engine_that_fails_leaves_it_open(world: World) -> None:
    world.engine_does = world.half

    undone = world.undo()

    assert (undone.status, undone.next_step) == ("open", "mandate resume")
    assert undone.reason.startswith("not rolled back yet: the engine ended with exit code 255; ")
    assert f"delete of {urn('a')} was not done" in undone.reason
    assert undone.urns == {urn("b")}


def test_who_comes_next_goes_on(half_way: World, tmp_path: Path) -> None:
    half_way.at = ProgramAt(tmp_path / "another", "acme/shop/prod")

    undone = half_way.undo()

    assert undone.status == "completed"
    assert half_way.folder.undo.rest() == document(GONE)
    assert half_way.folder.undo.reasons() == WRONG
    assert half_way.engines == 2


def test_nothing_left_to_do_is_done(half_way: World) -> None:
    half_way.everything(half_way.folder.undo)
    half_way.wanted = None

    assert half_way.undo().status == "completed"
    assert half_way.engines == 1
    assert half_way.folder.undo.rest() is None


@pytest.mark.parametrize(
    "wanted",
    [document(operation("c")), document(GONE, operation("c")), DONE],
    ids=["something else", "more", "the plan again"],
)
def test_what_is_left_is_a_part_of_what_was_compared(half_way: World, wanted: Document) -> None:
    half_way.wanted = wanted

    with pytest.raises(Refused) as refusal:
        half_way.undo()
    assert refusal.value.step == 7
    assert half_way.engines == 1


@pytest.mark.parametrize("error", [EngineError("locked"), Refused(6, "toolchain"), UsageError("x")])
def test_once_it_has_begun_a_doubt_leaves_it_open(half_way: World, error: MandateError) -> None:
    half_way.failure = error

    with pytest.raises(type(error)):
        half_way.undo()
    assert half_way.engines == 1


@pytest.mark.parametrize("why", ["give up", "forbidden"])
def test_what_may_not_go_on_is_over(half_way: World, why: str) -> None:
    half_way.lawful = Refused(12, "the guardian forbade it") if why == "forbidden" else None

    undone = half_way.undo(give_up=why == "give up")

    assert undone.status == "failed"
    assert undone.reason.startswith("rolled back in part: ")
    assert f"delete of {urn('a')} was not done" in undone.reason
    assert undone.urns == {urn("b")}
    assert half_way.engines == 1


def test_given_up_after_its_last_operation_it_is_rolled_back(half_way: World) -> None:
    half_way.everything(half_way.folder.undo)

    undone = half_way.undo(give_up=True)

    assert (undone.status, undone.reason) == ("completed", "rolled back")


def test_a_refused_operation_of_the_former_program_ends_it(world: World) -> None:
    def refuses(undo: RunFolder) -> int:
        undo.journal.append(Entry(REFUSED, "create", urn("x"), -1, "not approved", "Refused"))
        return 255

    world.engine_does = refuses

    undone = world.undo()

    assert undone.status == "failed"
    assert undone.reason.startswith("not rolled back, or in part: ")
    assert "refused: not approved" in undone.reason


def test_below_an_engine_nobody_goes_back() -> None:
    with pytest.raises(Refused, match="not healthy") as refusal:
        leave_to_resume(None, None, give_up=False)
    assert (refusal.value.step, refusal.value.next_step) == (12, "mandate resume")


# ---- what is kept of it ----


def test_a_way_back_is_found_by_its_engine_and_is_no_run(world: World, tmp_path: Path) -> None:
    assert list(engine_folders(tmp_path)) == [world.folder]
    world.undo()

    assert list(engine_folders(tmp_path)) == [world.folder, world.folder.undo]
    assert world.folder.undo.is_undo
    assert not world.folder.is_undo


@pytest.mark.parametrize("name", ["document.json", "why.json"])
@pytest.mark.parametrize("damage", [None, b"{", b'{"a":1}'])
def test_a_damaged_way_back_is_an_error_and_not_a_guess(
    world: World, name: str, damage: bytes | None
) -> None:
    world.undo()
    undo = world.folder.undo
    file = undo.path / name
    file.unlink()
    if damage is not None:
        file.write_bytes(damage)

    with pytest.raises(MandateError):
        _ = undo.undo_document() if name == "document.json" else undo.reasons()


def test_another_document_than_the_records_is_no_way_back(world: World) -> None:
    world.undo()
    (world.folder.undo.path / "document.json").write_bytes(DONE.data)

    with pytest.raises(MandateError, match="way back"):
        world.folder.undo.undo_document()


# ---- its engine ----


def test_the_engine_notes_itself_and_becomes_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.undo()
    undo = world.folder.undo
    there = tmp_path / "former"
    there.mkdir()
    became: list[Any] = []
    monkeypatch.setattr(undo_engine.shutil, "which", lambda _: "/bin/pulumi")
    monkeypatch.setattr(undo_engine.os, "execve", lambda *told: became.append(told))
    monkeypatch.setattr(undo_engine, "this_process", lambda _: SimpleNamespace(pid=7, started=8))
    monkeypatch.chdir(tmp_path)

    undo_engine.main(["", str(undo.path)])

    [(executable, words, environment)] = became
    assert executable == "/bin/pulumi"
    assert words == ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive",
                     "--stack", "acme/shop/prod"]  # fmt: skip
    assert environment["MANDATE_TRUST"] == undo.record().trust
    assert Path.cwd() == there
    assert (undo.record().engine_pid, undo.record().engine_started) == (7, 8)


def test_without_an_engine_or_a_record_nothing_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(undo_engine.shutil, "which", lambda _: None)
    assert undo_engine.main(["", str(world.folder.undo.path)]) == EngineError.exit_code
    monkeypatch.setattr(undo_engine.shutil, "which", lambda _: "/bin/pulumi")
    assert undo_engine.main(["", str(world.folder.undo.path)]) == MandateError.exit_code
    assert "cannot be read" in capsys.readouterr().err


def test_it_is_a_process_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    world.at.workdir.mkdir()

    assert undoing._run_engine(world.folder.undo, world.at) == MandateError.exit_code
