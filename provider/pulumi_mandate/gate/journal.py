"""What was allowed and what was refused, operation by operation, on disk before the engine is told.

One JSON object a line, flushed to the disk each time: after a crash this file and the state are all
that is left to say what may have happened. It holds digests of values, never the values.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from pulumi_mandate.errors import MandateError

ALLOWED = "allowed"
REFUSED = "refused"
LATCHED = "Latched"
"""The `error` of a refusal that only follows from an earlier one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer of the gate to the engine."""

    verdict: str
    """`allowed` or `refused`."""
    moment: str
    """`create`, `update` or `delete`."""
    urn: str
    index: int
    """Of the operation in the document; -1 where none fits."""
    reason: str = ""
    """Of a refusal: what happened, without values of inputs."""
    error: str = ""
    """Of a refusal: the class of the error. `Refused` is a judgement; others mean "cannot tell"."""
    resolved: tuple[tuple[str, str], ...] = ()
    """Path and digest (0x…) of every unknown that became a value."""


class Journal:
    """An append-only file of entries; safe to use from several threads of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def append(self, entry: Entry) -> None:
        """Write one entry and wait until the disk has it."""
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        with self._lock:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def entries(self) -> list[Entry]:
        """All entries in order; a last line cut off by a crash counts as not written.

        Raises `MandateError` for a line in the middle that cannot be read.
        """
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8").split("\n")
        complete, tail = lines[:-1], lines[-1]
        found = []
        for number, line in enumerate(complete, 1):
            try:
                raw = json.loads(line)
                raw["resolved"] = tuple((path, digest) for path, digest in raw["resolved"])
                found.append(Entry(**raw))
            except (ValueError, TypeError, KeyError) as error:
                raise MandateError(
                    f"line {number} of the run's journal cannot be read",
                    meaning="The journal was edited or the disk is damaged; the state decides.",
                ) from error
        del tail  # written in part: the engine was never answered
        return found
