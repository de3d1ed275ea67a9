"""The program that ran before, in a folder of its own, exactly as it was approved.

From the commit that its plan names, out of the program's repository; or from the texts that the
plan store has kept for voters. Where it comes from does not matter: every file must be the one that
was digested, or nothing of it is run.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from pulumi_mandate.errors import EngineError, MandateError, Refused, UsageError
from pulumi_mandate.plan.build import config_part
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import stack_files
from pulumi_mandate.plan.raw import subject_key
from pulumi_mandate.store import PlanStore

from .engine import engine_json
from .folder import RunRecord
from .rebuild import check_same_program
from .rollback import STEP
from .source import source_of
from .version_control import archive
from .where import ProgramAt

Fill = Callable[[Path], None]


@contextmanager
def former_program(former: Document, record: RunRecord, store: PlanStore) -> Iterator[ProgramAt]:
    """A folder with the former program and the settings of the stack; it is removed at the end.

    `record` is the run's: its folder holds the repository, and the stack's file of today. Not below
    our own folder: a preview's cell does not see that. Raises `Refused` where no source gives the
    approved files.
    """
    folder = Path(tempfile.mkdtemp(prefix="mandate-former-"))
    try:
        at = ProgramAt(folder, record.stack)
        _fill(at, former, Path(record.workdir), store)
        _choose_settings(at, former, Path(record.workdir))
        yield at
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(at: ProgramAt, former: Document, workdir: Path, store: PlanStore) -> None:
    refusal: MandateError | None = None
    for fill in (_from_commit(former, workdir), _from_store(former, store)):
        shutil.rmtree(at.workdir)
        at.workdir.mkdir(mode=0o700)
        try:
            fill(at.workdir)
            check_same_program(former, at)
        except (Refused, UsageError) as error:
            refusal = refusal or error
        else:
            return
    assert refusal is not None  # noqa: S101  # there are two sources
    raise refusal


def _from_commit(former: Document, workdir: Path) -> Fill:
    commit = former.content["program"]["commit"]

    def fill(folder: Path) -> None:
        files = archive(workdir, commit) if commit is not None else None
        if files is None:
            raise _nowhere(f"its commit {commit}" if commit else "a commit, which its plan lacks")
        try:
            with tarfile.open(fileobj=BytesIO(files)) as tar:
                tar.extractall(folder, filter="data")  # no link and no name leads out of it
        except (tarfile.TarError, OSError) as error:
            raise _nowhere(f"its commit {commit} ({type(error).__name__})") from None

    return fill


def _from_store(former: Document, store: PlanStore) -> Fill:
    def fill(folder: Path) -> None:
        texts = source_of(former, store).texts
        for file in former.files:
            if file.path not in texts:
                raise _nowhere(f"the text of {file.path}")
            place = folder / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if file.mode == "link":
                place.symlink_to(texts[file.path])
            else:
                place.write_bytes(texts[file.path].encode())
                place.chmod(0o700 if file.mode == "executable" else 0o600)

    return fill


def _choose_settings(at: ProgramAt, former: Document, workdir: Path) -> None:
    """The stack's file: the commit's, where it says what was approved with that program; else the
    one of today. Whether that is good enough the way back itself shows."""
    if _has_settings(at) and _config(at) == former.content["config"]:
        return
    for name in stack_files(at.stack):
        (at.workdir / name).unlink(missing_ok=True)
        if (workdir / name).is_file():
            shutil.copy(workdir / name, at.workdir / name)


def _has_settings(at: ProgramAt) -> bool:
    return any((at.workdir / name).is_file() for name in stack_files(at.stack))


def _config(at: ProgramAt) -> object:
    words = ["config", "--show-secrets", "--json", "--stack", at.stack]
    try:
        told = engine_json(words, at.workdir)
        return config_part(told, subject_key(told))
    except (EngineError, UsageError):
        return None


def _nowhere(what: str) -> Refused:
    return Refused(
        STEP,
        f"the former program cannot be had: there is not {what}",
        next_step="check out the former program, then: mandate propose",
    )
