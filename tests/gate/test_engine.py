"""Questions to the engine: what it is told, what is quoted of it, and what was asked ahead."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pulumi_mandate.errors import EngineError, Refused
from pulumi_mandate.gate import ahead, wrapped
from pulumi_mandate.gate.ahead import asked_ahead, asked_in_a_program
from pulumi_mandate.gate.ancestor import Engine
from pulumi_mandate.gate.engine import (
    SAME_IN_BOTH,
    VERSION,
    WHO,
    Ahead,
    Look,
    check_engine,
    engine_environment,
    engine_json,
    engine_path,
    identity,
    run_engine,
)
from pulumi_mandate.gate.environment import NESTED_MARK
from pulumi_mandate.gate.folder import RunFolder
from pulumi_mandate.gate.packages import Beside, installed


def test_the_nested_engine_is_the_engine_that_runs():
    made = engine_path("/opt/pulumi/pulumi", {"PATH": "/bin", "A": "b"})

    assert made == {"PATH": "/opt/pulumi:/bin", "A": "b"}


def test_what_the_host_told_the_program_is_not_told_to_another_engine():
    made = engine_environment({"PULUMI_CONFIG": "{}", "PULUMI_HOME": "/p", "A": "b"})

    assert made == {"PULUMI_HOME": "/p", "A": "b"}


@pytest.fixture
def fake_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    def make(script: str) -> Path:
        engine = tmp_path / "bin" / "pulumi"
        engine.parent.mkdir(exist_ok=True)
        engine.write_text("#!/bin/sh\n" + script)
        engine.chmod(0o755)
        monkeypatch.setenv("PATH", str(engine.parent), prepend=":")
        return tmp_path

    return make


def test_an_engine_that_fails_is_quoted_by_its_last_line_of_errors_only(fake_engine):
    folder = fake_engine("echo 'the password is x'; echo first >&2; echo 'no stack' >&2; exit 255")

    with pytest.raises(EngineError) as error:
        run_engine(["stack", "export", "--show-secrets"], folder)
    assert error.value.happened == "`pulumi stack export` failed: no stack"
    assert "password" not in error.value.diagnostics()


def test_an_engine_that_answers_nonsense_is_not_quoted(fake_engine):
    folder = fake_engine("echo 'the password is x'")

    with pytest.raises(EngineError) as error:
        engine_json(["config"], folder)
    assert "password" not in error.value.diagnostics()


def test_a_missing_engine_is_an_engine_error(tmp_path):
    with pytest.raises(EngineError, match="cannot be run"):
        run_engine(["version"], tmp_path, {"PATH": str(tmp_path)})


COUNTED = 'echo x >> calls; echo "$1 $(wc -l < calls)"'


def test_what_was_asked_ahead_is_answered_once_and_then_asked_again(fake_engine):
    folder = fake_engine(COUNTED)
    ask = Ahead(folder, os.environ, VERSION)
    deadline = time.monotonic() + 10
    while not (folder / "calls").exists():
        assert time.monotonic() < deadline

    assert ask(VERSION, folder, os.environ).split() == ["version", "1"]
    assert ask(VERSION, folder).split() == ["version", "2"]
    assert ask(WHO, folder).split() == ["whoami", "3"]


@pytest.mark.parametrize("other", ["folder", "environment"])
def test_an_answer_about_another_place_is_none(fake_engine, other):
    folder = fake_engine("pwd; echo $WHAT")
    (folder / "other").mkdir()
    ask = Ahead(folder, {**os.environ, "WHAT": "asked"}, VERSION)

    where = folder / "other" if other == "folder" else folder
    what = "other" if other == "environment" else "asked"
    answer = ask(VERSION, where, {**os.environ, "WHAT": what})

    assert answer.split() == [str(where), what]


def test_an_engine_that_fails_ahead_fails_whoever_needs_the_answer(fake_engine):
    folder = fake_engine("echo 'no backend' >&2; exit 1")
    ask = Ahead(folder, os.environ, VERSION)

    with pytest.raises(EngineError, match="no backend"):
        ask(VERSION, folder)


ARGUMENTS = ("up", "/folder", "dev", "")


def test_an_environment_that_will_be_refused_is_asked_nothing(fake_engine, monkeypatch):
    folder = fake_engine("touch asked")
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", "echo:1")

    assert asked_ahead(("ahead", "up", str(folder), "dev", "")) is run_engine
    assert not (folder / "asked").exists()


def test_the_gate_is_told_what_was_asked_and_its_threads_wait_for_no_long_turn(monkeypatch):
    asked = []
    monkeypatch.setattr(ahead, "asked_ahead", lambda argv: f"asked for {argv[1]}")
    monkeypatch.setattr(wrapped, "main", lambda *given: asked.append(given) or 3)
    before = sys.getswitchinterval()
    try:
        assert ahead.main(["ahead", *ARGUMENTS]) == 3
        assert sys.getswitchinterval() < 0.001
    finally:
        sys.setswitchinterval(before)

    assert asked == [(["ahead", *ARGUMENTS], "asked for up")]


def test_without_an_engine_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert asked_ahead(("ahead", *ARGUMENTS)) is run_engine


@pytest.fixture
def engine_above(fake_engine, monkeypatch):
    """The engine above a program that tells which questions came; its environment is given."""

    def make(environment: dict[str, str], pid: int = 1) -> Path:
        folder = fake_engine('echo "$*" >> calls; echo "$*"')
        program = folder / "bin" / "pulumi"
        told = {name: value for name, value in os.environ.items() if name in SAME_IN_BOTH}
        engine = Engine(pid, 1, str(program), ("pulumi", "up"), told | environment)
        monkeypatch.setattr(ahead, "read_outer_command", lambda: (None, engine))
        return folder

    return make


def test_a_program_asks_the_engine_above_before_it_loads_the_gate(engine_above):
    environment = {"PATH": os.environ["PATH"]}
    folder = engine_above(environment)

    look = asked_in_a_program(folder)

    ask = look.ask

    where = ask._of[1]
    assert isinstance(look.packages, Beside)
    assert ask(VERSION, folder, where) == "version --non-interactive\n"
    assert ask(WHO, folder, where) == "whoami --verbose --json --non-interactive\n"
    assert len((folder / "calls").read_text().splitlines()) == 2


@pytest.fixture
def begun_for_this(monkeypatch, tmp_path):
    """A run that was begun for the engine above, which is this very process here."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    monkeypatch.setattr("pulumi_mandate.gate.folder.run_begun_for", lambda engine: folder)
    return folder


