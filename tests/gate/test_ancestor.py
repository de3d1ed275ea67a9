"""Finding the engine above us in a /proc, made by hand and real."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.ancestor import find_engine, is_alive, read_outer_command


def process(proc, pid, parent, exe, argv=(), *, environment=None, name="x", started=7):
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    fields = ["S", str(parent)] + ["0"] * 17 + [str(started)]
    (folder / "stat").write_text(f"{pid} ({name}) " + " ".join(fields))
    (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in argv))
    pairs = (environment or {}).items()
    (folder / "environ").write_bytes(b"".join(f"{k}={v}".encode() + b"\0" for k, v in pairs))
    (folder / "exe").symlink_to(exe)


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "self").mkdir()
    process(tmp_path, 10, 1, "/bin/bash", ["bash"])
    process(
        tmp_path, 20, 10, "/opt/pulumi", ["pulumi", "up", "--yes", ""],
        environment={"A": "b=c"}, name="pu) S 1 (mi", started=99,
    )  # fmt: skip
    process(tmp_path, 30, 20, "/opt/pulumi-language-python", ["pulumi-language-python"])
    process(tmp_path, 40, 30, "/usr/bin/python3", ["python3"])
    return tmp_path


def test_the_engine_is_the_nearest_ancestor_called_pulumi(proc):
    engine = find_engine(proc, 40)

    assert (engine.pid, engine.started) == (20, 99)
    assert engine.argv == ("pulumi", "up", "--yes", "")
    assert engine.environment == {"A": "b=c"}
    assert "b=c" not in repr(engine)


def test_without_an_engine_nothing_runs(proc):
    with pytest.raises(Refused, match="does not run below"):
        find_engine(proc, 20)


def test_an_unreadable_ancestor_refuses(proc):
    (proc / "20" / "cmdline").unlink()

    with pytest.raises(Refused, match="cannot be read"):
        find_engine(proc, 40)


def test_a_chain_that_breaks_off_refuses(proc):
    (proc / "30" / "stat").unlink()

    with pytest.raises(Refused, match="cannot be read"):
        find_engine(proc, 40)


def test_without_proc_the_gate_refuses(tmp_path):
    with pytest.raises(Refused, match="cannot be read on"):
        find_engine(tmp_path, 40)


def test_this_very_process_has_no_engine_above_it():
    with pytest.raises(Refused, match="does not run below"):
        read_outer_command()


def test_a_process_is_alive_until_it_ends():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = start_time(child.pid)

    assert is_alive(child.pid, started)
    assert not is_alive(child.pid, started + 1)
    child.communicate(b"\n")
    assert not is_alive(child.pid, started)
    assert is_alive(os.getpid(), start_time(os.getpid()))


def start_time(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
