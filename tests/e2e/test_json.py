"""Every command with `--json`: one JSON value on standard output, and nothing else there.

One story, told in JSON from `dev start` to `dev stop`. Its last line compares what it typed with
the commands that there are, so a new command needs a line here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from pulumi_mandate.cli._app import app
from tests.e2e.conftest import Home
from tests.e2e.stuck import stuck_run
from tools.reference import command_paths

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


class Speaker:
    """Types commands with `--json`, and remembers which."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.typed: set[str] = set()

    def __call__(self, *words: str, cwd: Path | None = None, code: int = 0) -> dict[str, Any]:
        said = self.home.mandate(*words, "--json", cwd=cwd)
        assert said.code == code, (words, said)
        found = json.loads(said.out)  # raises where anything stands before or after it
        assert isinstance(found, dict), words
        self.typed.add(command_of(words))
        return found


def command_of(words: tuple[str, ...]) -> str:
    """The command's own words: `dev start`."""
    command: click.Command = app
    path = []
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.commands[word]
        path.append(word)
    return " ".join(path)


def offering_json() -> set[str]:
    found = set()
    for path in command_paths():
        command: click.Command = app
        for word in path:
            assert isinstance(command, click.Group)
            command = command.commands[word]
        if any("--json" in parameter.opts for parameter in command.params):
            found.add(" ".join(path))
    return found


def test_every_command_that_offers_json_speaks_it(home: Home) -> None:
    speak = Speaker(home)
    assert speak("dev", "start")["running"]
    assert speak("dev", "status")["rpc"].startswith("http://127.0.0.1:")
    assert speak("trust", "show")["development"]
    _keys(speak)
    _rules(speak)

    folder, stuck = stuck_run(home, "json", "json-orders")
    assert speak("dev", "enrol", "json/prod")["version"] >= 1
    assert len(speak("dev", "key", "json/prod")["commitmentKey"]) == 64
    assert speak("doctor", code=2)["findings"]
    assert speak("resume", code=7)["runs"][0]["status"] == "open"
    assert speak("abandon", str(stuck), "--as", "rae", code=3)["error"] == "ContractRefused"
    assert speak("dev", "advance", "3h")["advancedSeconds"] == 3 * 3600
    assert speak("abandon", str(stuck), "--as", "rae")["transaction"]
    assert speak("resume")["runs"][0]["status"] == "failed"
    home.pulumi("cancel", "--yes", cwd=folder)

    _ended_early(speak, folder)
    _run(speak, folder)
    _emergency(speak, folder)
    _governing(speak)

    assert speak("dev", "stop")["stopped"]
    assert speak("status", code=4)["error"] == "ChainUnreachable"
    assert speak.typed == offering_json()


def _keys(speak: Speaker) -> None:
    folder = speak.home.folder
    passphrase = folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("correct horse\n")
    made = speak("keys", "new", str(folder / "key.json"), "--passphrase-file", str(passphrase))
    assert speak("keys", "enrol", made["uri"])["address"] == made["address"]
    assert "executor" in speak("keys", "show")["keys"]
    proof = folder / "proof.json"
    shown = speak("keys", "prove", "executor", "--challenge", "now", "--out", str(proof))
    proven = speak("keys", "proven", str(proof), "--challenge", "now")
    assert (proven["address"], proven["names"]) == (shown["address"], ["executor"])


def _rules(speak: Speaker) -> None:
    file = speak.home.folder / "rules.toml"
    file.write_text('version = 1\n[[rule]]\nid = "r"\nreason = "why"\ntier = "high"\n')
    assert speak("rules", "show")["rules"]
    digest = speak("rules", "check", str(file))["digest"]
    assert speak("rules", "digest", str(file), "--keep")["digest"] == digest


def _ended_early(speak: Speaker, folder: Path) -> None:
    """Two mandates that nobody runs."""
    assert speak("preview", "--as", "ana", cwd=folder)["planHash"]
    withdrawn = speak("propose", "--as", "ana", "--title", "A", cwd=folder)["proposal"]
    waiting = speak("revalidate", "--as", "ana", cwd=folder)["proposals"]
    assert [(row["proposal"], row["verdict"]) for row in waiting] == [(withdrawn, "retain")]
    assert speak("withdraw", str(withdrawn), "--as", "ana")
    revoked = speak.home.approve(folder)
    assert speak("revoke", str(revoked), "--as", "gus")["state"] == "revoked"


def _run(speak: Speaker, folder: Path) -> None:
    """And one that somebody does."""
    number = speak("propose", "--as", "ana", "--title", "B", cwd=folder)["proposal"]
    one = str(number)
    assert speak("show", one)["content"]["operations"]
    assert speak("verify", one)["verified"]
    speak("dev", "advance", "2m")
    for name in ("bo", "chi"):
        assert speak("vote", one, "for", "--as", name)["support"] == "for"
    speak("dev", "advance", "10m")
    assert speak("queue", one, "--as", "rae")["did"] == "queued"
    speak("dev", "advance", "10m")
    assert speak("advance", one, "--as", "rae")["did"] == "executed"
    assert speak("up", cwd=folder)["run"]["status"] == "completed"
    assert speak("status", one)["proposals"][0]["state"] == "unconfirmed"
    assert speak("trace", one)["holds"]
    assert speak("destroy", cwd=folder, code=3)["step"] == 3, "nobody voted to destroy it"
    assert "nothing to change" in speak("refresh", cwd=folder)["sentence"]
    assert speak("import", "nowhere.json", cwd=folder, code=2)["error"]
    urn = "urn:pulumi:dev::shop::a:b:C::nowhere"
    assert speak("state", "delete", urn, cwd=folder, code=6)["error"] == "EngineError"
    for words in (("rename", urn, "--"), ("unprotect", "nowhere"), ("move", urn)):
        assert speak("state", *words, cwd=folder, code=2)["error"] == "UsageError"


