"""Attack: a program that nobody approved, and that a preview runs all the same, tries everything.

The same program outside a cell gets most of what it wants, so each refusal below is the cell's.
Where the machine has no namespaces, the preview itself must be refused.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.chain.previewing import Peer, Previewer
from pulumi_mandate.chain.trust import Key, Trust
from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.preview import take_preview
from pulumi_mandate.gate.previewer import probe
from tests.chain.test_trust import TRUST, address
from tests.engine.checkouts import Checkout

pytestmark = [pytest.mark.engine]

ROOT = Path(__file__).resolve().parents[2]
SECRET = "the executor's secret"
LIMITS = Previewer(
    egress=(Peer("allowed.invalid", 443),), memory_mib=2048, disk_mib=64, processes=200, seconds=120
)
PROGRAM = '''
import ctypes, os, resource, socket, subprocess, sys

told = config.require_object("told")
outcomes = {}

def attempt(name):
    def now(act):
        try:
            outcomes[name] = "done: " + str(act())
        except BaseException as error:
            outcomes[name] = "refused: " + type(error).__name__
    return now

def connect(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as found:
        return found.recv(5).decode()

def ask_proxy(target):
    with socket.create_connection(("127.0.0.1", 3128), timeout=5) as found:
        found.sendall(f"CONNECT {target} HTTP/1.1\\r\\n\\r\\n".encode())
        answer = found.recv(100).decode()
    if " 403 " in answer:
        raise PermissionError
    return answer

for name in ("keystore", "passphrase", "trust", "journal"):
    attempt("read the " + name)(lambda: open(told[name]).read())
for name in ("DATABASE_URL", "MANDATE_TRUST", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK"):
    attempt("read the variable " + name)(lambda: os.environ[name])
for name in ("kms", "rpc", "database"):
    attempt("connect to the " + name)(lambda: connect(told[name]))

@attempt("connect to the broker's socket")
def broker():
    with socket.socket(socket.AF_UNIX) as found:
        found.connect(told["broker"])
        return found.recv(5).decode()

@attempt("connect to the abstract socket")
def abstract():
    with socket.socket(socket.AF_UNIX) as found:
        found.connect("\\0" + told["broker"])
        return found.recv(5).decode()

attempt("write the journal")(lambda: open(told["journal"], "a").write("a run that never was"))
attempt("write the checkout")(lambda: open("later.py", "w").write("import evil"))
attempt("write beside the checkout")(lambda: open(told["beside"], "w").write("evil"))
attempt("write a plugin")(lambda: os.makedirs(os.environ["PULUMI_HOME"] + "/plugins/evil"))
attempt("see the gate's process")(lambda: os.kill(told["gate"], 0))
attempt("read the gate's environment")(lambda: len(open(f"/proc/{told['gate']}/environ").read()))
attempt("take much memory")(lambda: len(bytearray(3 << 30)))

@attempt("write a huge file")
def huge():
    with open(os.environ.get("TMPDIR", told["spare"]) + "/huge", "wb") as file:
        return file.truncate(65 << 20)

@attempt("stay behind")
def stay():
    child = subprocess.Popen(["sleep", told["nap"]], start_new_session=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    child.returncode = 0
    return "started"

if told["all"]:  # what would reach the network, or this machine's kernel, outside a cell
    attempt("reach the metadata")(lambda: socket.create_connection(("169.254.169.254", 80), 2))
    attempt("resolve a name")(lambda: socket.getaddrinfo("example.org", 443))
    for target in ("169.254.169.254:80", "127.0.0.1:%d" % told["rpc"], "elsewhere.invalid:443"):
        attempt("ask the proxy for " + target.rpartition(":")[0])(lambda: ask_proxy(target))
    attempt("set the kernel's core pattern")(
        lambda: open("/proc/sys/kernel/core_pattern", "w").write("|/evil"))
    attempt("open a disk")(lambda: os.open(told["disk"], os.O_RDONLY))
    attempt("raise a limit")(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 40, 1 << 40)))

    @attempt("uncover what is hidden")
    def uncover():
        code = """if True:
            import ctypes, sys
            libc = ctypes.CDLL(None)
            libc.umount2(sys.argv[1].encode(), 2)
            libc.unshare(0x10020000)
            libc.umount2(sys.argv[1].encode(), 2)
            libc.umount2(b"/run", 2)
            print(open(sys.argv[1]).read())
        """
        return subprocess.run([sys.executable, "-c", code, told["keystore"]], check=True,
                              capture_output=True, text=True).stdout

    @attempt("trace the gate")
    def trace():
        if ctypes.CDLL(None).ptrace(16, told["gate"], 0, 0) != 0:
            raise PermissionError

Thing("report", label="report", **{"outcome": outcomes})
'''


@contextmanager
def listening(family: int, address: Any) -> Iterator[socket.socket]:
    """A service that says hello to whoever comes."""
    with socket.socket(family) as server:
        server.bind(address)
        server.listen()

        def greet() -> None:
            while True:
                try:
                    guest, _ = server.accept()
                except OSError:
                    return
                with guest:
                    guest.sendall(b"hello")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield server
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What a gate's machine has running, and lying about."""
    broker = str(tmp_path / "broker.sock")
    local = ("127.0.0.1", 0)
    with (
        listening(socket.AF_INET, local) as kms,
        listening(socket.AF_INET, local) as rpc,
        listening(socket.AF_INET, local) as database,
        listening(socket.AF_UNIX, broker),
        listening(socket.AF_UNIX, "\0" + broker),
    ):
        names = {"kms": kms, "rpc": rpc, "database": database}
        ports = {name: server.getsockname()[1] for name, server in names.items()}
        yield ports | {"broker": broker}


