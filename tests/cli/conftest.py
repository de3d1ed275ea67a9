"""Commands in this process, on a real chain: people with keystores, a store, a document."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_keyfile import create_keyfile_json

from pulumi_mandate.chain.trust import Key, Trust, render_trust
from pulumi_mandate.cli import main
from tests.audit.cases import SOURCE, History
from tests.chain.genesis import Person

PASSPHRASE = "correct horse"
PEOPLE = ("proposer", "ana", "ben", "cleo", "stranger", "guardian")


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Office:
    """A machine with a trust file, and a plan that nobody has proposed yet."""

    history: History
    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def plan_file(self) -> Path:
        path = self.folder / "plan.json"
        path.write_bytes(self.history.document.data)
        self.history.sources.store.put(SOURCE.data)
        return path

    @property
    def trust_file(self) -> Path:
        return self.folder / "trust.toml"

    def mandate(self, *words: str) -> Said:
        self.capture.readouterr()
        code = main([*words, "--trust", str(self.trust_file)])
        printed = self.capture.readouterr()
        return Said(code, printed.out, printed.err)

    def ok(self, *words: str) -> Said:
        said = self.mandate(*words)
        assert said.code == 0, f"{words}: {said}"
        return said

    def advance(self, seconds: int) -> None:
        self.history.deployment.advance(seconds)


def trust_of(made: History, folder: Path) -> Trust:
    people = made.deployment.people
    return dataclasses.replace(
        made.deployment.trust,
        store_uri=f"file://{folder / 'store'}",
        executor=key_of(people["executor"], folder),
        runner=key_of(people["runner"], folder),
        accounts={name: key_of(people[name], folder) for name in PEOPLE},
    )


def key_of(person: Person, folder: Path) -> Key:
    file, passphrase = folder / f"{person.name}.json", folder / "passphrase"
    for path, text in (
        (passphrase, PASSPHRASE),
        (
            file,
            json.dumps(
                create_keyfile_json(
                    bytes(person.local.key), PASSPHRASE.encode(), kdf="scrypt", iterations=2
                )
            ),
        ),
    ):
        path.touch(mode=0o600)
        path.write_text(text)
    return Key(f"keystore://{file}?passphrase-file={passphrase}", person.address)


@pytest.fixture
def office(
    chain_service: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    folder = tmp_path / "office"
    folder.mkdir()
    made = History.start(chain_service, folder / "store")
    trust_file = folder / "trust.toml"
    trust_file.touch(mode=0o600)
    trust_file.write_text(render_trust(trust_of(made, folder)))
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path / "machine"))
    return Office(made, folder, capsys)
