"""What a preview's cell contains of this machine's variables and files."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from pulumi_mandate.chain.previewing import Peer, Previewer
from pulumi_mandate.chain.trust import Key
from pulumi_mandate.gate.egress import ports_of, proxy_environment
from pulumi_mandate.gate.reach import cell_environment, hidden_paths, needed_paths
from tests.chain.test_trust import TRUST, address


def test_only_listed_variables_enter() -> None:
    given = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "PULUMI_CONFIG_PASSPHRASE": "the program is given its secrets by design",
        "AWS_REGION": "eu-central-1",
        "IMAGE_TAG": "7",
        "AWS_SECRET_ACCESS_KEY": "s",
        "KUBECONFIG": "/k",
        "SSH_AUTH_SOCK": "/s",
        "MANDATE_TRUST": "/t",
        "DATABASE_URL": "d",
        "HTTPS_PROXY": "http://everywhere.example",
        "LD_PRELOAD": "/evil.so",
        "TMPDIR": "/tmp",
    }
    found = cell_environment(given, Previewer(variables=("IMAGE_TAG",)), Path("/own"))
    assert found == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "PULUMI_CONFIG_PASSPHRASE": given["PULUMI_CONFIG_PASSPHRASE"],
        "AWS_REGION": "eu-central-1",
        "IMAGE_TAG": "7",
        "TMPDIR": "/own",
        "XDG_CACHE_HOME": "/own/cache",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_the_way_out_is_a_proxy_only_where_there_is_one() -> None:
    here = Previewer(egress=(Peer("localhost", 3128), Peer("127.0.0.1", 80)))
    assert ports_of(Previewer()) == ()
    assert ports_of(here) == (80, 3128)
    assert proxy_environment(here) == {}
    beyond = Previewer(egress=(*here.egress, Peer("a.example", 443)))
    assert ports_of(beyond) == (80, 3128, 3129)
    assert proxy_environment(beyond)["https_proxy"] == "http://127.0.0.1:3129"


def test_keys_journals_and_sockets_are_hidden_and_the_program_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    state = home / ".local/state/pulumi-mandate"
    for folder in (state / "runs", state / "dev/backend", state / "dev/keys", home / ".aws"):
        folder.mkdir(parents=True)
    keystore, phrase = tmp_path / "a key.json", tmp_path / "phrase"
    keystore.touch()
    phrase.touch()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "MANDATE_HOME", "MANDATE_TRUST"):
        monkeypatch.delenv(name, raising=False)
    uri = f"keystore://{str(keystore).replace(' ', '%20')}?passphrase-file={phrase}"
    extra = tmp_path / "extra"
    extra.mkdir()
    trust = dataclasses.replace(
        TRUST,
        executor=Key(uri, address(1)),
        previewer=Previewer(hide=(str(extra), str(extra / "inner"), "/no/such/place")),
    )
    environment = {
        "HOME": str(home),
        "PATH": "/bin",
        "PULUMI_BACKEND_URL": (state / "dev/backend").as_uri(),
    }
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "broker.sock"))
        server.listen()
        needed = needed_paths(tmp_path / "program", environment)
        found = list(hidden_paths(trust, environment, needed))

    for path in (keystore, phrase, extra, home / ".aws", state / "runs", state / "dev/keys"):
        assert path in found, path
    assert tmp_path / "broker.sock" in found
    # The backend is needed, so what is around it is hidden and it is not.
    assert not any((state / "dev/backend").is_relative_to(path) for path in found)
    assert all(path.exists() for path in found)


def test_what_makes_this_machine_a_caller_of_the_broker_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of a `broker:` executor, and that of the file which `mandate credentials` reads."""
    wanted = set()
    for name in ("named", "own"):
        client, key = tmp_path / f"{name}.toml", tmp_path / f"{name}.key"
        client.touch(mode=0o600)
        client.write_text(
            'version = 1\nurl = "https://broker.example"\nbroker = "spiffe://acme.example/broker"\n'
            f'authority = "/ca.pem"\ncertificate = "/me.pem"\nkey = "{key}"\n'
        )
        key.touch()
        wanted |= {client, key}
    monkeypatch.setenv("MANDATE_BROKER", str(tmp_path / "own.toml"))
    executor = Key(f"broker://{tmp_path / 'named.toml'}", address(1))
    trust = dataclasses.replace(TRUST, executor=executor, previewer=Previewer())

    assert wanted <= set(hidden_paths(trust, {}, ()))

    # A client file that cannot be read names no key, and is hidden all the same.
    (tmp_path / "named.toml").write_text("version = 2")
    assert wanted - {tmp_path / "named.key"} <= set(hidden_paths(trust, {}, ()))
