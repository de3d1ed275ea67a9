"""The JavaScript verifier, asked from Python: one Node process answers all questions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import to_hex

ANSWER = Path(__file__).parent / "answer.mjs"

Ask = Callable[..., Any]


@contextmanager
def node() -> Iterator[Ask]:
    """Yields `ask(question, data, **more)`; a refusal is the class `InvalidDocument`, not raised.

    Raises `AssertionError` where the verifier has a defect instead of an answer.
    """
    with subprocess.Popen(
        ["node", ANSWER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def answer(question: str, data: bytes, **more: object) -> Any:
            assert process.stdin
            assert process.stdout
            line = {"ask": question, "bytes": to_hex(data), **more}
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
            told = process.stdout.readline()
            assert told, "the verifier ended without an answer"
            return json.loads(told).get("answer", InvalidDocument)

        yield answer
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=30) == 0
