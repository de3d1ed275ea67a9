"""Denials during a run: read often enough, believed from any endpoint, and silence is not yes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pulumi_mandate.errors import ChainUnreachable, Refused
from pulumi_mandate.gate import run
from pulumi_mandate.gate.ancestor import Engine
from pulumi_mandate.gate.folder import RunFolder
from pulumi_mandate.gate.run import Denials, check_begun, first, resume_run
from pulumi_mandate.models import MandateState, keccak
from tests.gate.cases import RUN, record


class Chain:
    """Answers like a registry with several endpoints."""

    def __init__(self) -> None:
        self.state, self.run, self.denied = MandateState.RUNNING, RUN, None
        self.lease, self.expires, self.time = 900, 2000, 500
        self.keys = [(True, 1), (True, 1)]
        self.reads, self.away = 0, False
        self.renewed: list[int] = []
        self.registry = self.client = self
        self.domain = None

    def denial(self, _):
        self.reads += 1
        if self.away:
            raise ChainUnreachable("away")
        return self.denied

    def mandate(self, _plan, _at=None):
        return SimpleNamespace(
            state=self.state, run_id=self.run, lease_until=self.lease, expires_at=self.expires
        )

    def call_each(self, *_):
        return self.keys

    def now(self):
        return self.time

    def final_block(self):
        return "final"

    def executor(self):
        return SimpleNamespace(sign_renewal=lambda domain, renewal: b"s" * 65)

    def runner(self):
        return "runner"

    def renew(self, _plan, renewal, _signature, _account):
        if self.lease >= 5000:
            raise Refused(0, "too many renewals")
        self.renewed.append(renewal.lease_until)
        self.lease = renewal.lease_until


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def chain():
    return Chain()


def test_a_run_in_order_goes_on_and_is_asked_at_most_every_five_seconds(chain):
    clock = Clock()
    denials = Denials(chain, record(), clock=clock)

    for _ in range(3):
        denials()
    assert chain.reads == 1
    clock.now += 5.1
    denials()
    assert chain.reads == 2


@pytest.mark.parametrize(
    "change",
    [
        {"denied": MandateState.STOPPING}, {"denied": MandateState.REVOKED},
        {"state": MandateState.UNCONFIRMED}, {"state": MandateState.APPROVED},
        {"run": keccak(b"another")}, {"time": 900}, {"expires": 500},
        {"keys": [(True, 1), (False, 1)]}, {"keys": [(True, 1), (True, 2)]},
    ],
    ids=["stopping", "revoked", "closed", "reorganised", "other run", "lease", "window",
         "key revoked on one endpoint", "key rotated"],
)  # fmt: skip
def test_any_denial_refuses(chain, change):
    for name, value in change.items():
        setattr(chain, name, value)

    with pytest.raises(Refused) as refusal:
        Denials(chain, record())()
    assert refusal.value.step == 10


def test_a_lease_that_runs_short_is_renewed(chain):
    clock = Clock()
    denials = Denials(chain, record(), clock=clock)
    denials()
    assert chain.renewed == []

    chain.time, clock.now = 700, 200.0
    denials()
    assert chain.renewed == [1600]


def test_a_lease_that_cannot_be_renewed_is_used_to_its_end(chain):
    chain.lease, chain.expires, chain.time = 5000, 9000, 4999
    denials = Denials(chain, record(), max_age=-1.0)
    denials()
    chain.time = 5000

    with pytest.raises(Refused):
        denials()


def test_a_denial_is_never_cached_as_a_yes(chain):
    clock = Clock()
    denials = Denials(chain, record(), clock=clock)
    chain.denied = MandateState.STOPPING
    for _ in range(2):
        with pytest.raises(Refused):
            denials()
    assert chain.reads == 2


def test_a_chain_that_is_away_is_not_a_yes(chain):
    clock = Clock()
    denials = Denials(chain, record(), clock=clock)
    denials()
    chain.away = True
    denials()  # still fresh
    clock.now += 6

    with pytest.raises(ChainUnreachable):
        denials()


@pytest.mark.parametrize("change", [{"state": MandateState.APPROVED}, {"run": keccak(b"another")}])
def test_a_begin_that_is_not_final_is_no_begin(chain, change):
    check_begun(chain, record())
    for name, value in change.items():
        setattr(chain, name, value)

    with pytest.raises(Refused) as refusal:
        check_begun(chain, record())
    assert refusal.value.step == 9


def test_a_resumed_run_forgets_how_its_last_engine_left_it(chain, monkeypatch, tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_record(record())
    folder.write_result({"status": "open"})
    seen = []
    monkeypatch.setattr(run, "start_watcher", lambda folder, *_: seen.append(folder.result()))
    lock = SimpleNamespace(descriptor=-1, release=lambda: None)
    place = run.Place(None, "s", Path("p"), Engine(7, 8, "pulumi", (), {}), lock)

    resume_run(chain, folder, place, lambda _: None)

    assert seen == [None]
    assert folder.record().engine_pid == 7


def test_the_first_check_is_asked_until_it_held_once():
    asked, answers = [], [Refused(9, "changed"), None]

    def check():
        asked.append("check")
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    both = first(check, lambda: asked.append("then"))
    with pytest.raises(Refused):
        both()
    both()
    both()

    assert asked == ["check", "check", "then", "then"]
