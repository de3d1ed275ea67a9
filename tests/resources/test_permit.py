"""The gate inside a provider, without an engine: whose run it is, whether it stands, what is left.

tests/attacks/test_provider_without_the_gate.py does the same with the real engine and chain.
"""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.chain.trust import CONTRACTS, Governors, Trust, render_trust
from pulumi_mandate.errors import ChainUnreachable, EngineError, MandateError, Refused
from pulumi_mandate.gate import ancestor
from pulumi_mandate.gate.ancestor import Engine
from pulumi_mandate.gate.environment import UNGOVERNED
from pulumi_mandate.gate.folder import RunFolder, run_folder
from pulumi_mandate.gate.grants import Grants
from pulumi_mandate.gate.wire import HookCall
from pulumi_mandate.governance.registry import Registry
from pulumi_mandate.models import MandateState
from pulumi_mandate.resources import _permit
from pulumi_mandate.resources._permit import Permit, permit_for
from pulumi_mandate.resources.governed import (
    Found,
    GovernedInputs,
    GovernedOutputs,
    GovernedProvider,
)
from tests.gate.cases import record, urn

PROPS = {"__provider": "code", "text": "new"}
REGISTRY = "0x" + "01" * 20


class TextInputs(GovernedInputs):
    text: str


class TextOutputs(GovernedOutputs):
    size: int


class TextProvider(GovernedProvider[TextInputs, TextOutputs]):
    """The smallest provider, and the log of what its cloud was asked."""

    model = TextInputs
    calls: list[str] = []  # noqa: RUF012  # of the class: a provider holds nothing itself

    def make(self, inputs: TextInputs, permit: Permit) -> tuple[str, TextOutputs]:
        self.calls.append("create")
        return "7", TextOutputs(size=len(inputs.text))

    def look(self, id_: str, state: Any) -> Found[TextOutputs] | None:
        return None

    def change(self, id_: str, old: Any, inputs: TextInputs, permit: Permit) -> TextOutputs:
        self.calls.append("update")
        return TextOutputs(size=len(inputs.text))

    def remove(self, id_: str, state: Any, permit: Permit) -> None:
        self.calls.append("delete")


@pytest.fixture
def provider(monkeypatch) -> TextProvider:
    monkeypatch.setattr(TextProvider, "calls", [])
    return TextProvider()


@pytest.fixture
def run(tmp_path, monkeypatch) -> RunFolder:
    """A run that the engine with pid 7 began, which is the one above this process."""
    addresses = {name: "0x" + f"{number:02x}" * 20 for number, name in enumerate(CONTRACTS, 1)}
    trust = tmp_path / "trust.toml"
    trust.write_text(
        render_trust(Trust(31337, ("http://127.0.0.1:1",), **addresses, deployed_block=0,
                           governors=Governors(*["0x" + "09" * 20] * 3), development=True))
    )  # fmt: skip
    trust.chmod(0o600)
    monkeypatch.delenv(UNGOVERNED)
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path))
    monkeypatch.setenv("MANDATE_TRUST", str(trust))
    engine = Engine(7, 99, "/usr/bin/pulumi", ("pulumi", "up"), {})
    monkeypatch.setattr(ancestor, "find_engine", lambda: engine)
    monkeypatch.setattr(_permit, "_end_with", lambda *_: None)  # it is not there
    made = record(engine_pid=7, engine_started=99, trust=str(trust))
    folder = run_folder(made.run_id, tmp_path)
    folder.write_record(made)
    Grants(folder.path).renew()
    return folder


@pytest.fixture
def standing(run, monkeypatch) -> RunFolder:
    """The same, and the chain says that it is going on."""
    monkeypatch.setattr(_permit, "_standing", lambda *_, **__: (31337, REGISTRY))
    return run


def allow(
    run: RunFolder, moment: Any = "create", index: int = 0, id_: str = "", seconds: float = 0
) -> None:
    state = PROPS | {"identity": "", "size": 3}
    call = HookCall(moment, urn("a"), id_, "t", PROPS, None, None, None, state)
    Grants(run.path).give(call, index, seconds)


