"""What a run leaves on disk, and the lock of a subject."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.gate.folder import RunFolder, SubjectLock, mandate_home, run_folder, run_folders
from pulumi_mandate.models import keccak
from tests.gate.cases import RUN, SUBJECT, record


def test_a_record_reads_back_as_itself(tmp_path):
    folder = run_folder(RUN, tmp_path)
    made = record(before={"urn:a": "0x01"}, modules={"m": "0x02"}, transaction="0x03")

    folder.write_record(made)

    assert folder.record() == made
    assert (folder.path / "run.json").stat().st_mode & 0o077 == 0
    assert folder.path.stat().st_mode & 0o077 == 0


def test_a_record_shows_no_state_in_its_repr():
    assert "0x99" not in repr(record(before={"urn:a": "0x99"}))


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"schema": "mandate/run/v9"}', b"[]", b"\xff"])
def test_a_damaged_record_is_an_error_and_not_a_guess(tmp_path, damage):
    folder = run_folder(RUN, tmp_path)
    folder.write_record(record())
    (folder.path / "run.json").write_bytes(damage)

    with pytest.raises(MandateError, match="cannot be read"):
        folder.record()


def test_a_record_is_replaced_whole_or_not_at_all(tmp_path):
    folder = run_folder(RUN, tmp_path)
    folder.write_record(record())
    (folder.path / "run.new").mkdir()  # what a disk error would leave in the way

    with pytest.raises(OSError, match="directory"):
        folder.write_record(record(transaction="0x04"))

    assert folder.record() == record()


def test_runs_are_listed_oldest_first_and_strangers_are_not_runs(tmp_path):
    assert list(run_folders(tmp_path)) == []
    for number, name in enumerate((b"one", b"two", b"three")):
        folder = run_folder(keccak(name), tmp_path)
        folder.write_record(record(transaction=str(number)))
        os.utime(folder.path / "run.json", (number, number))
    (tmp_path / "runs" / "stray").mkdir()

    assert [f.record().transaction for f in run_folders(tmp_path)] == ["0", "1", "2"]


def test_a_result_is_none_until_it_is_written(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.result() is None
    (tmp_path / "result.json").write_text("{")
    assert folder.result() is None

    folder.write_result({"status": "completed"})

    assert folder.result() == {"status": "completed"}


def test_the_home_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("MANDATE_HOME", str(tmp_path / "here"))
    assert mandate_home() == tmp_path / "here"
    monkeypatch.delenv("MANDATE_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert mandate_home() == tmp_path / "pulumi-mandate"


def test_one_run_at_a_time(tmp_path):
    first, second, told = SubjectLock(SUBJECT, tmp_path), SubjectLock(SUBJECT, tmp_path), []
    first.take()

    with pytest.raises(Refused) as refusal:
        second.take(wait=0.3, progress=told.append)
    assert refusal.value.step == 1
    assert len(told) == 1

    first.release()
    assert second.take(wait=0.3)
    second.release()


def test_whoever_waited_for_the_lock_is_told_so(tmp_path):
    first, second = SubjectLock(SUBJECT, tmp_path), SubjectLock(SUBJECT, tmp_path)
    assert first.take()

    assert not second.take(wait=5, progress=lambda _: first.release())
    second.release()


def test_another_subject_has_another_lock(tmp_path):
    first = SubjectLock(SUBJECT, tmp_path)
    second = SubjectLock(type(SUBJECT)("backend", "acme", "shop", "dev"), tmp_path)
    first.take()
    second.take(wait=0.1)

    first.release()
    second.release()


def test_whoever_inherits_the_lock_keeps_it(tmp_path):
    """So the watcher holds it after the program is gone."""
    lock, other = SubjectLock(SUBJECT, tmp_path), SubjectLock(SUBJECT, tmp_path)
    lock.take()
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock.descriptor]
    ) as heir:
        lock.release()

        with pytest.raises(Refused):
            other.take(wait=0.3)
        heir.communicate(b"\n")
    other.take(wait=1.0)
    other.release()


def test_nothing_in_a_record_is_a_secret(tmp_path):
    folder = run_folder(RUN, tmp_path)
    folder.write_record(record())
    written = json.loads((folder.path / "run.json").read_bytes())

    assert set(written) == {
        "schema", "planHash", "runId", "runner", "leaseUntil", "keyEpoch", "deadline",
        "signature", "executor", "subject", "document", "workdir", "stack", "engine", "trust",
        "before", "modules", "transaction",
    }  # fmt: skip


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"identity": "1"}'])
def test_a_note_that_cannot_be_read_says_no_version(tmp_path, content):
    folder = RunFolder(tmp_path)
    assert folder.version_of("1") is None

    folder.write_version("1", "v3")
    assert (folder.version_of("1"), folder.version_of("2")) == ("v3", None)

    (tmp_path / "engine.json").write_text(content)
    assert folder.version_of("1") is None