def _emergency(speak: Speaker, folder: Path) -> None:
    """And one that cannot wait for a vote: the council declares it, the same gate runs it."""
    program, file = folder / "__main__.py", str(speak.home.folder / "INC-2041.json")
    wider = 'bucket="json-orders", tags={"fixed": "yes"})'
    program.write_text(program.read_text().replace('bucket="json-orders")', wider))
    words = ("--emergency", "INC-2041", "--reason", "the shop is down")
    plan = speak("propose", "--as", "ana", *words, cwd=folder)["planHash"]
    assert speak("up", cwd=folder, code=3)["step"] == 3, "nobody has declared it"
    for seat, declared in (("bo", False), ("chi", True)):
        said = speak("emergency", "declare", plan, "--as", seat, "--file", file)
        assert said["declared"] is declared
    assert speak("up", cwd=folder)["run"]["status"] == "completed"
    assert speak("trace", plan)["holds"]
    report = speak.home.folder / "report.md"
    report.write_text("The shop was down.")
    assert speak("emergency", "acknowledge", "--as", "rae")["incident"] == "INC-2041"
    assert speak("emergency", "report", str(report), "--as", "dee")["report"]
    assert speak("ratify")["ratifications"][0]["owed"]
    assert speak("emergency", "show")["open"]
    assert speak("emergency", "switch-off", "--as", "rae", code=2)["error"] == "UsageError"
    assert speak("emergency", "renew", "--as", "ana")["proposal"]
    assert len(speak("council", "show")["seats"]) == 3
    assert speak("council", "rotate", "--as", "rae", code=3)["error"] == "Refused"
    seats = str(speak.home.folder / "seats.json")
    assert speak("council", "cancel", "--as", "bo", "--file", seats)["needed"] == 2


def _governing(speak: Speaker) -> None:
    """What others say beside the vote; most of it about a proposal that is not there."""
    folder, key = speak.home.folder, "0x" + "9" * 40
    (folder / "nothing").touch()
    assert speak("subjects")["subjects"]
    assert speak("executors", "list")["executors"]
    duties = [one["duty"] for one in speak("obligations")["obligations"]]
    assert duties == ["abandoned", "emergency"]
    assert speak("contracts", "manifest")["manifest"] == speak("contracts", "check")["manifest"]
    assert speak("contracts", "sign", "--as", "ana", code=2)["error"] == "UsageError"
    assert speak("attest", str(folder / "nothing"), "--as", "ana", code=3)["error"]
    for words in (
        ("observe", "99", "--as", "dee"),
        ("cosign", "99", "--as", "bo"),
        ("veto", "99", "--as", "bo"),
        ("ballots", "sign", "99", "for", "--as", "bo", "--out", str(folder / "ballot")),
    ):
        assert "no proposal 99" in speak(*words, code=2)["happened"]
    box = str(folder / "box")
    assert speak("ballots", "collect", box, str(folder / "nothing"))["refused"]
    assert "no ballot" in speak("ballots", "relay", box, "--as", "rae", code=2)["happened"]
    assert speak("executors", "add", key, "--as", "ana")["proposal"]
    for group, new in (("executors", key), ("keys", "0x" + "8" * 40)):
        assert speak(group, "rotate", key, new, "--as", "ana")["proposal"]
        revoked = speak(group, "revoke", key, "--as", "gus", code=3)
        assert revoked["error"] == "ContractRefused"
    seats = ("executors", "admit", key, "--file", str(folder / "seats"))
    assert speak(*seats, "--as", "bo")["seats"], "nobody voted for it yet: the chain will say so"
    assert speak(*seats, "--as", "chi", code=3)["error"] == "ContractRefused"
    _broker(speak)


def _broker(speak: Speaker) -> None:
    """There is none in the demo: `tests/broker` has one. Its commands say so in JSON."""
    folder = speak.home.folder
    key, request, absent = (str(folder / name) for name in ("b.key", "b.csr", "absent.toml"))
    assert speak("certificates", "request", "--key", key, "--out", request)["request"] == request
    no_token = ("--authority-key", "keystore:///k?passphrase-file=/p", "--out", absent)
    issue = ("spiffe://a.example/b", "--request", request, "--authority", request, *no_token)
    for words in (
        ("certificates", "root", "a.example", *no_token),
        ("certificates", "issue", *issue),
        ("certificates", "show", request),
        ("broker", "serve", "--config", absent),
        ("broker", "identity", "--config", absent),
        ("credentials", "aws", "a/b/c", "--backend", "d", "--broker", absent),
        ("credentials", "kubernetes", "a/b/c", "--backend", "d", "--broker", absent),
    ):
        assert speak(*words, code=2)["error"] == "UsageError"
    assert speak("broker", "log", str(folder / "nothing"))["events"] == []