def test_an_allowed_operation_is_done_in_the_name_of_its_mandate(standing, provider) -> None:
    allow(standing)
    permit = permit_for("create", "", PROPS)

    assert permit.binding is not None
    assert permit.binding.plan_hash == standing.record().plan_hash
    assert permit.binding.run_id == standing.record().run_id
    assert (permit.binding.chain_id, permit.binding.registry) == (31337, REGISTRY)

    allow(standing)
    allow(standing, "update", 1, "7")
    allow(standing, "delete", 2, "7")
    made = provider.create(PROPS)
    provider.update("7", made.outs, PROPS)
    provider.delete("7", PROPS | made.outs)
    assert provider.calls == ["create", "update", "delete"]
    assert made.outs["size"] == 3


def test_the_key_is_the_operations_own_and_a_resumed_run_has_the_same(standing) -> None:
    def key(index: int) -> str:
        allow(standing, index=index)
        return permit_for("create", "", PROPS).key

    first = key(0)
    Grants(standing.path).renew()  # another engine goes on with the run

    assert key(0) == first
    assert key(1) != first
    assert len(first) == 64


def test_the_way_back_of_a_run_has_operations_of_its_own(standing) -> None:
    """Counted anew: the first of them is not the first of the run."""
    allow(standing)
    forward = permit_for("create", "", PROPS)
    record_ = standing.record()
    standing.write_record(dataclasses.replace(record_, engine_pid=1))
    standing.undo.write_record(record_)
    Grants(standing.undo.path).renew()
    allow(standing)  # of the run, whose engine is gone
    with pytest.raises(Refused, match="no such operation"):
        permit_for("create", "", PROPS)

    allow(standing.undo)
    back = permit_for("create", "", PROPS)

    assert back.binding == forward.binding
    assert back.key != forward.key


@pytest.mark.parametrize(
    ("told", "undo", "stands"),
    [
        ((MandateState.RUNNING, False), False, True),
        ((MandateState.RUNNING, False), True, True),
        ((MandateState.STOPPING, False), False, False),
        ((MandateState.STOPPING, False), True, True),
        ((MandateState.STOPPING, True), True, False),
        ((MandateState.FAILED, False), True, False),
    ],
)
def test_what_the_chain_must_say(run, monkeypatch, told, undo, stands) -> None:
    about = run.record()
    answer = SimpleNamespace(state=told[0], hard=told[1], run_id=about.run_id)
    monkeypatch.setattr(Registry, "mandate", lambda *_: answer)
    _permit._standing.cache_clear()

    def ask() -> tuple[int, str]:
        return _permit._standing(Path(about.trust), about.plan_hash, about.run_id, undo=undo)

    if stands:
        assert ask()[0] == 31337
    else:
        with pytest.raises(Refused, match="not going on"):
            ask()
    _permit._standing.cache_clear()


def refused(provider: TextProvider, said: str) -> None:
    acts = (
        lambda: provider.create(PROPS),
        lambda: provider.update("7", PROPS, PROPS),
        lambda: provider.delete("7", PROPS),
    )
    for act in acts:
        with pytest.raises(MandateError, match=said):
            act()
    assert provider.calls == []


def test_no_engine_above_refuses(run, provider, monkeypatch) -> None:
    monkeypatch.undo()
    monkeypatch.delenv(UNGOVERNED, raising=False)
    with pytest.raises(Refused, match="does not run below a `pulumi` command"):
        TextProvider().create(PROPS)


def test_no_hook_was_asked(standing, provider) -> None:
    refused(provider, "has not allowed this")


def test_the_run_of_another_engine_is_not_ours(standing, provider) -> None:
    allow(standing)
    trust = standing.record().trust
    standing.write_record(record(engine_pid=7, engine_started=98, trust=trust))

    refused(provider, "no governed run has begun for this engine")


@pytest.mark.parametrize("status", ["completed", "failed", "not-begun", "open"])
def test_a_run_that_is_over_allows_nothing(standing, provider, status) -> None:
    allow(standing)
    standing.write_result({"status": status})

    refused(provider, "was closed already")


