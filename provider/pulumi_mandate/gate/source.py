"""A program's source as voters may read it: from the disk now, from the store for what ran last."""

from __future__ import annotations

from pathlib import Path

from pulumi_mandate.errors import InvalidDocument, Refused
from pulumi_mandate.governance.registry import Registry
from pulumi_mandate.models import Digest, Subject, digest, subject_hash, to_hex
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import ProgramDigest, ProgramFile
from pulumi_mandate.plan.source import Since, Source, may_be_shown, texts_of
from pulumi_mandate.store import PlanStore


def read_source(root: Path, program: ProgramDigest) -> Source:
    """The texts of a digested program. Raises `InvalidDocument` where a file changed since."""
    shown = (file for file in program.files if _may_be_shown(root, file))
    return Source(program.files, texts_of((file.path, _content(root, file)) for file in shown))


def _may_be_shown(root: Path, file: ProgramFile) -> bool:
    return may_be_shown(file.path, (root / file.path).lstat().st_size)


def _content(root: Path, file: ProgramFile) -> bytes:
    path = root / file.path
    return bytes(path.readlink()) if file.mode == "link" else path.read_bytes()


def last_completed(registry: Registry, store: PlanStore, subject: Subject) -> Since | None:
    """The program of the plan that completed last on a subject; None where none ever did.

    Raises `Refused` where the store lacks its document: a change cannot be shown without it.
    """
    found = completed_plan(registry, store, subject)
    return None if found is None else Since(found[0], source_of(found[1], store))


def completed_plan(
    registry: Registry, store: PlanStore, subject: Subject
) -> tuple[Digest, Document] | None:
    """The plan that completed last on a subject, and its document. Raises as `last_completed`."""
    until = registry.newest_block()
    plan = registry.last_completed(subject_hash(subject), until)
    if plan is None:
        return None
    named = store.document_of(plan)
    if named is None:
        raise Refused(
            4,
            f"the document of the last completed plan {to_hex(plan)} is not in the store",
            meaning="Voters are shown how the source changed since then.",
            next_step="put it back: mandate propose --plan FILE --resend",
        )
    return plan, Document.load(store.get(named))


def source_of(document: Document, store: PlanStore) -> Source:
    """A document's files, with their texts as far as the store has kept them."""
    part = document.content["source"]
    try:
        data = store.get(digest(part["content"])) if part is not None else None
    except Refused:
        data = None
    return Source(document.files, {}) if data is None else Source.load(document.files, data)


def keep_source(document: Document, store: PlanStore, root: Path) -> None:
    """Put the texts that a document's source change speaks of into the store.

    Raises `Refused` where they are neither there nor in `root`.
    """
    wanted = digest(document.content["source"]["content"])
    if _kept(store, wanted):
        return
    try:
        found = read_source(root, ProgramDigest.of(document.files))
    except (InvalidDocument, OSError):
        found = None
    if found is None or found.digest != wanted:
        raise Refused(
            4,
            "the program's texts are not in the store, and this folder has others",
            meaning="Voters could not read the change of the source that the document names.",
            next_step="run the same command in the folder that was previewed: --cwd DIR",
        )
    store.put(found.data)


def _kept(store: PlanStore, wanted: Digest) -> bool:
    try:
        store.get(wanted)
    except Refused:
        return False
    return True
