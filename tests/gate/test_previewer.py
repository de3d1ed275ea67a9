"""A cell, with commands that need no engine: what it gives, what it stops, and what it says."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pwd
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.chain.previewing import Peer, Previewer
from pulumi_mandate.errors import EngineError, Refused
from pulumi_mandate.gate import confined, previewer
from pulumi_mandate.gate.previewer import Answer, Cell, Isolation, probe
from tests.chain.test_trust import TRUST


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "own"
    made.mkdir(mode=0o700)
    return made


def cell(folder: Path, **changes: Any) -> Cell:
    trust = dataclasses.replace(TRUST, previewer=Previewer(**changes))
    return Cell(trust, folder.parent, folder)


def python(made: Cell, text: str) -> Answer:
    """Run a program; where this machine has no namespaces, that must have been refused."""
    return made.run((sys.executable, "-I", "-S", "-c", text), {"PATH": os.defpath})


@pytest.fixture
def closed() -> bool:
    """Whether this machine can isolate: what a test expects depends on it, none is left out."""
    return probe(dataclasses.replace(TRUST, previewer=Previewer())).closed


def test_a_command_answers_and_its_exit_code_is_kept(folder: Path) -> None:
    made = cell(folder, required=False)
    found = python(made, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert found == Answer(3, b"out\n", b"err\n")
    assert list(folder.iterdir()) == []


def test_what_is_not_there_cannot_be_started(folder: Path) -> None:
    with pytest.raises(EngineError, match="could not be started: No such file"):
        cell(folder, required=False).run(("no-such-command",), {"PATH": os.defpath})


@pytest.mark.parametrize(
    ("limits", "text", "why"),
    [
        ({"seconds": 1}, "import time; time.sleep(60)", "longer than 1 seconds"),
        (
            {"processes": 8},
            "import os, time\nfor _ in range(20): os.fork() or time.sleep(60)\ntime.sleep(60)",
            "more than 8 processes",
        ),
        (
            {"memory_mib": 64},
            "import os, time\nfor _ in range(4):\n if os.fork() == 0:\n"
            "  kept = bytearray(b'x') * (40 << 20); time.sleep(60)\ntime.sleep(60)",
            "more than 64 MiB of memory",
        ),
        (
            {"disk_mib": 8},
            "import os, time\nfor n in range(4):\n"
            " open(os.environ['TMPDIR'] + f'/{n}', 'wb').write(bytes(6 << 20))\ntime.sleep(60)",
            "wrote more than 8 MiB",
        ),
    ],
)
def test_what_uses_too_much_is_stopped(
    folder: Path, closed: bool, limits: dict[str, int], text: str, why: str
) -> None:
    made = cell(folder, **limits)
    expected: type[Exception] = EngineError if closed else Refused
    with pytest.raises(expected, match=why if closed else "cannot isolate"):
        python(made, text)


@pytest.fixture
def echo() -> Iterator[int]:
    """A port of this machine that says where a connection came from."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    guest, _ = server.accept()
                except OSError:
                    return
                with guest:
                    guest.sendall(b"from outside: " + guest.recv(100))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


TALK = """
import socket, sys
def talk(port, *words):
    with socket.create_connection(("127.0.0.1", port), 5) as found:
        for word in words:
            found.sendall(word)
            print(found.recv(200))
"""


def test_a_listed_port_is_reached_and_no_other(folder: Path, closed: bool, echo: int) -> None:
    text = TALK + f"talk({echo}, b'hello')"
    if not closed:
        with pytest.raises(Refused, match="cannot isolate"):
            python(cell(folder), text)
        return
    open_ = python(cell(folder, egress=(Peer("127.0.0.1", echo),)), text)
    assert open_.stdout == b"b'from outside: hello'\n"
    shut = python(cell(folder, egress=(Peer("127.0.0.1", 9),)), text)
    assert shut.code == 1
    assert b"ConnectionRefusedError" in shut.stderr


