"""The JavaScript verifier in Node: the shared vectors, and much at random against Python."""

from __future__ import annotations

import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def test_the_shared_vectors() -> None:
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", HERE / "vectors.test.mjs"],
        capture_output=True,
        text=True,
        check=False,
    )
    counts = dict(line[2:].split(" ") for line in done.stdout.splitlines()[-8:])
    failed = [line for line in done.stdout.splitlines() if line.startswith("not ok")]

    assert failed == []
    assert done.returncode == 0, done.stderr
    assert counts["fail"] == counts["skipped"] == counts["todo"] == "0"
    assert int(counts["pass"]) >= 300
