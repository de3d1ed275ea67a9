"""The gate around the engine: what it becomes, what it hands over, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.errors import EngineError, Refused, UsageError
from pulumi_mandate.gate import engine, wrapped
from pulumi_mandate.gate.flags import edit_flags
from pulumi_mandate.gate.where import ProgramAt
from pulumi_mandate.gate.wrapped import engine_words, open_wrapped, will_join

ENGINE: Any = SimpleNamespace(executable="/bin/pulumi", environment={}, pid=1, started=1)


@pytest.fixture
def program(tmp_path: Path) -> ProgramAt:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: yaml\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    return ProgramAt(tmp_path, "dev")


def test_a_program_in_python_joins_the_run_and_needs_no_plan_file(program: ProgramAt) -> None:
    assert not will_join("up", program.workdir)
    (program.workdir / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")

    assert will_join("up", program.workdir)
    assert will_join("destroy", program.workdir)
    assert not will_join("refresh", program.workdir)
    assert "--plan" not in engine_words("up", program, "")


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("up", ["--plan", "/dev/stdin", "--target=a"]),
        ("destroy", ["--run-program", "--target=a"]),
        ("refresh", []),
        ("import", ["--file", "what.json", "--generate-code=false"]),
    ],
)
def test_the_engine_is_told_the_kind_and_no_more(
    program: ProgramAt, kind: str, flags: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(program.workdir)
    file = Path("what.json")
    file.touch()
    what = file if kind == "import" else None
    at = ProgramAt(
        program.workdir, "dev", what, () if what or kind == "refresh" else ("--target=a",)
    )

    words = engine_words(kind, at, "why")

    start = ["pulumi", kind, "--yes", "--skip-preview", "--non-interactive", "--stack", "dev"]
    assert words == [*start, *flags, "--message", "why"]


def test_an_import_needs_its_file(program: ProgramAt) -> None:
    with pytest.raises(UsageError):
        engine_words("import", program, "")


def test_the_plan_is_handed_over_in_sealed_memory() -> None:
    """In a process of its own: its standard input is replaced."""
    code = (
        "import os, subprocess, sys\n"
        "from pulumi_mandate.gate.wrapped import give_plan\n"
        "give_plan({'secret': 'plain'})\n"
        "print(open('/dev/stdin').read())\n"
        "try:\n    os.write(0, b'x')\nexcept OSError as error: print(error.strerror)\n"
        "try:\n    os.ftruncate(0, 0)\nexcept OSError as error: print(error.strerror)\n"
        "os.execv(sys.executable, [sys.executable, '-c', 'print(open(\"/dev/stdin\").read())'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-u", "-c", code],
        input="typed", capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    first, *refused, again = done.stdout.splitlines()
    assert json.loads(first) == json.loads(again) == {"secret": "plain"}
    assert refused == ["Operation not permitted"] * 2


class Lock:
    def __init__(self, subject: object) -> None:
        self.subject = subject

    def take(self, progress: object) -> bool:
        self.held = True
        return self.free

    free = True

    def release(self) -> None:
        self.held = False


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """`open_wrapped` with everything around it answered at once; the test says what happens."""
    steps: dict[str, Any] = {"spent": [], "resumed": [], "unfinished": None, "then": lambda: None}
    raw = SimpleNamespace(plan_file={"resourcePlans": {}})
    here = SimpleNamespace(toolchain=SimpleNamespace(content={"engine": "v3.259.0"}))
    prepared = SimpleNamespace(raw=raw, here=here)
    steps["admission"] = SimpleNamespace(prepared=prepared, found="found")
    steps["rest"], steps["told"], steps["version"] = [], [], []

    @contextmanager
    def previewing(*given: Any) -> Iterator[None]:
        steps["told"].append(given[-1])
        yield

    def start_run(machine: object, place: Any, *rest: object) -> Any:
        steps["spent"].append(place)
        steps["then"]()
        return SimpleNamespace(
            write_rest=steps["rest"].append,
            write_version=lambda *words: steps["version"].append(words),
        )

    replaced = {
        "identity": lambda file: f"the file {file}",
        "check_environment": lambda _: None,
        "engine_path": lambda *_: {},
        "open_machine": lambda: SimpleNamespace(trust=None),
        "subject_of": lambda *_: "subject",
        "SubjectLock": Lock,
        "previewing": previewing,
        "look_for_run": lambda *_: steps["unfinished"],
        "admit": lambda *_: steps["admission"],
        "start_run": start_run,
        "resume_run": lambda *words: steps["resumed"].append(words[1]),
    }
    for name, value in replaced.items():
        monkeypatch.setattr(wrapped, name, value)
    return steps


def test_the_program_is_told_which_engine_said_which_version(
    program: ProgramAt, opened: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file as it was before it was asked: one that is put in its place later is another."""
    seen = iter(["before", "after"])
    monkeypatch.setattr(wrapped, "identity", lambda _: next(seen))
    opened["then"] = lambda: next(seen)
    open_wrapped("up", program, ENGINE, print)

    assert opened["version"] == [("before", "v3.259.0")]


