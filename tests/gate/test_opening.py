"""Step (1): the engine's environment, and which stack this is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.ancestor import Engine
from pulumi_mandate.gate.environment import NESTED_MARK
from pulumi_mandate.gate.opening import check_engine, check_subject
from pulumi_mandate.gate.where import Where
from pulumi_mandate.models import Subject


def engine(environment):
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
    assert check_engine(engine(environment))["PATH"] == "/opt/pulumi/bin:/bin"


@pytest.mark.parametrize(
    "name", ["MANDATE_TRUST", "MANDATE_HOME", "HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"]
)
def test_a_program_that_points_the_gate_elsewhere_is_refused(environment, monkeypatch, name):
    monkeypatch.setenv(name, "/elsewhere")

    with pytest.raises(Refused, match=name) as refusal:
        check_engine(engine(environment))
    assert refusal.value.step == 1


def test_the_mark_in_a_real_update_is_an_error_wherever_it_was_set(environment, monkeypatch):
    with pytest.raises(Refused, match=NESTED_MARK):
        check_engine(engine(environment | {NESTED_MARK: "1"}))
    monkeypatch.setenv(NESTED_MARK, "1")
    with pytest.raises(Refused, match=NESTED_MARK):
        check_engine(engine(environment))


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
