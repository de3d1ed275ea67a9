"""The watcher waits for one process, finishes once, and is patient with a chain that is away."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pulumi_mandate.errors import (
    ChainError,
    ChainUnreachable,
    EngineError,
    MandateError,
    Refused,
    SignerError,
)
from pulumi_mandate.gate import closing, machine, watcher
from pulumi_mandate.gate.folder import RunFolder, run_folder
from pulumi_mandate.gate.watcher import (
    PATIENCE_SECONDS,
    SHORT_PATIENCE_SECONDS,
    Ending,
    is_pending,
    start_watcher,
    wait_for_end,
    watch,
)
from tests.gate.cases import RUN, RUNNER, record


@pytest.fixture
def folder(tmp_path):
    found = run_folder(RUN, tmp_path)
    found.write_record(record())
    return found


def started(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_it_waits_for_this_process_and_no_other():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    begun, waiter = started(child.pid), None
    wait_for_end(child.pid, begun + 1)  # another process of the same pid: gone already

    waiter = threading.Thread(target=wait_for_end, args=(child.pid, begun))
    waiter.start()
    waiter.join(timeout=0.3)
    assert waiter.is_alive()
    child.communicate(b"\n")
    waiter.join(timeout=10)

    assert not waiter.is_alive()


def test_it_finishes_once(folder):
    said, calls = [], []

    def finish(given):
        calls.append(given)
        return {"status": "completed"}

    assert watch(folder, finish, say=said.append) == {"status": "completed"}
    assert calls == [folder]
    assert said[-1] == "the run is completed"


def test_it_tries_again_while_the_chain_is_away(folder):
    answers = [ChainUnreachable("away")] * 3 + [{"status": "completed"}]
    pauses, said = [], []

    def finish(_):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert watch(folder, finish, say=said.append, pause=pauses.append) is not None
    assert pauses == sorted(pauses)
    assert len(pauses) == 3


def test_its_patience_ends_and_the_run_stays_open(folder):
    pauses = []

    def finish(_):
        raise ChainUnreachable("away")

    assert watch(folder, finish, say=lambda _: None, pause=pauses.append) is None
    assert PATIENCE_SECONDS <= sum(pauses) < 2 * PATIENCE_SECONDS


def test_it_does_not_repeat_what_time_will_not_mend(folder):
    said = []

    def finish(_):
        raise Refused(13, "the chain has another run for this plan", next_step="look at it")

    assert watch(folder, finish, say=said.append, pause=lambda _: pytest.fail("waited")) is None
    assert "another run" in said[-1]


@pytest.mark.parametrize("error", [SignerError("throttled"), EngineError("locked")])
def test_a_key_or_an_engine_that_is_away_is_asked_again_and_not_for_ever(folder, error):
    answers: list[MandateError | dict[str, str]] = [error, error, {"status": "completed"}]
    pauses: list[float] = []

    def finish(_):
        answer = answers.pop(0)
        if isinstance(answer, MandateError):
            raise answer
        return answer

    assert watch(folder, finish, say=lambda _: None, pause=pauses.append) == {"status": "completed"}
    answers += [error] * 1000
    pauses.clear()
    assert watch(folder, finish, say=lambda _: None, pause=pauses.append) is None
    assert SHORT_PATIENCE_SECONDS <= sum(pauses) < 2 * SHORT_PATIENCE_SECONDS


class Chain:
    """What the watcher asks of a machine where the registry knows no run."""

    def __init__(self, now: int) -> None:
        self.time = now
        self.client = self
        self.trust = SimpleNamespace(rpc=("http://127.0.0.1:1",))

    def now(self):
        return self.time


@pytest.fixture
def asked(monkeypatch):
    """Runs the watcher's ending against a chain; what `finish_run` was told, each time."""
    found = []

    def ending(now=100, pending=False):
        chain = Chain(now)
        monkeypatch.setattr(machine, "open_machine", lambda _: chain)
        monkeypatch.setattr(watcher, "is_pending", lambda *_: pending)
        monkeypatch.setattr(
            closing,
            "finish_run",
            lambda folder, _, begin_may_come, program_seen, progress: found.append(
                (begin_may_come(folder.record()), program_seen)
            ),
        )
        return Ending(lambda _: None)

    ending.found = found
    return ending