def test_another_trust_file_than_the_runs_refuses(
    standing, provider, monkeypatch, tmp_path
) -> None:
    allow(standing)
    monkeypatch.setenv("MANDATE_TRUST", str(tmp_path / "other.toml"))

    refused(provider, "another trust file")


def test_a_chain_that_does_not_answer_says_nothing_and_nothing_is_not_yes(run, provider) -> None:
    allow(run)

    with pytest.raises(ChainUnreachable):
        provider.create(PROPS)
    assert provider.calls == []
    assert list((run.path / "grants").glob("*-0"))  # not used up


def test_a_record_that_cannot_be_read_refuses(run, provider) -> None:
    (run.path / "run.json").write_text("{}")

    refused(provider, ".")


def test_whatever_goes_wrong_refuses(run, provider, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr(_permit, "_standing", broken)
    with pytest.raises(Refused, match=r"cannot be told \(KeyError\)") as refusal:
        provider.create(PROPS)
    assert "hunter2" not in refusal.value.diagnostics()


def test_a_preview_needs_nothing(run, provider) -> None:
    checked = provider.check({}, PROPS)

    assert checked.failures == []
    assert provider.diff("7", checked.inputs, checked.inputs | {"text": "x"}).changes is True
    assert provider.read("7", PROPS).id == ""


@pytest.mark.parametrize("value", ["", "no", "1", "YES", "true"])
def test_only_the_exact_word_leaves_governance(standing, provider, monkeypatch, value) -> None:
    monkeypatch.setenv(UNGOVERNED, value)

    refused(provider, "has not allowed this")


def test_an_ungoverned_stack_says_so_each_time(run, provider, monkeypatch, capsys) -> None:
    monkeypatch.setenv(UNGOVERNED, "yes")

    provider.create(PROPS)

    assert provider.calls == ["create"]
    assert f"create without a mandate: {UNGOVERNED} is set" in capsys.readouterr().err


class SlowProvider(TextProvider):
    """Its cloud answers when it is let."""

    let = threading.Event()

    def _wait(self, *_: Any) -> Any:
        self.let.wait(30)

    make = look = change = remove = _wait


@pytest.mark.parametrize("voted", [True, False])
def test_nobody_waits_longer_than_was_voted_or_else_than_the_class_says(
    standing, monkeypatch, voted: bool
) -> None:
    """`custom_timeouts` reach no dynamic provider by Pulumi's own ways."""
    monkeypatch.setattr(SlowProvider, "patience", 60 if voted else 0.05)
    monkeypatch.setattr(SlowProvider, "let", let := threading.Event())
    slow = SlowProvider()
    seconds = 0.05 if voted else 0
    for moment, act in (
        ("create", lambda: slow.create(PROPS)),
        ("update", lambda: slow.update("7", PROPS, PROPS)),
        ("delete", lambda: slow.delete("7", PROPS | {"identity": "", "size": 3})),
    ):
        allow(standing, moment, id_="" if moment == "create" else "7", seconds=seconds)
        with pytest.raises(EngineError, match=f"{moment} by SlowProvider took longer than 0"):
            act()
    if not voted:  # a refresh runs under no grant
        with pytest.raises(EngineError, match="read by SlowProvider took longer than 0"):
            slow.read("7", PROPS)
    let.set()


def test_a_time_out_of_the_cloud_is_the_clouds_own(standing, provider, monkeypatch) -> None:
    def late(*_: object) -> None:
        raise TimeoutError("the cloud")

    monkeypatch.setattr(TextProvider, "make", late)
    allow(standing)

    with pytest.raises(TimeoutError, match="the cloud"):
        provider.create(PROPS)


@pytest.mark.parametrize("name", ["create", "read", "update", "delete"])
def test_a_subclass_cannot_go_past_the_gate(name) -> None:
    with pytest.raises(TypeError, match=f"Sly defines {name}, which would go past the gate"):
        type("Sly", (TextProvider,), {name: lambda *_: None})
