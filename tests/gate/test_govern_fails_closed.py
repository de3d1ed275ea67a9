"""Whatever breaks before the gate is open ends a real update: no `except` of a program helps."""

from __future__ import annotations

from types import SimpleNamespace

import pulumi
import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate import govern as line
from pulumi_mandate.gate import opening
from pulumi_mandate.gate.engine_hooks import EngineHooks
from tests.gate.cases import call


class Left(BaseException):  # not an Exception: the end of a process is caught by nobody
    """The program was ended with this exit code."""


@pytest.fixture
def program(monkeypatch, tmp_path):
    world = SimpleNamespace(dry=False, logged=[])
    settings = pulumi.runtime.settings
    engine = SimpleNamespace(Log=lambda request: world.logged.append(request.message))
    monkeypatch.setattr(line, "_state", {})
    monkeypatch.setattr(settings, "get_monitor", lambda: "monitor")
    monkeypatch.setattr(settings, "get_engine", lambda: engine)
    monkeypatch.setattr(settings, "get_root_directory", lambda: str(tmp_path))
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: world.dry)
    monkeypatch.setattr(pulumi, "get_organization", lambda: "acme")
    monkeypatch.setattr(pulumi, "get_project", lambda: "shop")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    monkeypatch.setattr(EngineHooks, "register", lambda *_: None)
    monkeypatch.setattr(opening, "open_gate", lambda *_: pytest.fail("the gate was opened"))
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path / "home"))

    def leave(code):
        raise Left(code)

    monkeypatch.setattr(line.os, "_exit", leave)
    return world


def broken(*_):
    raise RuntimeError("the password is x")


BREAKS = {
    "hooks": (EngineHooks, "register"),
    "place": (line, "_place"),
    "dry or not": (pulumi.runtime, "is_dry_run"),
}


@pytest.mark.parametrize("broken_part", BREAKS)
def test_a_start_that_breaks_ends_the_program(program, monkeypatch, broken_part):
    monkeypatch.setattr(*BREAKS[broken_part], broken)

    with pytest.raises(Left) as left:
        line.govern()

    assert left.value.args == (32,)
    (shown,) = program.logged
    assert "the gate itself failed (RuntimeError)" in shown
    assert "password" not in shown
    with pytest.raises(Refused, match="the gate itself failed"):
        line._state["hooks"]._judge(call("a"))


def test_a_refusal_that_cannot_be_recorded_still_ends_the_program(program, monkeypatch):
    monkeypatch.setattr(EngineHooks, "register", broken)
    monkeypatch.setattr(line, "record_refusal", broken)

    with pytest.raises(Left):
        line.govern()


def test_a_person_without_a_home_folder_is_refused_as_well(program, monkeypatch):
    monkeypatch.setattr(EngineHooks, "register", broken)
    monkeypatch.setattr(line, "mandate_home", broken)

    with pytest.raises(Left):
        line.govern()


def test_a_preview_that_breaks_is_an_ordinary_error(program, monkeypatch):
    program.dry = True
    monkeypatch.setattr(EngineHooks, "register", broken)

    with pytest.raises(RuntimeError):
        line.govern()