def test_the_proxy_leads_to_what_is_listed(
    folder: Path, closed: bool, echo: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pulumi_mandate.gate import egress

    async def addresses(host: str, port: int) -> list[tuple[str, int]]:
        assert (host, port) == ("far.example", 443)
        return [("127.0.0.1", echo)]  # the test's own name service

    monkeypatch.setattr(egress, "_addresses", addresses)
    made = cell(folder, egress=(Peer("far.example", 443),), required=closed)
    if not closed:
        assert python(made, "").code == 0
        return
    text = TALK + "\nP = 3128\nend = b' HTTP/1.1\\r\\n\\r\\n'\n"
    found = python(
        made,
        text + "talk(P, b'CONNECT far.example:443' + end, b'hello')\n"
        "talk(P, b'CONNECT near.example:443' + end)\n"
        "talk(P, b'GET http://far.example/' + end)\n"
        "talk(P, b'CONNECT far.example:x' + end)\n",
    )
    lines = found.stdout.decode().splitlines()
    assert [line[:15] for line in lines] == [
        "b'HTTP/1.1 200 ",
        "b'from outside:",
        "b'HTTP/1.1 403 ",
        "b'HTTP/1.1 403 ",
        "b'HTTP/1.1 403 ",
    ]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "169.254.169.254"])
def test_a_listed_name_leads_nowhere_near(host: str) -> None:
    import asyncio

    from pulumi_mandate.gate.egress import _addresses

    assert asyncio.run(_addresses(host, 80)) == []


def test_a_machine_that_cannot_isolate_refuses_or_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = previewer._run_confined

    def without(description: Any, *rest: Any) -> int:
        if description["closed"]:
            raise previewer._NoCell("network namespace: Operation not permitted")
        return run(description, *rest)

    monkeypatch.setattr(previewer, "_run_confined", without)
    with pytest.raises(Refused, match="cannot isolate a preview: network namespace"):
        python(cell(folder), "print('ran')")
    made = cell(folder, required=False)
    assert python(made, "print('ran')").stdout == b"ran\n"
    assert python(made, "print('ran')").stdout == b"ran\n"
    assert capfd.readouterr().err.count("previews are not isolated here (network namespace") == 1
    assert not made.isolation.closed

    trust = dataclasses.replace(TRUST, previewer=Previewer())
    assert probe(trust) == Isolation(False, "", "network namespace: Operation not permitted")
    assert "no [previewer]" in probe(TRUST).sentence()


def test_another_user_needs_root_and_has_to_be_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="there is no user nobody-of-that-name"):
        cell(folder, user="nobody-of-that-name")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(Refused, match="only root may run a preview as root"):
        cell(folder, user="root")


def test_the_sentence_names_the_user() -> None:
    assert "as previewer in a cell" in Isolation(True, "previewer").sentence()


# -- the parts of `confined`, which in a cell run where no test sees them --


