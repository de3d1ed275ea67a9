"""What it costs to canonicalise and hash a plan, next to the cost of merely parsing it.

    python -m tests.bench.bench_plan 100 1000 10000 [100000]

Paired in one run: `orjson.loads` of the raw preview; sealing parsed content (bytes, leaves and
root); a reader's way from the stored bytes to the effect root; and the whole way from the raw bytes
to the plan hash. Times are medians of CPU seconds; memory is the peak of Python's allocations, as a
multiple of the raw bytes. Every number is of this machine and moment: compare within one report.
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import rfc8785

from pulumi_mandate.models import Address, Domain, plan_hash
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.raw import RawPreview
from tests.plan.samples import build, made_up, secret

SIZES = (100, 1_000, 10_000)
DOMAIN = Domain(31337, Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"))
HEAD = (
    f"{'operations':>10} {'raw':>8} {'parse':>9} | {'canonical+hash':>14} {'ratio':>6} | "
    f"{'read+check':>10} {'ratio':>6} | {'build':>9} {'ratio':>6} {'memory':>7} | {'rfc8785':>9}"
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
    memory: float
    reference: float

    def __str__(self) -> str:
        def cell(value: float) -> str:
            return f"{value * 1e3:7.1f}ms"

        return (
            f"{self.operations:>10} {self.raw / 1e6:6.1f}MB {cell(self.parse)} | "
            f"{cell(self.canonical):>14} {self.canonical / self.parse:6.2f} | "
            f"{cell(self.read):>10} {self.read / self.parse:6.2f} | "
            f"{cell(self.build)} {self.build / self.parse:6.2f} {self.memory:6.1f}x | "
            f"{cell(self.reference)}"
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
        memory=_peak(lambda: plan_hash(DOMAIN, build(_preview_from(raw)).fields())) / len(raw),
        reference=_median(lambda: rfc8785.dumps(content), 1 if size > 1_000 else 3),
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


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or list(SIZES))
