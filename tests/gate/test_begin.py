"""Spending a mandate: what is on disk and who watches before anything is on chain."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pulumi_mandate.errors import ChainError, ContractRefused, Refused, SignerError
from pulumi_mandate.gate import run
from pulumi_mandate.gate.ancestor import Engine
from pulumi_mandate.gate.folder import SubjectLock, run_folders
from pulumi_mandate.gate.run import Base, Place, begin_run, resume_run
from pulumi_mandate.models import MandateState, keccak, to_hex
from tests.gate.cases import DOMAIN, EXECUTOR, RUNNER, SUBJECT, document, evidence, hash_of

PLAN = document()


class Machine:
    """Chain and keys that note the order in which they are used."""

    domain, path = DOMAIN, Path("trust.toml")

    def __init__(self, events):
        self.events, self.lease, self.fails = events, 7200, {}
        self.registry = self.client = self
        self.block = SimpleNamespace(number=9)
        self.begun = None

    def _do(self, name):
        self.events.append(name)
        if name in self.fails:
            raise self.fails[name]

    def executor(self):
        def sign(domain, order):
            self._do("sign")
            return b"s" * 65

        return SimpleNamespace(address=EXECUTOR, sign_order=sign)

    def runner(self):
        return SimpleNamespace(address=RUNNER)

    def now(self):
        return 1000

    def key_epoch(self):
        return 4

    def terms(self, tier):
        return SimpleNamespace(max_lease=self.lease)

    def begin(self, plan, order, signature, account):
        self._do("begin")
        self.begun = order
        return SimpleNamespace(transaction=keccak(b"begin"), block=self.block)

    def wait_final(self, block, progress):
        progress(7, 9)
        progress(9, 9)
        self._do("final")

    def final_block(self):
        return "final"

    def mandate(self, _plan, _at=None):
        run_id = self.begun.run_id if self.begun else keccak(b"nobody")
        return SimpleNamespace(state=MandateState.RUNNING, run_id=run_id)


@pytest.fixture
def events():
    return []


@pytest.fixture
def place(monkeypatch, tmp_path, events):
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path))

    def start(folder, environment, keep):
        assert folder.record().transaction == ""  # the record is there, begin is not
        assert environment == {"A": "b"}
        assert keep[0] >= 0
        events.append("watch")

    monkeypatch.setattr(run, "start_watcher", start)
    lock = SubjectLock(SUBJECT)
    lock.take()
    engine = Engine(7, 8, "/bin/pulumi", ("pulumi", "up"), {"A": "b"})
    yield Place(SUBJECT, "acme/shop/prod", tmp_path, engine, lock)
    lock.release()


BASE = Base({"urn:a": "0x01"}, {"m": "0x02"})


def begin(machine, place, said=lambda _: None):
    return begin_run(machine, evidence(PLAN), PLAN, place=place, base=BASE, say=said)


def test_signed_recorded_watched_begun_final(place, events):
    machine, said = Machine(events), []

    folder = begin(machine, place, said.append)

    assert events == ["sign", "watch", "begin", "final"]
    record = folder.record()
    assert record.order == machine.begun
    assert record.order.plan_hash == hash_of(PLAN)
    assert (record.order.lease_until, record.order.deadline) == (1000 + 3600, 1000 + 600)
    assert (record.order.key_epoch, record.order.runner) == (4, RUNNER)
    assert record.transaction == to_hex(keccak(b"begin"))
    assert (record.before, record.modules) == (BASE.before, BASE.modules)
    assert (record.engine_pid, record.engine_started) == (7, 8)
    assert place.lock.descriptor == -1  # the watcher's now
    assert any("block 7 of 9" in line for line in said)


def test_two_runs_have_two_ids(place, events, tmp_path):
    machine = Machine(events)
    first = begin(machine, place).record().run_id
    place.lock.take()
    second = begin(machine, place).record().run_id

    assert first != second


def test_the_tiers_lease_is_kept(place, events):
    machine = Machine(events)
    machine.lease = 60

    assert begin(machine, place).record().order.lease_until == 1060


def test_a_tier_without_terms_runs_nothing(place, events):
    machine = Machine(events)
    machine.lease = 0

    with pytest.raises(ChainError, match="no terms"):
        begin(machine, place)
    assert events == []


def test_a_key_that_refuses_leaves_nothing_behind(place, events):
    machine = Machine(events)
    machine.fails["sign"] = SignerError("disabled")

    with pytest.raises(SignerError):
        begin(machine, place)
    assert events == ["sign"]
    assert list(run_folders()) == []


def test_a_registry_that_refuses_leaves_a_record_for_the_watcher(place, events):
    machine = Machine(events)
    machine.fails["begin"] = ContractRefused("another plan runs", error="PlanRegistrySubjectBusy")

    with pytest.raises(Refused):
        begin(machine, place)
    (folder,) = run_folders()
    assert folder.record().transaction == ""


def test_a_run_is_resumed_under_its_own_id_by_another_engine(place, events):
    machine = Machine(events)
    folder = begin(machine, place)
    before = folder.record()
    engine = Engine(70, 80, "/bin/pulumi", ("pulumi", "up"), {"A": "b"})
    place.lock.take()
    events.clear()
    folder.write_record(run.replace(before, transaction=""))

    resume_run(machine, folder, run.replace(place, engine=engine), lambda _: None)

    after = folder.record()
    assert events == ["watch"]
    assert (after.engine_pid, after.engine_started) == (70, 80)
    assert after.order == before.order