def test_what_is_asked_of_the_kernel_comes_in_this_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Writable first, then everything shut, then the exceptions, then what is hidden."""
    asked: list[str] = []
    monkeypatch.setattr(confined, "_call", lambda what, *_: asked.append(what))
    secret = tmp_path / "secret"
    secret.touch()
    confined._close_files(
        {"writable": ["/own"], "hidden": [str(tmp_path), str(secret), "/no/such/file"]}
    )
    devices = [f"mount /dev/{name}" for name in confined._DEVICES]
    opened = [f"attributes of /dev/{name}" for name in confined._DEVICES]
    assert asked == [
        "mount /", "mount /proc", "mount /own", *devices, "attributes of /", "attributes of /own",
        *opened, f"mount {tmp_path}", f"mount {secret}", f"attributes of {secret}",
    ]  # fmt: skip
    asked.clear()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    confined._enter_namespaces()
    assert asked == [f"{name} namespace" for name in ("mount", "ipc", "process", "network")]


def test_a_refusal_of_the_kernel_names_what_was_asked() -> None:
    with pytest.raises(confined._Unmakable, match="attributes of /no/such: "):
        confined._attributes("/no/such", set_=1)


@pytest.mark.parametrize(
    ("limits", "program", "stopped"),
    [
        ({}, "raise SystemExit(3)", None),
        ({"seconds": 0}, "import time; time.sleep(60)", "it took longer than 0 seconds"),
        ({"disk_mib": 0}, "import time; time.sleep(60)", "it wrote more than 0 MiB"),
        ({"gone": 1}, "import time; time.sleep(60)", "nobody waits for it"),
    ],
)
def test_the_watch_ends_what_it_must(
    tmp_path: Path, limits: dict[str, int], program: str, stopped: str | None
) -> None:
    (tmp_path / "written").write_text("something")
    ours, theirs = socket.socketpair()
    allowed = {"seconds": 60, "disk_mib": 1, "memory_mib": 1, "processes": 1} | limits
    if "gone" in limits:
        ours.close()
    process = subprocess.Popen((sys.executable, "-I", "-c", program), start_new_session=True)
    with ours, theirs:
        found = confined._watch(
            process.pid,
            theirs,
            {"closed": False, "writable": [str(tmp_path)], "limits": allowed},
        )
    process.returncode = found["code"]  # it was waited for
    assert found == {"code": -9 if stopped else 3, "stopped": stopped}


def test_a_cells_own_processes_are_counted(tmp_path: Path) -> None:
    limits = {"processes": 0, "memory_mib": 1 << 20, "disk_mib": 1}
    described = {"closed": True, "writable": [str(tmp_path)], "limits": limits}
    assert confined._uses_too_much(described) == "it ran more than 0 processes"
    described["limits"] = limits | {"processes": 1 << 20, "memory_mib": 0}
    assert confined._uses_too_much(described) == "it used more than 0 MiB of memory"
    described["limits"] = limits | {"processes": 1 << 20}
    assert confined._uses_too_much(described) is None
    assert confined._resident("no process") == 0


def test_lines_come_whole_or_not_at_all() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"go")
        ours.sendall(b"\n")
        assert confined._line(theirs) == b"go"
        confined._tell(theirs, {"made": True})
        assert previewer._listen(ours) == ({"made": True}, [])
        assert not confined._other_end_is_gone(theirs)
        ours.close()
        assert confined._other_end_is_gone(theirs)
        assert confined._line(theirs) == b""
        confined._tell(theirs, {"to": "nobody"})


def test_a_cell_that_ends_in_silence_is_no_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silent = tmp_path / "silent.py"
    silent.write_text("")
    monkeypatch.setattr(previewer, "_CONFINED", silent)
    with pytest.raises(Refused, match="the cell's first process ended"):
        python(cell(folder), "")
    silent.write_text(
        "import socket, sys\ns = socket.socket(fileno=int(sys.argv[1]))\n"
        "s.recv(1 << 20); s.sendall(b'{\"made\": true}\\n'); s.recv(3)\n"
    )
    with pytest.raises(EngineError, match="its cell ended"):
        python(cell(folder), "")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The last steps of the cell's first process, noted instead of done."""
    done: list[str] = []

    def note(name: str) -> Any:
        return lambda *given: done.append(f"{name} {given[0]}" if given else name)

    def end(code: int) -> None:
        raise SystemExit(code)

    for name in ("setsid", "chdir", "execvpe"):
        monkeypatch.setattr(os, name, note(name))
    monkeypatch.setattr(os, "_exit", end)
    for name in ("_close_files", "_give_up_rights"):
        monkeypatch.setattr(confined, name, lambda _, name=name: done.append(name))
    monkeypatch.setattr(confined, "_open_network", lambda ports: done.append("_open_network") or [])
    return done


CELL = {"closed": True, "folder": "/work", "command": ["pulumi", "preview"], "ports": []}


def test_the_command_comes_last_and_only_when_told(inside: list[str]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"go\n")
        with pytest.raises(SystemExit):
            confined._become(theirs, CELL)
        assert confined._line(ours) == b'{"made": true}'
        expected = ["setsid", "_close_files", "_open_network", "_give_up_rights", "chdir /work"]
        assert inside == [*expected, "execvpe pulumi"]
        inside.clear()
        ours.sendall(b"no\n")
        with pytest.raises(SystemExit):
            confined._become(theirs, CELL | {"closed": False})
        assert inside == ["setsid", "_give_up_rights", "chdir /work"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (confined._Unmakable("mount /: no"), b'{"failed": "mount /: no"}'),
        (FileNotFoundError(2, "No such file", "/x"), b'{"failed": "No such file: /x"}'),
    ],
)
def test_what_cannot_be_made_starts_nothing(
    inside: list[str], monkeypatch: pytest.MonkeyPatch, error: Exception, told: bytes
) -> None:
    def fail(_: Any) -> None:
        raise error

    monkeypatch.setattr(confined, "_close_files", fail)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(SystemExit):
            confined._become(theirs, CELL)
        assert confined._line(ours) == told
    assert inside == ["setsid"]


