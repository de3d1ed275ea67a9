"""What the gate costs: gated updates beside plain ones, and one operation's check in a hook.

    python -m tests.bench.bench_up 10 100 1000

Paired: the same resources on the same machine, one way after the other, in both orders. They are
the echo provider's (a stand-in which does nothing, so that the engine and the gate are all there is
to time), on a `file://` backend. The ways:

| way | what is typed |
|---|---|
| up | `pulumi up`, with its preview |
| skip | `pulumi up --skip-preview` |
| policy | `pulumi up` with one policy in a pack |
| hooks | `pulumi up --skip-preview`, our hooks on every resource and nothing else of the gate |
| stacks | the same, with whole call stacks |
| govern | `pulumi up` of a governed program: the engine previews, and the gate does again |
| mandate | `mandate up` |

Everything runs in an environment as a user has it (`users_environment`). The state of a governed
program holds shorter call stacks than a plain one's (ADR 0027), which makes the engine faster:
`hooks` and the governed ways have that, `stacks` is `hooks` without it.

A governed run holds two transactions and the wait for their finality, which a development chain
gives at once. Prints seconds; every number is of this machine and moment, so compare within one
report only.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.gate.environment import NESTED_MARK
from pulumi_mandate.gate.journal import Entry, Journal
from pulumi_mandate.gate.operations import OperationCheck
from pulumi_mandate.plan.document import Document
from tests.bench.users_environment import make_environment
from tests.checks.test_crossguard import STAND_IN as POLICY_SDK
from tests.gate.cases import call, document, operation, values_of
from tests.plugins import echo_provider
from tests.plugins.engine_fixtures import EngineStack
from tests.plugins.gate_fixtures import Governed, make_governed

ROOT = Path(__file__).resolve().parents[2]
SIZES = (10, 100, 1_000)
PEERS = {"mandate": "up", "govern": "up", "hooks": "skip", "stacks": "skip", "policy": "up"}
"""Each way, and the one it is compared with."""
INSIDE = "BENCH_INSIDE"
GOVERNED = ("govern", "mandate")
ORDER = ("up", "skip", "policy", "stacks", "hooks", "govern", "mandate")

PROGRAM = """
import pulumi
from echo import Thing

for number in range({count}):
    Thing(f"thing-{{number}}", {{"text": f"number {{number}}"}})
"""
ECHO = """
import pulumi


class Thing(pulumi.CustomResource):
    def __init__(self, name, props):
        super().__init__("echo:index:Thing", name, props)
"""
HOOKS = """
from pulumi.runtime.settings import get_monitor
from pulumi_mandate.gate.engine_hooks import EngineHooks

hooks = EngineHooks()
hooks.register(get_monitor())
hooks.decide_with(lambda call: None)
"""
SHORTER = """
from pathlib import Path
from pulumi_mandate.gate.call_stacks import send_own_frames_only

send_own_frames_only(get_monitor(), Path.cwd())
"""
FIRST = {
    "govern": "import pulumi_mandate\n\npulumi_mandate.govern()\n",
    "mandate": "import pulumi_mandate\n\npulumi_mandate.govern()\n",
    "hooks": HOOKS + SHORTER,
    "stacks": HOOKS,
}
START = """
import time
import pulumi

began = time.perf_counter()
import pulumi_mandate

pulumi_mandate.govern()
with open({told!r}, "a") as told:
    print(time.perf_counter() - began, file=told)
"""
POLICY = """
from pulumi_policy import *


def named(args, report):
    if args.resource_type == "echo:index:Thing" and not args.props.get("text"):
        report("it has no text")


