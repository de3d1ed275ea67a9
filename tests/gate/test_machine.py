"""What a machine may use comes from its trust file; what is not named there is not used."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest
from eth_account import Account
from eth_keyfile import create_keyfile_json

from pulumi_mandate.chain.trust import CONTRACTS, Governors, Key, Trust, render_trust
from pulumi_mandate.errors import EngineError, SignerError, UsageError
from pulumi_mandate.gate import machine as module
from pulumi_mandate.gate import refusals, state
from pulumi_mandate.gate.ancestor import Engine
from pulumi_mandate.gate.machine import open_machine
from pulumi_mandate.gate.refusals import record_refusal, refusal_of
from pulumi_mandate.models import Address
from tests.gate.cases import record

ONE = Account.from_key(b"\x01" * 32)
TWO = Account.from_key(b"\x02" * 32)


@pytest.fixture
def trust(tmp_path):
    passphrase = tmp_path / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("p")

    def key(account):
        file = tmp_path / f"{account.address}.json"
        file.touch(mode=0o600)
        content = create_keyfile_json(bytes(account.key), b"p", kdf="scrypt", iterations=2)
        file.write_text(json.dumps(content))
        return Key(f"keystore://{file}?passphrase-file={passphrase}", Address(account.address))

    somewhere = Address("0x" + "11" * 20)
    return Trust(
        31337, ("http://127.0.0.1:9",), *[somewhere] * len(CONTRACTS),
        Governors(*[somewhere] * 3), 0, True,
        f"file://{tmp_path / 'store'}", key(ONE), key(TWO),
    )  # fmt: skip


@pytest.fixture
def opened(tmp_path, trust):
    def make(**changes):
        file = tmp_path / "trust.toml"
        file.touch(mode=0o600)
        file.write_text(render_trust(dataclasses.replace(trust, **changes)))
        return open_machine(file)

    return make


def test_keys_are_opened_when_they_are_used(opened):
    machine = opened()

    assert machine.executor().address == ONE.address
    assert machine.runner().address == TWO.address
    assert machine.domain == machine.trust.domain


@pytest.mark.parametrize("name", ["executor", "runner"])
def test_a_machine_without_keys_may_look_and_not_run(opened, name):
    machine = opened(**{name: None})

    with pytest.raises(UsageError, match=f"names no {name}"):
        machine.executor()


def test_the_executors_key_never_pays(opened, trust):
    with pytest.raises(SignerError, match="executor"):
        opened(runner=trust.executor).runner()


def test_a_development_key_signs_nothing_elsewhere(opened):
    rpc = ("http://127.0.0.1:9", "http://127.0.0.1:10")

    with pytest.raises(SignerError, match="development"):
        opened(development=False, rpc=rpc).executor()


def test_without_a_store_there_is_no_machine(opened):
    with pytest.raises(UsageError, match="plan store"):
        opened(store_uri="")


def test_the_chain_says_whether_a_lease_is_over(opened, monkeypatch):
    machine = opened()
    found = SimpleNamespace(lease_until=500)
    monkeypatch.setattr(machine.registry, "mandate", lambda _: found)
    monkeypatch.setattr(machine.registry, "executor", lambda _: SimpleNamespace(epoch=7))
    for now, over in ((499, False), (500, True)):
        monkeypatch.setattr(machine.client, "now", lambda now=now: now)
        assert machine.lease_over(record()) is over
    assert machine.key_epoch() == 7


def test_the_final_state_is_read_with_the_packages_of_the_beginning(opened, monkeypatch):
    monkeypatch.setattr(state, "export_state", lambda workdir, stack: {"resources": [stack]})
    monkeypatch.setattr(state, "values_of_stack", lambda workdir, stack, modules: modules)

    found = opened().final_state(record(modules={"m": "0x01"}))

    assert found == ({"resources": ["acme/shop/prod"]}, {"m": "0x01"})
    assert module.Machine.__module__ == "pulumi_mandate.gate.machine"


# -- telling the command that started the engine --------------------------------------------


def test_a_refusal_is_kept_for_whoever_started_the_engine(monkeypatch, tmp_path):
    engine = Engine(7, 8, "pulumi", ("pulumi", "up"), {"MANDATE_HOME": str(tmp_path)})
    monkeypatch.setattr(refusals, "find_engine", lambda: engine)
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path / "moved by the program"))

    record_refusal(EngineError("the preview failed", next_step="pulumi preview"))

    monkeypatch.setenv("MANDATE_HOME", str(tmp_path))
    found = refusal_of(7, since=0)
    assert found["happened"] == "the preview failed"
    assert (found["exitCode"], found["started"]) == (6, 8)
    assert refusal_of(7, since=2**40) is None  # another engine's, long ago
    assert refusal_of(9, since=0) is None


def test_a_refusal_that_cannot_be_kept_is_still_a_refusal(monkeypatch, tmp_path):
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    engine = Engine(7, 8, "pulumi", ("pulumi", "up"), {"MANDATE_HOME": str(tmp_path / "file")})
    monkeypatch.setattr(refusals, "find_engine", lambda: engine)

    record_refusal(EngineError("the preview failed"))

    assert refusal_of(7, since=0) is None


def test_the_libraries_of_both_keys_are_loaded_and_no_key_is_opened(opened, monkeypatch):
    loaded = []
    monkeypatch.setattr("pulumi_mandate.signing.load_client", loaded.append)
    found = opened()
    found.load_signing()

    assert loaded == [key.uri for key in (found.trust.executor, found.trust.runner) if key]
    assert "_opened" not in vars(found)