def test_rights_are_given_up_before_the_tie_to_the_watch_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    class Libc:
        def prctl(self, option: int, *_: int) -> int:
            done.append(f"prctl {option}")
            return 0

    monkeypatch.setattr(confined, "_libc", Libc())
    for name in ("setgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, name, lambda *_, name=name: done.append(name))
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    confined._give_up_rights(
        {"user": [7, 8], "limits": {"disk_mib": 1, "memory_mib": 2, "seconds": 3}}
    )
    drops = [f"prctl {confined._CAPBSET_DROP}"] * 64
    assert done == [*drops, "setgroups", "setresgid", "setresuid", "prctl 38", "prctl 1"]
    assert limits[resource.RLIMIT_FSIZE] == (1 << 20, 1 << 20)
    assert limits[resource.RLIMIT_CORE] == (0, 0)


def test_who_is_not_root_gets_a_user_namespace_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    written = {name: io.StringIO() for name in ("setgroups", "uid_map", "gid_map")}
    for file in written.values():
        monkeypatch.setattr(file, "close", lambda: None)
    monkeypatch.setattr(confined, "_call", lambda what, *_: asked.append(what))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 100)
    monkeypatch.setattr(
        confined, "open", lambda path, _: written[path.rpartition("/")[2]], raising=False
    )
    confined._enter_namespaces()
    assert asked[0] == "user namespace"
    texts = {name: file.getvalue() for name, file in written.items()}
    assert texts == {"setgroups": "deny", "uid_map": "1000 1000 1", "gid_map": "100 100 1"}


def test_loopback_comes_up_and_ports_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    flags: list[int] = []

    def ioctl(_: Any, request: int, given: bytes) -> bytes:
        if request == confined._SIOCSIFFLAGS:
            flags.append(struct.unpack("16sh14x", given)[1])
        return struct.pack("16sh14x", b"lo", 8)

    monkeypatch.setattr(confined.fcntl, "ioctl", ioctl)
    [listener] = confined._open_network([0])
    with listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    assert flags == [8 | confined._IFF_UP]


@pytest.fixture
def mask() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_the_watch_says_how_it_ended(
    mask: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    process = subprocess.Popen((sys.executable, "-I", "-c", "raise SystemExit(4)"))
    monkeypatch.setattr(os, "fork", lambda: process.pid)
    monkeypatch.setattr(os, "killpg", lambda *_: None)  # it is in this test's own group
    ours, theirs = socket.socketpair()
    with ours:
        limits = {"seconds": 60, "disk_mib": 1, "memory_mib": 1, "processes": 1}
        described = {"closed": False, "writable": [str(tmp_path)], "limits": limits}
        ours.sendall(json.dumps(described).encode() + b"\n")
        confined.main(theirs.detach())
        assert previewer._listen(ours) == ({"code": 4, "stopped": None}, [])
    process.returncode = 4  # it was waited for

    def cannot(*_: Any) -> None:
        raise confined._Unmakable("network namespace: no")

    monkeypatch.setattr(confined, "_enter_namespaces", cannot)
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(b'{"closed": true}\n')
        confined.main(theirs.detach())
        assert previewer._listen(ours) == ({"failed": "network namespace: no"}, [])


def test_root_runs_it_as_another_user_and_nobody_else_can() -> None:
    command = ("sh", "-c", "id -u; id -G; touch $TMPDIR/mine && echo own; cat /proc/1/comm")
    with tempfile.TemporaryDirectory() as name:
        outside = Path(name)
        outside.chmod(0o755)  # that user must be able to find its own folder
        own = outside / "own"
        own.mkdir(mode=0o700)
        if os.geteuid() != 0:
            with pytest.raises(Refused, match="only root may run a preview as nobody"):
                cell(own, user="nobody")
            return
        nobody = pwd.getpwnam("nobody")
        made = cell(own, user="nobody", required=False)
        lines = made.run(command, {"PATH": os.defpath}).stdout.decode().split()
        assert lines[:3] == [str(nobody.pw_uid), str(nobody.pw_gid), "own"]
        assert (own / "mine").stat().st_uid == nobody.pw_uid