@pytest.mark.parametrize(
    ("now", "pending", "waits"),
    [
        (100, True, [True, True, True]),  # sent, not mined, and its deadline is ahead
        (100, False, [True, False, False]),  # nothing on its way: one more look, then settled
        (601, True, [False, False, False]),  # after the deadline (600) the registry refuses it
    ],
)
def test_a_begin_that_may_still_be_mined_is_waited_for(folder, asked, now, pending, waits):
    ending = asked(now, pending)
    for _ in waits:
        ending(folder)

    assert [told for told, _ in asked.found] == waits


def test_a_begin_that_was_mined_is_not_waited_for(folder, asked):
    folder.write_record(record(transaction="0x" + "77" * 32))
    asked(100, pending=True)(folder)

    assert asked.found[0][0] is False


def test_the_program_is_looked_at_once_when_the_engine_has_ended(folder, asked, tmp_path):
    program = tmp_path / "program"
    program.mkdir()
    (program / "__main__.py").write_text("first")
    folder.write_record(record(workdir=str(program)))
    ending = asked()
    ending(folder)
    (program / "__main__.py").write_text("an honest edit while the chain was away")
    ending(folder)

    seen = [program_seen for _, program_seen in asked.found]
    assert seen[0] == seen[1]
    assert len(seen[0]) == 66


@pytest.mark.parametrize(("latest", "pending"), [("0x1", "0x1"), ("0x1", "0x2")])
def test_one_waiting_transaction_at_any_endpoint_counts(monkeypatch, latest, pending):
    from pulumi_mandate.chain import rpc

    class Endpoint:
        def __init__(self, url):
            self.url = url

        def call(self, method, _account, where):
            assert method == "eth_getTransactionCount"
            return pending if where == "pending" and self.url == "b" else latest

    monkeypatch.setattr(rpc, "Endpoint", Endpoint)

    assert is_pending(("a", "b"), RUNNER) is (latest != pending)
    assert is_pending(("a",), RUNNER) is False
    monkeypatch.setattr(Endpoint, "call", lambda *_: None)
    with pytest.raises(ChainError, match="waits to be mined"):
        is_pending(("a",), RUNNER)


def test_no_module_of_the_program_takes_the_place_of_one_of_ours(folder, tmp_path, monkeypatch):
    program = tmp_path / "program"
    program.mkdir()
    (program / "secrets.py").write_text("raise SystemExit('shadowed')")
    (program / "json.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(program)
    environment = dict(os.environ) | {"MANDATE_TRUST": str(tmp_path / "none.toml")}

    pid = start_watcher(folder, environment, [])

    os.waitpid(pid, 0)
    assert "shadowed" not in read(folder)
    assert "there is no trust file" in read(folder)


def test_it_is_detached_and_keeps_no_pipe_of_the_program(folder, tmp_path):
    """In a session of its own, with its log as only output; a missing trust file ends it."""
    environment = dict(os.environ) | {"MANDATE_TRUST": str(tmp_path / "none.toml")}
    descriptor = os.open(tmp_path, os.O_RDONLY)

    pid = start_watcher(folder, environment, [descriptor, -1])

    os.close(descriptor)
    deadline = time.monotonic() + 30
    while "trust" not in read(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "the engine has ended" in read(folder)
    assert "there is no trust file" in read(folder)
    assert folder.result() is None
    done, _ = os.waitpid(pid, 0)
    assert done == pid


def read(folder: RunFolder) -> str:
    return folder.log.read_text() if folder.log.exists() else ""