@pytest.fixture
def hostile(
    tmp_path: Path, pulumi_env_at: Callable[[Path], dict[str, str]], services: dict[str, Any]
) -> tuple[Checkout, Trust, dict[str, Any]]:
    """The program, the trust file of the machine it is on, and what it was told about it."""
    env = pulumi_env_at(tmp_path)
    journal = Path(env["MANDATE_HOME"], "runs", "journal.jsonl")
    journal.parent.mkdir(parents=True)
    files = {"journal": journal}
    for name in ("keystore", "passphrase", "trust"):
        files[name] = tmp_path / f"{name}.json"
    for file in files.values():
        file.write_text(SECRET)
    key = Key(f"keystore://{files['keystore']}?passphrase-file={files['passphrase']}", address(6))
    trust = dataclasses.replace(TRUST, executor=key, runner=None, accounts={}, previewer=LIMITS)
    env |= {
        "MANDATE_TRUST": str(files["trust"]),
        "DATABASE_URL": "postgres://mandate:secret@db/mandate",
        "SSH_AUTH_SOCK": services["broker"],
    }
    (tmp_path / "spare").mkdir()
    disks = sorted(Path("/dev").glob("[vsn]*d*")) or [Path("/dev/mem")]
    told = {name: str(path) for name, path in files.items()} | services
    told |= {
        "beside": str(tmp_path / "beside"),
        "spare": str(tmp_path / "spare"),
        "gate": os.getpid(),
        "nap": f"{300 + os.getpid() / 1e8:.8f}",  # told apart from any other sleep
        "disk": str(next((disk for disk in disks if disk.is_block_device()), disks[0])),
    }
    return Checkout(tmp_path / "program", env).write(PROGRAM).init(), trust, told


def run(checkout: Checkout, trust: Trust | None, told: dict[str, Any]) -> dict[str, str]:
    """What came of each attempt, in one preview."""
    import json

    told = told | {"all": trust is not None}
    checkout.pulumi("config", "set", "told", json.dumps(told))
    raw = take_preview(checkout.folder, checkout.stack, env=checkout.env, trust=trust)
    [step] = [s for s in raw.steps["steps"] if s["urn"].endswith("::report")]
    return dict(step["newState"]["inputs"]["outcome"])


