"""The watcher waits for one process, finishes once, and is patient with a chain that is away."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pulumi_mandate.errors import ChainUnreachable, SignerError
from pulumi_mandate.gate.folder import RunFolder, run_folder
from pulumi_mandate.gate.watcher import PATIENCE_SECONDS, start_watcher, wait_for_end, watch
from tests.gate.cases import RUN, record


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
        raise SignerError("the key is disabled", next_step="enable it")

    assert watch(folder, finish, say=said.append, pause=lambda _: pytest.fail("waited")) is None
    assert "the key is disabled" in said[-1]


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
