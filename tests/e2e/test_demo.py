"""The demo goes as it is told, and the README tells it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.reference import README, block_of
from tools.transcript import CUT, normalise, shortened

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.e2e
@pytest.mark.timeout(1200)
def test_the_demo_is_the_transcript_of_the_readme(toolchain_path: str, tmp_path: Path) -> None:
    recorded = tmp_path / "transcript.txt"

    done = subprocess.run(
        [sys.executable, "-m", "tools.demo", "--record", str(recorded)],
        cwd=ROOT,
        env={**os.environ, "PATH": toolchain_path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert recorded.read_text() == block_of(README.read_text(), "demo"), (
        "if the change is wanted: python -m tools.demo --record README.md"
    )


def test_what_differs_from_run_to_run_is_not_recorded() -> None:
    first = "block 12, 0x6be74a099d091be4, i-5d6d9a2b5c48239e5 at http://127.0.0.1:37915 in 47 s"
    second = "block 7, 0xf6b0a731585331f0, i-0d6d9a2b5c48239e1 at http://127.0.0.1:1024 in 2 d 3 h"

    assert normalise(first) == normalise(second)


def test_what_matters_is_recorded() -> None:
    text = "refused at step 3: 8 operations, 75 % for, the clock moved 2 m ahead"

    assert normalise(text) == text


def test_a_shortened_output_says_so() -> None:
    output = "first\nkept one\nleft out\nleft out\nkept two\n"

    assert shortened(output, "kept") == [CUT, f"kept one  {CUT}", "kept two"]
    assert shortened(output, None) == output.split("\n")[:-1]