def sleeping(nap: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if nap.encode() in words:
            found.append(int(entry.name))
    return found


def test_everything_that_an_unapproved_program_tries_is_refused(
    hostile: tuple[Checkout, Trust, dict[str, Any]], tmp_path: Path
) -> None:
    checkout, trust, told = hostile
    if not probe(trust).closed:
        with pytest.raises(Refused, match="cannot isolate a preview"):
            run(checkout, trust, told)
        return

    outside = run(checkout, None, told)
    for pid in sleeping(told["nap"]):
        os.kill(pid, 9)
    assert outside == {name: found for name, found in outside.items() if found.startswith("done")}
    assert outside["read the keystore"] == f"done: {SECRET}"
    assert outside["connect to the kms"] == "done: hello"
    assert "later.py" in os.listdir(checkout.folder)
    (checkout.folder / "later.py").unlink()
    (tmp_path / "beside").unlink()
    journal = Path(told["journal"]).read_text()

    inside = run(checkout, trust, told)
    assert inside.pop("stay behind") == "done: started"
    assert {name: found for name, found in inside.items() if found.startswith("done")} == {}
    assert inside.keys() > outside.keys() - {"stay behind"}

    # And the world says the same.
    assert sleeping(told["nap"]) == []
    assert Path(told["journal"]).read_text() == journal
    assert not (checkout.folder / "later.py").exists()
    assert not (tmp_path / "beside").exists()


NOBODY = 65534
PROBE = """
import dataclasses
from pulumi_mandate.gate.previewer import probe
from tests.attacks.test_hostile_program_in_the_preview import LIMITS, TRUST

found = probe(dataclasses.replace(TRUST, previewer=LIMITS))
print(found.closed, found.missing)
"""


def closed_to_others(path: Path) -> Path | None:
    """The folder nearest to the root that keeps other users from `path`."""
    above = [*reversed(path.parents), path]
    return next((one for one in above if not one.stat().st_mode & 0o001), None)


def as_nobody(command: list[str], spare: Path) -> list[str]:
    """The command that root types to run another without any right of his.

    What that user needs and may not reach (an interpreter below /root) is put, for this process
    alone, where it lies now: a file system of its own covers the folder that is in the way.
    """
    covered: dict[Path, list[Path]] = {}
    for needed in (Path(sys.base_prefix), Path(sys.prefix), ROOT):
        if folder := closed_to_others(needed):
            covered.setdefault(folder, []).append(needed)
    kept = {path: spare / str(path).replace("/", "-") for all_ in covered.values() for path in all_}
    steps = [f"mkdir -p {place}\nmount --bind {path} {place}" for path, place in kept.items()]
    steps += [f"mount -t tmpfs -o mode=755 none {folder}" for folder in covered]
    steps += [f"mkdir -p {path}\nmount --move {place} {path}" for path, place in kept.items()]
    steps.append(f'exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups "$@"')
    return ["unshare", "--mount", "sh", "-euc", "\n".join(steps), "sh", *command]


@pytest.fixture
def unprivileged(
    tmp_path: Path, toolchain_path: str
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Runs Python as a user without rights: root becomes nobody, anybody else stays who he is."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        if os.geteuid() == 0:
            os.chown(home, NOBODY, NOBODY)
        environment = {"PATH": toolchain_path, "HOME": name, "TMPDIR": name, "NO_COLOR": "1"}

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, *words]
            return subprocess.run(
                as_nobody(command, tmp_path) if os.geteuid() == 0 else command,
                cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300,
            )  # fmt: skip

        yield run


def test_the_same_for_who_has_no_rights_at_all(
    unprivileged: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """The cell inside a user namespace, where the kernel gives one to anybody."""
    kinds = [f"--{kind}" for kind in ("user", "mount", "ipc", "pid", "net")]
    kernel = unprivileged("-c", f"import os; os.execvp('unshare', ['unshare', *{kinds}, 'true'])")
    found = unprivileged("-c", PROBE)
    assert found.returncode == 0, found.stderr
    closed, _, missing = found.stdout.strip().partition(" ")

    if kernel.returncode != 0:
        assert closed == "False"
        assert "namespace: " in missing
    else:
        assert (closed, missing) == ("True", "")
    test = f"{__file__}::{test_everything_that_an_unapproved_program_tries_is_refused.__name__}"
    done = unprivileged("-m", "pytest", "-q", "-p", "no:cacheprovider", test)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
