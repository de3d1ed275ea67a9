"""An attestor's own preview: the named commit, checked out clean, wants exactly what was proposed.

Somebody who neither proposes nor runs gets the same effect root from the same source, on another
machine. What a proposer's machine did to its own preview does not survive that.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from pulumi_mandate.chain.trust import Trust
from pulumi_mandate.errors import EngineError, Refused
from pulumi_mandate.models import ZERO, Digest
from pulumi_mandate.plan.compare import Difference, differences, open_differences
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import IGNORED_FOLDERS, program_digest, stack_files
from pulumi_mandate.plan.withheld import open_root

from .flags import flags_of
from .prepare import RulesOf, check_governed, document_of, prepare, subject_of
from .version_control import archive
from .where import ProgramAt
from .withheld import withheld_stack


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What an own preview of the proposed program gave."""

    effect_root: Digest
    differences: tuple[Difference, ...]
    """Empty: it is the proposed plan."""
    commit: str | None
    """The commit that was checked out; None where the plan names none and the folder was used."""


def rebuild(
    document: Document,
    program: ProgramAt,
    trust: Trust,
    rules: RulesOf,
    *,
    withhold: bool = False,
) -> Rebuilt:
    """Preview the program again and compare it with a proposed plan.

    `program` is a checkout of one's own. Where the plan names a commit, that commit is exported
    from it to a clean folder; else the folder is taken as it is. With `withhold`, nobody needs to
    decrypt the stack's secrets, and the effect root is the one modulo secrets.

    Raises `Refused` where it is another program, `EngineError`, `EmptyPlan` where it wants nothing,
    `UsageError`.
    """
    commit = document.content["program"]["commit"]
    with _checkout(program, commit, copied=withhold) as folder, ExitStack() as stack:
        # What was proposed says which part of the stack it is about.
        flags = flags_of(document.content)
        at, environment = ProgramAt(folder, program.stack, flags=flags), dict(os.environ)
        check_same_program(document, at)
        subject = subject_of(program, trust, environment)
        if withhold:
            made = withheld_stack(replace(program, flags=flags), folder, environment)
            at, environment = stack.enter_context(made)
        prepared = prepare(
            at,
            trust,
            kind=document.content["kind"],
            rules=rules,
            environment=environment,
            subject=subject,
        )
        check_governed(at, prepared.raw)
        fields = document.fields()
        found = document_of(
            prepared,
            proposer=fields.proposer,
            window=(fields.not_before, fields.expires_at),
            salt=ZERO,
            again=True,
        )
    if withhold:
        return Rebuilt(
            open_root(found.operations), tuple(open_differences(document, found)), commit
        )
    return Rebuilt(found.effect_root, tuple(differences(document, found)), commit)


def check_same_program(document: Document, program: ProgramAt) -> None:
    """The files are the proposed ones. Raises `Refused`, which names the first that differs."""
    here = {file.path: file for file in program_digest(program.workdir, program.stack).files}
    proposed = {file.path: file for file in document.files}
    for path in sorted(here.keys() | proposed.keys()):
        if here.get(path) != proposed.get(path):
            one, other = proposed.get(path), here.get(path)
            raise Refused(
                6,
                f"this is another program than the one that was proposed: {path} differs",
                field="program",
                expected=one.sha256 if one else "no such file",
                found=other.sha256 if other else "no such file",
                next_step="check out the source that the proposal names",
            )


@contextmanager
def _checkout(program: ProgramAt, commit: str | None, *, copied: bool) -> Iterator[Path]:
    """A clean folder with the commit's files of the program, and this checkout's stack file."""
    if commit is None:
        if not copied:
            yield program.workdir
            return
        with tempfile.TemporaryDirectory(prefix="mandate-rebuild-") as name:
            ignored = shutil.ignore_patterns(*IGNORED_FOLDERS)
            shutil.copytree(
                program.workdir, name, symlinks=True, ignore=ignored, dirs_exist_ok=True
            )
            yield Path(name)
        return
    files = archive(program.workdir, commit)
    if files is None:
        raise EngineError(
            f"the commit {commit} cannot be had from {program.workdir}",
            meaning="The plan was made of that commit, so an attestor previews that commit.",
            next_step="fetch it: git fetch origin " + commit,
        )
    folder = Path(tempfile.mkdtemp(prefix="mandate-rebuild-"))
    try:
        with tarfile.open(fileobj=BytesIO(files)) as tar:
            tar.extractall(folder, filter="data")
        for name in stack_files(program.stack):  # bound by the plan's configuration, not by digest
            if (program.workdir / name).is_file():
                shutil.copy(program.workdir / name, folder / name)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
