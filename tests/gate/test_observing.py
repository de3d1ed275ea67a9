"""What an observer previews after a run: that depends on what kind of plan it was."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pulumi_mandate.errors import EmptyPlan, Refused
from pulumi_mandate.gate import observing
from pulumi_mandate.gate.observing import seen_state
from pulumi_mandate.gate.where import ProgramAt
from tests.gate.cases import document, operation, values_of

AT = ProgramAt(Path("/program"), "prod")


@pytest.fixture
def previews(monkeypatch):
    """(kind, flags) of each preview; `wants` names the kinds that still want something."""
    asked, wants = [], set()
    raw = SimpleNamespace(before={"deployment": {"resources": []}})

    def prepare(at, trust, *, kind, rules, environment):
        asked.append((kind, at.flags))
        return SimpleNamespace(raw=raw, values_of=values_of, kind=kind)

    def document_of(prepared, **_):
        if prepared.kind not in wants:
            raise EmptyPlan("there is nothing to do")
        return document(operation("left"))

    monkeypatch.setattr(observing, "check_same_program", lambda *_: None)
    monkeypatch.setattr(observing, "prepare", prepare)
    monkeypatch.setattr(observing, "document_of", document_of)
    return SimpleNamespace(asked=asked, wants=wants)


def plan(kind, *flags):
    found = document(operation("a"))
    found.content["kind"] = kind
    found.content["toolchain"] = {"flags": list(flags)}
    return found


@pytest.mark.parametrize(
    ("kind", "flags", "asked"),
    [
        ("up", (), [("refresh", ()), ("up", ())]),
        (
            "up",
            ("--replace=a", "--target=a"),
            [("refresh", ()), ("up", ("--target=a",))],
        ),
        ("destroy", (), [("refresh", ()), ("destroy", ())]),
        ("destroy", ("--target=a",), [("refresh", ())]),  # the engine knows no target that is gone
        ("refresh", (), [("refresh", ())]),  # the program may rightly want its own value back
        ("import", (), [("refresh", ())]),
        ("state", ("--state-delete=a",), [("refresh", ())]),
    ],
)
def test_the_same_command_is_previewed_once_more(previews, kind, flags, asked):
    assert len(seen_state(plan(kind, *flags), AT, None, None)) == 32

    assert previews.asked == asked


@pytest.mark.parametrize(
    ("kind", "wants", "says"),
    [
        ("up", "up", "an update would still change"),
        ("up", "refresh", "a refresh would still change"),
        ("destroy", "destroy", "a destroy would still change"),
        ("import", "refresh", "a refresh would still change"),
    ],
)
def test_what_is_still_wanted_is_not_confirmed(previews, kind, wants, says):
    previews.wants.add(wants)

    with pytest.raises(Refused, match=says) as refusal:
        seen_state(plan(kind), AT, None, None)

    assert refusal.value.step == 13
