from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.chain.trust import parse_trust, render_trust
from pulumi_mandate.dev import genesis
from pulumi_mandate.dev.home import DevHome, write_private
from pulumi_mandate.dev.people import PEOPLE, holders, keys_of_people
from pulumi_mandate.dev.subjects import DEMO, commitment_key
from pulumi_mandate.errors import UsageError
from pulumi_mandate.gate.previewer import Isolation
from pulumi_mandate.models import Subject
from pulumi_mandate.signing import open_signer
from tests.chain.test_trust import TRUST


@pytest.fixture
def home(tmp_path):
    found = DevHome(tmp_path / "a home")
    found.prepare()
    return found


def test_everybody_has_a_key_of_his_own_that_opens_and_stays(home):
    keys = keys_of_people(home)

    assert set(keys) == {person.name for person in PEOPLE}
    assert len({key.address for key in keys.values()}) == len(PEOPLE)
    assert keys_of_people(home) == keys
    for key in keys.values():
        assert open_signer(key.uri, key.address).address == key.address


def test_nobody_else_can_read_any_of_it(home):
    keys_of_people(home)
    commitment_key(home, DEMO)

    assert home.root.stat().st_mode & 0o777 == 0o700
    for file in home.root.rglob("*"):
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0, file


def test_a_key_that_was_made_half_way_is_finished(home):
    keys = keys_of_people(home)
    (home.keys / "ana.addr").unlink()
    (home.keys / "bo.json").unlink()

    again = keys_of_people(home)

    assert again["ana"] == keys["ana"]
    assert again["bo"].address != keys["bo"].address
    assert open_signer(again["bo"].uri, again["bo"].address)


def test_only_voters_hold_tokens(home):
    keys = keys_of_people(home)

    assert {one["holder"] for one in holders(keys)} == {
        keys[name].address for name in ("bo", "chi", "dee")
    }


def test_every_stack_has_its_own_commitment_key(home):
    other = Subject("dev", "organization", "shop", "staging")

    assert commitment_key(home, DEMO) == commitment_key(home, DEMO)
    assert commitment_key(home, DEMO) != commitment_key(home, other)


def test_where_the_home_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/nobody")
    default = Path("/nobody/.local/state/pulumi-mandate/dev")

    assert DevHome.find(environment={}).root == default
    assert DevHome.find(environment={"MANDATE_DEV_HOME": "/x"}).root == Path("/x")
    assert DevHome.find(tmp_path, {"MANDATE_DEV_HOME": "/x"}).root == tmp_path
    with pytest.raises(UsageError, match="absolute"):
        DevHome.find(environment={"MANDATE_DEV_HOME": "x"})


def test_a_home_that_cannot_be_made_is_a_plain_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="cannot be made"):
        DevHome(tmp_path / "file" / "home").prepare()


def test_previews_of_the_demo_are_in_a_cell_where_there_is_one(monkeypatch):
    """They reach the emulated cloud by its port, and not the KMS beside it."""
    given = Isolation(True)
    monkeypatch.setattr(genesis, "probe", lambda _: given)
    made, remark = genesis.isolated(TRUST, "http://127.0.0.1:4566")
    assert parse_trust(render_trust(made) + remark) == made
    assert made.previewer.required
    assert made.previewer.egress == (("127.0.0.1", 4566),)

    given = Isolation(False, missing="network namespace: Operation not permitted")
    made, remark = genesis.isolated(TRUST, "http://127.0.0.1:4566")
    assert made == TRUST
    assert parse_trust(render_trust(made) + remark) == TRUST
    assert "# previews are not isolated here (network namespace: Op" in remark


def test_ports_are_remembered_and_nonsense_is_not(home):
    assert home.remembered("cloud") is None

    home.remember({"cloud": 5000})
    assert home.remembered("cloud") == 5000

    write_private(home.root / "ports.json", "{")
    assert home.remembered("cloud") is None
