"""What the broker gave and refused, line by line, on disk before the answer leaves.

One JSON object a line. Each names the digest of the line before it, so that a line that was taken
out or changed shows; whoever can write the file can write a new chain, so send it elsewhere too. A
key's name (AWS's access key id) is in it, a secret is not.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import MandateError
from pulumi_mandate.models import ZERO, keccak, to_hex


class Events:
    """An append-only file, of one broker at a time."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Reads what is there. Raises `MandateError` for a broken chain, or another broker's."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._clock, self._lock = clock, threading.Lock()
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._last = last_of(path.read_bytes())
        except BlockingIOError:
            os.close(self._descriptor)
            raise MandateError(f"another broker writes {path}") from None
        except MandateError:
            os.close(self._descriptor)
            raise

    def append(self, event: str, caller: str, **facts: Any) -> None:
        """Write, and wait until the disk has it. Raises `OSError`: then nothing may be given."""
        with self._lock:
            told = {
                "at": int(self._clock()),
                "event": event,
                "caller": caller,
                **facts,
                "before": self._last,
            }
            line = json.dumps(told, ensure_ascii=False, sort_keys=True).encode() + b"\n"
            os.write(self._descriptor, line)
            os.fsync(self._descriptor)
            self._last = to_hex(keccak(line))

    def close(self) -> None:
        os.close(self._descriptor)


def last_of(data: bytes) -> str:
    """The digest of the last line, zero for none. Raises `MandateError` for a changed line."""
    before = to_hex(ZERO)
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        try:
            fits = json.loads(line)["before"] == before and line.endswith(b"\n")
        except (ValueError, KeyError, TypeError):
            fits = False
        if not fits:
            raise MandateError(
                f"line {number} of the broker's log does not follow from the one before it",
                meaning="It was changed, or a line was taken out, or the disk is damaged.",
                next_step="keep the file, find out why, and start the broker on a new one",
            )
        before = to_hex(keccak(line))
    return before
