"""What it costs to canonicalise and hash a plan, next to the cost of merely parsing it.

    python -m tests.bench.bench_plan 100 1000 10000 [100000]

Paired in one run: `orjson.loads` of the raw preview; sealing parsed content (bytes, leaves and
root); a reader's way from the stored bytes to the effect root; and the whole way from the raw bytes
to the plan hash. Times are medians of CPU seconds; memory is what a process of its own had resident
at its peak, as a multiple of the raw bytes: by the bare parse, and by parsing and building. Every
number is of this machine and moment: compare within one report.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import rfc8785

from pulumi_mandate.models import Address, Domain, plan_hash
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.raw import RawPreview
from tests.plan.samples import build, made_up, secret

SIZES = (100, 1_000, 10_000)
PEAK = "--peak"
DOMAIN = Domain(31337, Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"))
HEAD = (
    f"{'operations':>10} {'raw':>8} {'parse':>9} | {'canonical+hash':>14} {'ratio':>6} | "
    f"{'read+check':>10} {'ratio':>6} | {'build':>9} {'ratio':>6} | {'rfc8785':>9} | "
    f"{'memory: parse':>13} {'build':>6}"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One size; seconds, bytes, and memory as a multiple of the raw bytes."""

    operations: int
    raw: int
    parse: float
    canonical: float
    read: float
    build: float
    reference: float
    memory_of_parse: float
    memory_of_build: float

    def __str__(self) -> str:
        def cell(value: float) -> str:
            return f"{value * 1e3:7.1f}ms"

        return (
            f"{self.operations:>10} {self.raw / 1e6:6.1f}MB {cell(self.parse)} | "
            f"{cell(self.canonical):>14} {self.canonical / self.parse:6.2f} | "
            f"{cell(self.read):>10} {self.read / self.parse:6.2f} | "
            f"{cell(self.build)} {self.build / self.parse:6.2f} | {cell(self.reference)} | "
            f"{self.memory_of_parse:12.1f}x {self.memory_of_build:5.1f}x"
        )


def main(sizes: list[int]) -> None:
    print(HEAD)
    for size in sizes:
        print(measure(size), flush=True)


def measure(size: int) -> Row:
    """All figures of one size, each the median of several runs."""
    raw = orjson.dumps(_sources(_preview(size)))
    document = build(_preview_from(raw))
    content = document.content
    runs = max(3, min(21, 30_000 // size))

    row = Row(
        operations=len(document.operations),
        raw=len(raw),
        parse=_median(lambda: orjson.loads(raw), runs),
        canonical=_median(lambda: Document.of(content).digest, runs),
        read=_median(lambda: Document.load(document.data).effect_root, runs),
        build=_median(lambda: plan_hash(DOMAIN, build(_preview_from(raw)).fields()), runs),
        reference=_median(lambda: rfc8785.dumps(content), 1 if size > 1_000 else 3),
        memory_of_parse=_peak(raw, "parse") / len(raw),
        memory_of_build=_peak(raw, "build") / len(raw),
    )
    assert len(document.operations) == size
    return row


def _preview(size: int) -> RawPreview:
    """Creations with the shape of a bucket: tags, a nested policy, one secret in ten."""
    things: dict[str, dict[str, Any]] = {}
    masked: dict[str, dict[str, Any]] = {}
    for number in range(size):
        inputs = {
            "bucket": f"bucket-{number}",
            "acl": "private",
            "size": number,
            "tags": {f"tag{index}": f"value-{index}-{number}" for index in range(5)},
            "policy": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:{number}"},
            ]},
        }  # fmt: skip
        name = f"bucket-{number}"
        things[name], masked[name] = dict(inputs), inputs
        if number % 10 == 0:
            things[name]["password"] = secret(f"secret-{number}")
            masked[name]["password"] = "[secret]"
    return made_up(things, masked)


def _sources(raw: RawPreview) -> dict[str, Any]:
    return {"plan": raw.plan_file, "steps": raw.steps, "state": raw.before, "config": raw.config}


def _preview_from(data: bytes) -> RawPreview:
    parsed = orjson.loads(data)
    state = parsed["state"]
    return RawPreview(parsed["plan"], parsed["steps"], state, state, parsed["config"])


def _median(work: Callable[[], object], runs: int) -> float:
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def _peak(raw: bytes, what: str) -> int:
    """Bytes that a process had resident while it did this, above what it had before."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(raw)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.bench_plan", PEAK, what, file.name],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
    return int(done.stdout)


def _print_peak(what: str, path: str) -> None:
    build(_preview_from(orjson.dumps(_sources(_preview(2)))))  # whatever is loaded only once
    raw = Path(path).read_bytes()
    before = _resident()
    kept = orjson.loads(raw) if what == "parse" else build(_preview_from(raw))
    print(_resident() - before)
    del kept


def _resident() -> int:
    """Bytes at the peak so far. `getrusage` would count what the parent had before the `exec`."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    if sys.argv[1:2] == [PEAK]:
        _print_peak(*sys.argv[2:])
    else:
        main([int(text) for text in sys.argv[1:]] or list(SIZES))
