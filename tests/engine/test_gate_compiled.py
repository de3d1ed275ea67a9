"""`mandate up` of a compiled program: Go, with the Go SDK, over the engine's own gRPC. What was
approved is the binary. On the echo provider and our host for compiled programs, two stand-ins."""

from __future__ import annotations

import shutil

import pytest

from pulumi_mandate.models import MandateState
from tests.engine.echoes import Echoes
from tests.plugins.gate_fixtures import Governed
from tools.pulumi_languages import PROGRAM

pytestmark = [pytest.mark.engine, pytest.mark.chain]

PROJECT = "name: shop\nruntime:\n  name: go\n  options:\n    binary: ./program\n"


@pytest.fixture
def shop(governed: Governed, echo_path: str, monkeypatch: pytest.MonkeyPatch) -> Echoes:
    assert PROGRAM.exists(), "run `make browser`"
    found = Echoes(governed, echo_path, monkeypatch)
    found.write("Pulumi.yaml", PROJECT)
    found.write("more.txt", "second\n")
    shutil.copy(PROGRAM, governed.folder / "program")
    governed.pulumi("config", "set", "--secret", "token", "hidden")
    return found


def test_without_with_stale_and_someone_elses_mandate(shop: Echoes) -> None:
    governed = shop.governed
    binary = governed.folder / "program"
    honest = binary.read_bytes()
    # Without.
    assert "refused at step 3: there is no mandate" in shop.run("up", code=3)

    # Someone else's: a program of the same sources, compiled by somebody else.
    binary.write_bytes(honest + b"\0")
    theirs = governed.approve()
    binary.write_bytes(honest)
    output = shop.run("up", code=3)
    assert "refused at step 6: the program is not the one that was voted on" in output
    assert governed.mandate(theirs).state is MandateState.APPROVED
    assert shop.calls == []

    # With.
    plan = governed.approve()
    output = shop.run("up")
    assert "completed" in output
    assert "hidden" not in output
    assert shop.calls == ["create first", "create second"]
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED

    # Stale: the program goes on after the vote.
    shop.write("more.txt", "second third\n")
    stale = governed.approve()
    shop.write("more.txt", "second third fourth\n")
    assert "refused at step 6" in shop.run("up", code=3)
    assert governed.mandate(stale).state is MandateState.APPROVED
    assert shop.calls == ["create first", "create second"]
