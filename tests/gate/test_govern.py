"""The one line: names in every dry run, a message that never fails, refusals that end it all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pulumi
import pytest

from pulumi_mandate.errors import ChainUnreachable, MandateError, Refused
from pulumi_mandate.gate import govern as line
from pulumi_mandate.gate import opening, standing
from pulumi_mandate.gate.engine_hooks import HOOK_NAMES
from pulumi_mandate.gate.environment import NESTED_MARK
from tests.gate.cases import call


class Left(Exception):  # stands for the end of the process
    """The program was ended with this exit code."""


class Monitor:
    def __init__(self):
        self.hooks, self.transforms = [], []

    def RegisterResourceHook(self, request):
        self.hooks.append(request.name)

    def RegisterStackTransform(self, callback):
        self.transforms.append(callback)

    def RegisterResource(self, request):
        pass

    ReadResource = RegisterResource


class Engine:
    def __init__(self):
        self.logged = []

    def Log(self, request):
        self.logged.append(request.message)


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """A program in a real update; a test may make it a dry run."""
    settings = pulumi.runtime.settings
    world = SimpleNamespace(monitor=Monitor(), engine=Engine(), dry=False)
    monkeypatch.setattr(line, "_state", {})
    monkeypatch.setattr(settings, "get_monitor", lambda: world.monitor)
    monkeypatch.setattr(settings, "get_engine", lambda: world.engine)
    monkeypatch.setattr(settings, "get_root_directory", lambda: str(tmp_path))
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: world.dry)
    for name, value in (("organization", "acme"), ("project", "shop"), ("stack", "prod")):
        monkeypatch.setattr(pulumi, f"get_{name}", lambda value=value: value)
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path / "home"))

    def leave(code):
        raise Left(code)

    monkeypatch.setattr(line.os, "_exit", leave)
    yield world
    hooks = line._state.get("hooks")
    if hooks is not None and hooks._server is not None:
        hooks._server.stop(0)


def hooks():
    return line._state["hooks"]


def test_outside_the_engine_it_refuses(engine):
    engine.monitor = None

    with pytest.raises(Refused, match="outside a Pulumi program"):
        line.govern()


def test_an_inline_program_is_told_where_to_go(engine, monkeypatch, capfd):
    """It has no folder; its preview shows nothing and does not fail."""
    monkeypatch.setattr(pulumi.runtime.settings, "get_root_directory", lambda: None)
    engine.dry = True
    line.govern()
    assert capfd.readouterr().out == ""
    hooks()._server.stop(0)
    monkeypatch.setattr(line, "_state", {})

    engine.dry = False
    with pytest.raises(Left):
        line.govern()

    # No engine is above the process that would read the engine's messages. Nor is one below here,
    # so the stack may stay locked, and that is said.
    said = capfd.readouterr().err
    assert "pulumi_mandate.automation.up(stack)" in said
    assert "next: pulumi cancel" in said


def test_an_inline_program_ends_its_engine_before_itself(engine, monkeypatch, capfd):
    """Cut off from its pipes, the engine would die with the stack's lock in its hand."""
    monkeypatch.setattr(pulumi.runtime.settings, "get_root_directory", lambda: None)
    monkeypatch.setattr(line, "end_engines_below", lambda: True)

    with pytest.raises(Left):
        line.govern()

    assert "pulumi cancel" not in capfd.readouterr().err


def test_a_dry_run_registers_the_names_and_tells_where_the_mandate_stands(
    engine, monkeypatch, capfd
):
    engine.dry = True
    monkeypatch.setattr(standing, "sentence_for", lambda root, stack: f"{stack}: voting")

    line.govern()

    assert set(engine.monitor.hooks) == set(HOOK_NAMES.values())
    assert len(engine.monitor.transforms) == 1
    assert capfd.readouterr().out == "mandate: acme/shop/prod: voting\n"


@pytest.mark.parametrize("error", [ChainUnreachable("the chain is down"), KeyError("x")])
def test_a_preview_never_fails_because_of_us(engine, monkeypatch, capfd, error):
    def away(root, stack):
        raise error

    engine.dry = True
    monkeypatch.setattr(standing, "sentence_for", away)

    line.govern()

    told = getattr(error, "happened", "KeyError")
    assert told in capfd.readouterr().out


def test_the_mark_of_a_nested_preview_silences_the_message_and_nothing_else(
    engine, monkeypatch, capfd
):
    engine.dry = True
    monkeypatch.setenv(NESTED_MARK, "1")

    line.govern()

    assert capfd.readouterr().out == ""
    assert len(engine.monitor.hooks) == 3


def test_a_second_call_is_the_same_gate(engine, monkeypatch):
    engine.dry = True
    monkeypatch.setenv(NESTED_MARK, "1")
    line.govern()

    line.govern()

    assert len(engine.monitor.hooks) == 3


def test_with_a_mandate_the_judge_decides(engine, monkeypatch):
    seen = []
    monkeypatch.setattr(opening, "open_gate", lambda *_: seen.append)

    line.govern()

    hooks()._judge(call("a"))
    assert [one.urn for one in seen] == [call("a").urn]


def test_a_refusal_is_shown_and_ends_the_program(engine, monkeypatch):
    def no(where, say, ask):
        raise Refused(3, "there is no mandate", next_step="mandate propose")

    monkeypatch.setattr(opening, "open_gate", no)

    with pytest.raises(Left) as left:
        line.govern()

    assert left.value.args == (32,)
    assert engine.engine.logged == ["refused at step 3: there is no mandate\nnext: mandate propose"]
    with pytest.raises(Refused, match="there is no mandate"):
        hooks()._judge(call("a"))


def test_an_engine_that_cannot_show_it_is_refused_all_the_same(engine, monkeypatch):
    def no(where, say, ask):
        raise Refused(3, "there is no mandate")

    monkeypatch.setattr(opening, "open_gate", no)
    monkeypatch.setattr(engine.engine, "Log", lambda _: 1 / 0)

    with pytest.raises(Left):
        line.govern()


def test_a_defect_of_ours_refuses_and_keeps_its_words_private(engine, monkeypatch, tmp_path):
    def broken(where, say, ask):
        raise KeyError("the password is x")

    monkeypatch.setattr(opening, "open_gate", broken)

    with pytest.raises(Left):
        line.govern()

    (shown,) = engine.engine.logged
    assert "the gate itself failed (KeyError)" in shown
    assert "password" not in shown
    log = tmp_path / "home" / "gate-failure.log"
    assert "password" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_where_names_the_stack_in_full():
    where = line.Where(Path("/p"), "acme", "shop", "prod")

    assert where.full_stack == "acme/shop/prod"
    assert issubclass(Refused, MandateError)
