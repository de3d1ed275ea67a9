from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.edge import EdgeMachine
from pulumi_mandate.errors import SignerError, UsageError


def test_everything_has_its_place_below_the_home():
    machine = EdgeMachine.from_environment({"MANDATE_HOME": "/var/mandate"})

    assert machine == EdgeMachine(
        Path("/var/mandate/edge/inboxes"),
        Path("/var/mandate/edge/marks"),
        Path("/var/mandate/edge/signing-key.pem"),
        Path("/var/mandate/edge/trusted"),
    )


@pytest.mark.parametrize(
    ("environment", "home"),
    [
        ({"XDG_STATE_HOME": "/state"}, "/state/pulumi-mandate"),
        ({}, "/people/ana/.local/state/pulumi-mandate"),
    ],
)
def test_without_a_home_it_is_the_users_own(environment, home, monkeypatch):
    monkeypatch.setenv("HOME", "/people/ana")

    assert EdgeMachine.from_environment(environment).inboxes == Path(home, "edge/inboxes")


def test_each_place_can_be_named(tmp_path):
    machine = EdgeMachine.from_environment(
        {
            "MANDATE_EDGE_INBOXES": "/a",
            "MANDATE_EDGE_MARKS": "/b",
            "MANDATE_EDGE_KEY": "/c",
            "MANDATE_EDGE_TRUSTED": "/d",
            "MANDATE_EDGE_THRESHOLD": "2",
        }
    )

    assert machine == EdgeMachine(Path("/a"), Path("/b"), Path("/c"), Path("/d"), 2)


@pytest.mark.parametrize("marks", ["/a/marks", "/a", "/x/../a/marks"])
def test_the_memory_may_not_lie_where_it_can_be_rolled_back(marks):
    with pytest.raises(UsageError, match="inside MANDATE_EDGE_INBOXES"):
        EdgeMachine.from_environment({"MANDATE_EDGE_INBOXES": "/a", "MANDATE_EDGE_MARKS": marks})


@pytest.mark.parametrize("text", ["0", "-1", "one", "1.5", "²"])
def test_a_threshold_is_a_whole_number(text):
    with pytest.raises(UsageError, match="THRESHOLD"):
        EdgeMachine.from_environment({"MANDATE_EDGE_THRESHOLD": text})


def test_a_path_that_depends_on_the_folder_is_refused():
    with pytest.raises(UsageError, match="MANDATE_EDGE_KEY"):
        EdgeMachine.from_environment({"MANDATE_EDGE_KEY": "key.pem"})


def test_a_machine_without_keys_says_so(tmp_path):
    machine = EdgeMachine.from_environment({"MANDATE_HOME": str(tmp_path)})

    with pytest.raises(SignerError):
        machine.inbox("stores")
    with pytest.raises(SignerError, match="cannot be opened"):
        machine.signing_key()