PolicyPack("ours", [
    ResourceValidationPolicy(name="named", description="Things have a text.", validate=named,
                             enforcement_level=EnforcementLevel.MANDATORY),
])
"""


def main(sizes: Sequence[int]) -> None:
    for what, flushed in (("alone", False), ("journal flushed to disk", True)):
        middle, slowest = bench_check(1000, flushed=flushed)
        print(f"one check in a hook, {what}: {middle * 1e6:.0f} µs, p99 {slowest * 1e6:.0f} µs")
    print(f"`govern()` and its import, in a preview: {bench_start() * 1e3:.0f} ms")
    print(head())
    for size in sizes:
        print(row(size, bench(size)), flush=True)


def head() -> str:
    ways = " ".join(f"{way:>8}" for way in ORDER)
    return f"{'resources':>9} {ways}  " + " ".join(f"{a}/{b}".rjust(12) for a, b in PEERS.items())


def row(size: int, seconds: dict[str, float]) -> str:
    cells = " ".join(f"{seconds[way]:>7.1f}s" for way in ORDER)
    ratios = " ".join(f"{seconds[way] / seconds[peer]:>12.2f}" for way, peer in PEERS.items())
    return f"{size:>9} {cells}  {ratios}"


def bench(size: int, rounds: int = 1) -> dict[str, float]:
    """Median seconds of creating `size` resources in each way, taken in both orders."""
    found: dict[str, list[float]] = {way: [] for way in ORDER}
    for _ in range(rounds):
        for order in (ORDER, ORDER[::-1]):
            for way in order:
                found[way].append(measure(size, way))
    return {way: statistics.median(seconds) for way, seconds in found.items()}


def measure(size: int, way: str) -> float:
    """Seconds of one update on a stack of its own; standard error hears how far it is."""

    def say(what: str) -> None:
        print(f"… {size} resources, {way}: {what}", file=sys.stderr, flush=True)

    root = Path(tempfile.mkdtemp(prefix="mandate-bench-"))
    service = ChainService(root / "chain") if way in GOVERNED else None
    try:
        say("making a stack")
        stack = make_stack(root, service)
        (stack.folder / "echo.py").write_text(ECHO)
        stack.program(FIRST.get(way, "") + PROGRAM.format(count=size))
        command = typed(way, root)
        if isinstance(stack, Governed):
            say("previewing and voting")
            stack.approve()
        say("up")
        began = time.monotonic()
        run(command, stack)
        seconds = time.monotonic() - began
        if isinstance(stack, Governed):
            assert stack.result()["status"] == "completed"
        say(f"{seconds:.1f} s")
        return seconds
    finally:
        if service is not None:
            service.stop()
        shutil.rmtree(root, ignore_errors=True)


def make_stack(root: Path, service: ChainService | None) -> EngineStack:
    """A stack that needs a mandate where there is a chain to give one."""
    variables = environment(root)
    if service is not None:
        service.start()
        return make_governed(root, variables, service)
    folder = root / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    stack = EngineStack(folder, variables)
    stack.pulumi("stack", "init", "test")
    return stack


def typed(way: str, root: Path) -> list[str]:
    """The command of a way."""
    if way == "mandate":
        return [sys.executable, "-m", "pulumi_mandate.cli", "up", "--stack", "test"]
    command = ["pulumi", "up", "--yes", "--non-interactive"]
    if way in ("skip", "hooks", "stacks"):
        return [*command, "--skip-preview"]
    if way == "policy":
        pack = root / "pack"
        pack.mkdir()
        (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
        (pack / "__main__.py").write_text(POLICY)
        (pack / "pulumi_policy.py").write_text(POLICY_SDK)
        return [*command, "--policy-pack", str(pack)]
    return command


def run(command: Sequence[str], stack: EngineStack) -> None:
    done = subprocess.run(
        command,
        cwd=stack.folder,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def bench_start(rounds: int = 5) -> float:
    """Median seconds from the line before `import pulumi_mandate` to the one after `govern()`."""
    root = Path(tempfile.mkdtemp(prefix="mandate-bench-"))
    try:
        stack, told = make_stack(root, None), root / "told"
        stack.program(START.format(told=str(told)))
        stack.environment[NESTED_MARK] = (
            "1"  # else it says where the mandate stands: a chain's time
        )
        for _ in range(5):
            run(["pulumi", "preview", "--non-interactive"], stack)
        return statistics.median(map(float, told.read_text().split()))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def bench_check(count: int, *, flushed: bool) -> tuple[float, float]:
    """Seconds for one allowed operation in a plan of `count`: the median, and the 99th percentile.

    Not `flushed`: the journal keeps its lines in memory, so that the disk is left out.
    """
    plan: Document = document(*(operation(f"r{number}") for number in range(count)))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal") if flushed else InMemory(Path(folder))
        check = OperationCheck(plan, journal, denials=lambda: None, inputs_of=values_of)
        seconds = []
        for given in [call(f"r{number}") for number in range(count)]:
            began = time.perf_counter()
            check(given)
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), statistics.quantiles(seconds, n=100)[98]


class InMemory(Journal):
    """A journal without a disk."""

    def append(self, entry: Entry) -> None:
        vars(self).setdefault("lines", []).append(entry)


def environment(root: Path) -> dict[str, str]:
    """One Pulumi user of this bench's own, as the tests' `pulumi_env` makes one."""
    (root / "backend").mkdir()
    home = root / "home"
    home.mkdir()
    (root / "plugins").mkdir()
    echo = echo_provider.install(root / "plugins", "echo")
    tools = os.environ.get("MANDATE_TOOLCHAIN_BIN") or str(ROOT / ".toolchain" / "bin")
    folders = [str(echo), tools, str(Path(sys.executable).parent)]
    # Where no bytecode is kept, each of our processes would compile the gate once more.
    foreign = ("PULUMI_", "MANDATE_", "AWS_", "PYTHONDONTWRITEBYTECODE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    made: dict[str, Any] = {
        "PATH": os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)]),
        "HOME": str(home),
        "VIRTUAL_ENV": sys.prefix,
        "PULUMI_HOME": str(home / ".pulumi"),
        "PULUMI_BACKEND_URL": f"file://{root / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase for the bench",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "MANDATE_HOME": str(home / "mandate"),
    }
    return kept | made


def in_users_environment(words: Sequence[str]) -> int:
    """This bench once more, in an environment of its own; its exit code."""
    folder = Path(tempfile.mkdtemp(prefix="mandate-bench-"))
    try:
        python = make_environment(folder / "venv")
        again = [str(python), "-m", "tests.bench.bench_up", *words]
        told = os.environ | {INSIDE: "1", "VIRTUAL_ENV": str(folder / "venv")}
        return subprocess.run(again, cwd=ROOT, env=told, check=False).returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if INSIDE not in os.environ:
        sys.exit(in_users_environment(sys.argv[1:]))
    main([int(word) for word in sys.argv[1:]] or list(SIZES))