def test_an_engine_that_cannot_be_read_begins_nothing(
    program: ProgramAt, opened: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrapped, "identity", engine.identity)

    with pytest.raises(EngineError, match="the engine's file cannot be read"):
        open_wrapped("up", program, ENGINE, print)
    assert opened["spent"] == []


def test_an_up_goes_on_with_the_very_plan_that_was_compared(
    program: ProgramAt, opened: dict[str, Any]
) -> None:
    found = open_wrapped("up", program, ENGINE, print)

    assert found == {"resourcePlans": {}}
    (place,) = opened["spent"]
    assert not place.hooked
    assert open_wrapped("destroy", program, ENGINE, print) == {}


def test_where_nothing_is_to_be_done_nothing_runs(
    program: ProgramAt, opened: dict[str, Any]
) -> None:
    opened["admission"] = None
    assert open_wrapped("up", program, ENGINE, print) is None
    opened["unfinished"] = "run"
    assert open_wrapped("up", program, ENGINE, print) is None

    assert opened["resumed"] == ["run"]
    assert opened["spent"] == []


def test_a_program_with_hooks_is_begun_for_and_told_what_is_left(
    program: ProgramAt, opened: dict[str, Any]
) -> None:
    (program.workdir / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")

    assert open_wrapped("up", program, ENGINE, print) == {}
    opened["unfinished"] = "run"
    assert open_wrapped("up", program, ENGINE, print) == {}

    assert [(place.hooked, place.inside) for place in opened["spent"]] == [(True, False)] * 2
    assert opened["rest"] == [None, "found"]


def test_where_hooks_ask_an_update_without_operations_may_run(
    program: ProgramAt, opened: dict[str, Any]
) -> None:
    """Its outputs may have changed. The lock is free again: the program takes it."""
    (program.workdir / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    opened["admission"] = None

    assert open_wrapped("up", program, ENGINE, print) == {}
    assert opened["spent"] == []


@pytest.mark.parametrize("free", [True, False])
def test_a_state_that_was_read_while_another_run_went_on_is_read_again(
    program: ProgramAt, opened: dict[str, Any], monkeypatch: pytest.MonkeyPatch, free: bool
) -> None:
    monkeypatch.setattr(Lock, "free", free)

    open_wrapped("up", program, ENGINE, print, lambda *_: "the state, read ahead")

    (told,) = opened["told"]
    assert (told and told()) == ("the state, read ahead" if free else None)


@pytest.mark.parametrize("name", ["Pulumi.dev.yaml", "Pulumi.dev.yml"])
def test_settings_that_change_while_it_waits_are_refused(
    program: ProgramAt, opened: dict[str, Any], name: str
) -> None:
    """The engine reads the stack's file again, and no digest of the program holds it."""
    opened["then"] = lambda: (program.workdir / name).write_text("config: {a: b}\n")

    with pytest.raises(Refused, match="settings of stack dev changed") as refusal:
        open_wrapped("up", program, ENGINE, print)

    assert refusal.value.step == 9


def test_an_edit_of_the_state_is_told_as_it_was_voted_on(program: ProgramAt) -> None:
    urn = "urn:pulumi:dev::shop::a:b:C::a"
    at = ProgramAt(program.workdir, "dev", flags=edit_flags("rename", [urn, "new name"]))

    assert engine_words("state", at, "") == [
        "pulumi", "state", "rename", "--yes", "--non-interactive", "--stack", "dev",
        urn, "new name",
    ]  # fmt: skip
    assert not will_join("state", program.workdir)
    with pytest.raises(UsageError):
        engine_words("state", program, "")
