"""SPIFFE ids and client files: what is taken as it stands, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.svid import SpiffeId, client_path, peer_of, read_client


@pytest.mark.parametrize("text", ["spiffe://acme.example/a", "spiffe://a-b_c.d/x/Y/1.2-3_4"])
def test_an_id_is_read_and_written_as_it_stands(text: str) -> None:
    assert str(SpiffeId.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "acme.example/a", "SPIFFE://acme.example/a", "spiffe:///a", "spiffe://acme.example",
        "spiffe://acme.example/", "spiffe://acme.example/a/", "spiffe://acme.example//a",
        "spiffe://Acme.example/a", "spiffe://acme.example/./a", "spiffe://acme.example/../a",
        "spiffe://acme.example/a?b", "spiffe://acme.example/a#b", "spiffe://acme.example/%41",
        "spiffe://user@acme.example/a", "spiffe://acme.example:1/a", "spiffe://acme.example/ä",
        "spiffe://acme.example/a\n", "spiffe://acme.example/" + "a" * 2048,
    ],
)  # fmt: skip
def test_nothing_else_is_an_id(text: str) -> None:
    with pytest.raises(ValueError, match="SPIFFE id"):
        SpiffeId.parse(text)


@pytest.mark.parametrize("data", [b"", b"nothing"])
def test_what_is_no_certificate_is_nobody(data: bytes) -> None:
    with pytest.raises(Refused):
        peer_of(data, "acme.example", timedelta(hours=1))


GOOD = {
    "version": "1",
    "url": '"https://broker.example:8443"',
    "broker": '"spiffe://acme.example/broker"',
    "authority": '"/etc/ca.pem"',
    "certificate": '"/etc/me.pem"',
    "key": '"/etc/me.key"',
}


def written(folder: Path, **changes: str | None) -> Path:
    path = folder / "client.toml"
    path.touch(mode=0o600)
    lines = {name: value for name, value in (GOOD | changes).items() if value is not None}
    path.write_text("\n".join(f"{name} = {value}" for name, value in lines.items()))
    return path


def test_a_client_file_says_where_and_who(tmp_path: Path) -> None:
    found = read_client(written(tmp_path))

    assert (found.host, found.port, str(found.broker)) == (
        "broker.example",
        8443,
        "spiffe://acme.example/broker",
    )
    assert found.files.key == Path("/etc/me.key")


@pytest.mark.parametrize(
    "changes",
    [
        {"url": '"http://broker.example"'}, {"url": '"https://broker.example/path"'}, {"url": "1"},
        {"broker": '"broker"'}, {"key": '"me.key"'}, {"version": "2"}, {"key": None},
        {"more": "1"},
    ],
)  # fmt: skip
def test_a_client_file_that_says_something_else_is_refused(tmp_path: Path, changes) -> None:
    with pytest.raises(UsageError, match="malformed"):
        read_client(written(tmp_path, **changes))


def test_a_client_file_is_the_machines_own(tmp_path: Path, monkeypatch) -> None:
    path = written(tmp_path)
    path.chmod(0o666)
    with pytest.raises(Refused, match="can be changed by others"):
        read_client(path)
    with pytest.raises(UsageError, match="no broker client file"):
        read_client(tmp_path / "absent")

    monkeypatch.setenv("MANDATE_BROKER", "/etc/there.toml")
    assert client_path() == Path("/etc/there.toml")
    monkeypatch.delenv("MANDATE_BROKER")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/config")
    assert client_path() == Path("/etc/config/pulumi-mandate/broker-client.toml")