@pytest.mark.parametrize("same", [True, False])
def test_an_engine_that_said_its_version_for_this_run_is_asked_again_if_it_is_another_file(
    engine_above, begun_for_this, same
):
    environment = {"PATH": os.environ["PATH"]}
    folder = engine_above(environment, pid=os.getpid())
    running = Path(f"/proc/{os.getpid()}/exe") if same else folder / "bin" / "pulumi"
    begun_for_this.write_version(identity(running), "v3.259.0")

    ask = asked_in_a_program(folder).ask
    answer = ask(VERSION, folder, ask._of[1])

    assert answer == ("v3.259.0" if same else "version --non-interactive\n")
    ask(WHO, folder, ask._of[1])
    assert len((folder / "calls").read_text().splitlines()) == (1 if same else 2)


def test_a_file_is_another_one_whatever_its_times_say(tmp_path):
    file, other = tmp_path / "pulumi", tmp_path / "other"
    file.write_text("one")
    before, times = identity(file), (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    assert identity(file) == before

    file.write_text("two")
    os.utime(file, ns=times)
    edited = identity(file)
    other.write_text("two")
    os.utime(other, ns=times)
    other.rename(file)

    assert len({before, edited, identity(file)}) == 3


def test_under_an_engine_that_will_be_refused_nothing_is_asked(engine_above):
    folder = engine_above({"PULUMI_DEBUG_PROVIDERS": "echo:1"})

    assert asked_in_a_program(folder) == Look(run_engine, installed)
    assert not (folder / "calls").exists()


def test_outside_an_engine_nothing_is_asked(tmp_path, monkeypatch):
    def nowhere() -> None:
        raise Refused(1, "no engine")

    monkeypatch.setattr(ahead, "read_outer_command", nowhere)

    assert asked_in_a_program(tmp_path) == Look(run_engine, installed)


def test_who_is_asked_and_the_state_are_asked_of_the_stack(fake_engine, monkeypatch):
    folder = fake_engine('echo "$@" >> calls')
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "PYTHON"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)

    asked_ahead(("ahead", "up", str(folder), "dev", "", "--target=a"))

    deadline = time.monotonic() + 10
    expected = {
        "whoami --verbose --json --non-interactive",
        "stack export --show-secrets --stack dev --non-interactive",
    }
    calls = folder / "calls"
    while not calls.exists() or set(calls.read_text().splitlines()) != expected:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def above(environment: dict[str, str]) -> Engine:
    return Engine(7, 1, "/opt/pulumi/bin/pulumi", ("pulumi", "up"), environment)


@pytest.fixture
def environment(monkeypatch):
    made = {"HOME": "/h", "MANDATE_TRUST": "/t", "PATH": "/bin"}
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    for name in ("MANDATE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return made


def test_previews_are_made_by_the_engine_that_runs(environment):
    assert check_engine(above(environment))["PATH"] == "/opt/pulumi/bin:/bin"


@pytest.mark.parametrize(
    "name", ["MANDATE_TRUST", "MANDATE_HOME", "HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"]
)
def test_a_program_that_points_the_gate_elsewhere_is_refused(environment, monkeypatch, name):
    monkeypatch.setenv(name, "/elsewhere")

    with pytest.raises(Refused, match=name) as refusal:
        check_engine(above(environment))
    assert refusal.value.step == 1


def test_the_mark_in_a_real_update_is_an_error_wherever_it_was_set(environment, monkeypatch):
    with pytest.raises(Refused, match=NESTED_MARK):
        check_engine(above(environment | {NESTED_MARK: "1"}))
    monkeypatch.setenv(NESTED_MARK, "1")
    with pytest.raises(Refused, match=NESTED_MARK):
        check_engine(above(environment))
