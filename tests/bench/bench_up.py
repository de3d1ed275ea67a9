"""What the gate costs: a gated `pulumi up` beside a plain one, and one operation's check in a hook.

    python -m tests.bench.bench_up 10 100

Paired: the same program and machine, one after the other, in both orders. The gated run includes
its own preview of the whole stack, two transactions and their finality on a development chain.
Prints seconds; every number is of this machine and moment, so compare within one report only.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.gate.journal import Entry, Journal
from pulumi_mandate.gate.operations import OperationCheck
from pulumi_mandate.plan.document import Document
from tests.gate.cases import call, document, operation, values_of
from tests.plugins.gate_fixtures import make_governed

ROOT = Path(__file__).resolve().parents[2]
SIZES = (10, 100, 1_000)

PROGRAM = """
{first}
import pulumi
from notes import Note

for number in range({count}):
    Note(f"note-{{number}}", {text!r})
"""
GATED = "import pulumi_mandate\n\npulumi_mandate.govern()\n"


def main(sizes: list[int]) -> None:
    for what, flushed in (("alone", False), ("journal flushed to disk", True)):
        middle, slowest = bench_check(1000, flushed=flushed)
        print(f"one check in a hook, {what}: {middle * 1e6:.0f} µs, p99 {slowest * 1e6:.0f} µs")
    print(f"{'resources':>9} {'plain up':>9} {'gated up':>9} {'ratio':>6} {'difference':>10}")
    for size in sizes:
        print(row(size, *bench_pair(size)), flush=True)


def row(size: int, plain: float, gated: float) -> str:
    return f"{size:>9} {plain:>8.1f}s {gated:>8.1f}s {gated / plain:>6.2f} {gated - plain:>9.1f}s"


def bench_pair(size: int) -> tuple[float, float]:
    """Median seconds of `up --skip-preview` creating `size` resources: plain, gated."""
    found: dict[str, list[float]] = {"plain": [], "gated": []}
    for order in (("plain", "gated"), ("gated", "plain")):
        for kind in order:
            found[kind].append(measure(size, gated=kind == "gated"))
    return statistics.median(found["plain"]), statistics.median(found["gated"])


def measure(size: int, *, gated: bool) -> float:
    """Seconds of one `up` on a chain and a stack of its own; standard error hears how far it is."""
    kind = "gated" if gated else "plain"

    def say(what: str) -> None:
        print(f"… {size} resources, {kind}: {what}", file=sys.stderr, flush=True)

    say("making a chain and a stack")
    root = Path(tempfile.mkdtemp(prefix="mandate-bench-"))
    service = ChainService(root / "chain")
    service.start()
    try:
        stack = make_governed(root, environment(root), service)
        text = "hello"
        stack.program(PROGRAM.format(first=GATED if gated else "", count=size, text=text))
        if gated:
            say("previewing and voting")
            stack.approve()
        say("up")
        began = time.monotonic()
        stack.up()
        seconds = time.monotonic() - began
        if gated:
            assert stack.result()["status"] == "completed"
        say(f"{seconds:.1f} s")
        return seconds
    finally:
        service.stop()
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
    tools = os.environ.get("MANDATE_TOOLCHAIN_BIN") or str(ROOT / ".toolchain" / "bin")
    folders = [tools, str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "MANDATE_", "AWS_"))
    }
    made: dict[str, Any] = {
        "PATH": os.pathsep.join(folders),
        "HOME": str(home),
        "VIRTUAL_ENV": sys.prefix,
        "PULUMI_HOME": str(home / ".pulumi"),
        "PULUMI_BACKEND_URL": f"file://{root / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase for the bench",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "MANDATE_HOME": str(home / "mandate"),
    }
    return kept | made


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or list(SIZES))
