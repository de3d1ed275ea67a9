"""What a run leaves on this machine, so that a crash between any two steps can be repaired.

`$MANDATE_HOME/runs/<run id>/`: `run.json` (written before `begin` is sent, so that an order that
reached the chain is never unknown here), `journal.jsonl`, `grants/` (what our providers may do
now), `rest.json` (what was left of a plan when it was resumed), `result.json` (written last),
`watcher.log`, `engine.json` (which file the engine is, and which version it said it has), and
`undo/` where it is rolled back: a folder of the same kind, with the document that leads back.
`$MANDATE_HOME/locks/<subject>`: one run at a time on one machine. Nothing in them is secret but the
key of the grants, which opens nothing once the run is over.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import (
    Address,
    Digest,
    ExecutionOrder,
    Subject,
    digest,
    subject_hash,
    to_hex,
)
from pulumi_mandate.plan.document import Document

from .ancestor import Engine
from .journal import Journal

SCHEMA = "mandate/run/v1"
UNDO = "undo"
LOCK_SECONDS = 90.0
_POLL_SECONDS = 0.2


def mandate_home(environment: Mapping[str, str] | None = None) -> Path:
    """`$MANDATE_HOME`, or the folder below the user's state folder; of this process by default."""
    told = os.environ if environment is None else environment
    named = told.get("MANDATE_HOME")
    if named:
        return Path(named)
    base = told.get("XDG_STATE_HOME") or Path(told.get("HOME") or Path.home(), ".local", "state")
    return Path(base) / "pulumi-mandate"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """`run.json`: everything that finishing a run needs beside chain, store and state."""

    order: ExecutionOrder
    signature: bytes
    """The executor's, over the order; public once `begin` is sent."""
    executor: Address
    subject: Subject
    document: Digest
    workdir: str
    """Folder with the program's `Pulumi.yaml`."""
    stack: str
    engine_pid: int
    engine_started: int
    """Together with the pid this names the engine's process for ever."""
    trust: str
    """Path of the trust file in use."""
    before: dict[str, str] = field(repr=False)
    """State before the run: resource key to digest (0x…)."""
    modules: dict[str, str] = field(repr=False)
    """Which package (0x…) owns which module: part of what a dynamic provider is called."""
    transaction: str = ""
    """Of `begin`, 0x…; empty until it was mined."""

    @property
    def run_id(self) -> Digest:
        return self.order.run_id

    @property
    def plan_hash(self) -> Digest:
        return self.order.plan_hash

    def as_json(self) -> dict[str, Any]:
        order = self.order
        return {
            "schema": SCHEMA,
            "planHash": to_hex(order.plan_hash),
            "runId": to_hex(order.run_id),
            "runner": order.runner,
            "leaseUntil": order.lease_until,
            "keyEpoch": order.key_epoch,
            "deadline": order.deadline,
            "signature": to_hex(self.signature),
            "executor": self.executor,
            "subject": asdict(self.subject),
            "document": to_hex(self.document),
            "workdir": self.workdir,
            "stack": self.stack,
            "engine": {"pid": self.engine_pid, "started": self.engine_started},
            "trust": self.trust,
            "before": self.before,
            "modules": self.modules,
            "transaction": self.transaction,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> RunRecord:
        if value["schema"] != SCHEMA:
            raise ValueError("unknown schema")
        order = ExecutionOrder(
            plan_hash=digest(value["planHash"]),
            run_id=digest(value["runId"]),
            runner=Address(value["runner"]),
            lease_until=value["leaseUntil"],
            key_epoch=value["keyEpoch"],
            deadline=value["deadline"],
        )
        return cls(
            order=order,
            signature=bytes.fromhex(value["signature"][2:]),
            executor=Address(value["executor"]),
            subject=Subject(**value["subject"]),
            document=digest(value["document"]),
            workdir=value["workdir"],
            stack=value["stack"],
            engine_pid=value["engine"]["pid"],
            engine_started=value["engine"]["started"],
            trust=value["trust"],
            before=value["before"],
            modules=value["modules"],
            transaction=value["transaction"],
        )


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder."""

    path: Path

    @property
    def journal(self) -> Journal:
        return Journal(self.path / "journal.jsonl")

    @property
    def log(self) -> Path:
        return self.path / "watcher.log"

    @property
    def undo(self) -> RunFolder:
        """Of step (12): its record names another document, program and engine, and the same run."""
        return RunFolder(self.path / UNDO)

    @property
    def is_undo(self) -> bool:
        """Whether this is the way back of a run, and not the run itself."""
        return self.path.name == UNDO

    @property
    def has_begun(self) -> bool:
        """Whether there is a record, which is written before anything is done."""
        return (self.path / "run.json").is_file()

    def record(self) -> RunRecord:
        """Raises `MandateError` where it is missing or damaged."""
        try:
            return RunRecord.from_json(json.loads((self.path / "run.json").read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MandateError(
                f"the record of a run in {self.path} cannot be read",
                meaning="The chain and the state still say what happened.",
                next_step="mandate status; after the lease anybody may: mandate abandon",
            ) from error

    def write_record(self, record: RunRecord) -> None:
        """Write all of it, or nothing."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_whole(self.path / "run.json", record.as_json())

    def rest(self) -> Document | None:
        """What was left of the plan when `mandate up` resumed the run; None for a whole one.

        Raises `InvalidDocument`.
        """
        file = self.path / "rest.json"
        return Document.load(file.read_bytes()) if file.exists() else None

    def write_rest(self, rest: Document | None) -> None:
        """For the program that will join the run."""
        (self.path / "rest.json").unlink(missing_ok=True)
        if rest is not None:
            (self.path / "rest.json").write_bytes(rest.data)

    def version_of(self, engine: str) -> str | None:
        """The version that an engine of this `engine.identity` said it has, before it was started
        for this run; None where nobody asked it."""
        try:
            found = json.loads((self.path / "engine.json").read_bytes())
            return str(found["version"]) if found["identity"] == engine else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_version(self, engine: str, version: str) -> None:
        """For the program that will join the run."""
        _write_whole(self.path / "engine.json", {"identity": engine, "version": version})

    def write_undo(self, document: Document, reasons: Sequence[str], record: RunRecord) -> None:
        """Of a way back: what it is, why it is taken, and last of all the record."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.path / "document.json").write_bytes(document.data)
        _write_whole(self.path / "why.json", list(reasons))
        self.write_record(record)

    def undo_document(self) -> Document:
        """The approved way back. Raises `MandateError` where its file is missing or damaged."""
        found = Document.load(self._read("document.json"))
        if found.digest != self.record().document:
            raise self._damaged()
        return found

    def reasons(self) -> list[str]:
        """Why the way back was taken. Raises `MandateError` where the file is damaged."""
        try:
            found = json.loads(self._read("why.json"))
        except ValueError:
            raise self._damaged() from None
        if not isinstance(found, list) or not found:
            raise self._damaged()
        return [str(reason) for reason in found]

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError:
            raise self._damaged() from None

    def _damaged(self) -> MandateError:
        return MandateError(
            f"what is kept in {self.path} of a run's way back cannot be read",
            meaning="Nothing goes on by itself. The chain and the state still say what happened.",
            next_step="mandate status; after the lease anybody may: mandate abandon",
        )

    def result(self) -> dict[str, Any] | None:
        """What the watcher wrote, or None while it has not."""
        try:
            found: dict[str, Any] = json.loads((self.path / "result.json").read_bytes())
            return found
        except (OSError, ValueError):
            return None

    def write_result(self, result: dict[str, Any]) -> None:
        _write_whole(self.path / "result.json", result)


def run_folder(run_id: Digest, home: Path | None = None) -> RunFolder:
    """The folder of a run on this machine, whether it exists or not."""
    return RunFolder((home or mandate_home()) / "runs" / run_id.hex())


def run_folders(home: Path | None = None) -> Iterator[RunFolder]:
    """Every run that left a record here, oldest first."""
    root = (home or mandate_home()) / "runs"
    if root.is_dir():
        found = [path for path in root.iterdir() if (path / "run.json").is_file()]
        for path in sorted(found, key=lambda path: (path / "run.json").stat().st_mtime_ns):
            yield RunFolder(path)


def engine_folders(home: Path | None = None) -> Iterator[RunFolder]:
    """What an engine may have been started for: runs, and the way back of each. Oldest first."""
    for folder in run_folders(home):
        yield folder
        if folder.undo.has_begun:
            yield folder.undo


def run_begun_for(engine: Engine) -> RunFolder | None:
    """The run that was begun by the process that then became this engine; None for any other."""
    for folder in reversed(list(engine_folders())):
        with suppress(MandateError):  # a damaged record is no run to join: the whole gate decides
            record = folder.record()
            if (record.engine_pid, record.engine_started) == (engine.pid, engine.started):
                return folder
    return None


class SubjectLock:
    """One run at a time on this machine. Handed on to the watcher, which holds it to the end."""

    def __init__(self, subject: Subject, home: Path | None = None) -> None:
        folder = (home or mandate_home()) / "locks"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / subject_hash(subject).hex()
        self.descriptor = -1

    def take(
        self,
        *,
        wait: float = LOCK_SECONDS,
        progress: Callable[[str], None] | None = None,
    ) -> bool:
        """Step (1). Whether it was free at once.

        Raises `Refused` where another run holds it for longer than `wait` seconds.
        """
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + wait
        waited = told = False
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return not waited
            waited = True
            if time.monotonic() > deadline:
                self.release()
                raise Refused(
                    1,
                    "another run of this stack is going on, or is being finished, on this machine",
                    next_step="wait for it, then run the same command again: mandate status",
                )
            if not told and progress is not None:
                progress("waiting for the last run of this stack to be finished")
                told = True
            time.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Let go; the lock itself ends when every process that holds it has."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _write_whole(path: Path, value: Any) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
