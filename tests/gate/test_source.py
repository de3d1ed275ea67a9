"""Texts from the disk and from the store: kept once, never other ones, and never a secret."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.errors import InvalidDocument, Refused
from pulumi_mandate.gate.proposal import check_source_is_new
from pulumi_mandate.gate.source import keep_source, last_completed, read_source
from pulumi_mandate.models import Digest, keccak, to_hex
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import program_digest
from pulumi_mandate.plan.source import Since, source_part
from pulumi_mandate.store import DirectoryStore
from tests.gate.cases import SUBJECT, document, operation

PLAN = keccak(b"a completed plan")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "__main__.py").write_text("import pulumi\n")
    (folder / ".env").write_text("TOKEN=hunter2\n")
    (folder / "again.py").symlink_to("__main__.py")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def planned(root: Path, since: Since | None = None) -> Document:
    program = program_digest(root, "dev")
    return document(
        operation("a"),
        program=program.part(None),
        source=source_part(read_source(root, program), since),
    )


def registry(completed: Digest | None) -> Any:
    return SimpleNamespace(
        newest_block=lambda: None, last_completed=lambda subject, until: completed
    )


def test_the_texts_are_kept_and_what_may_be_a_secret_is_not(
    root: Path, store: DirectoryStore
) -> None:
    plan = planned(root)

    keep_source(plan, store, root)

    kept = store.get(Digest(bytes.fromhex(plan.content["source"]["content"][2:])))
    assert b"import pulumi" in kept
    assert b"hunter2" not in kept + plan.data
    links = [change for change in plan.content["source"]["changes"] if change["path"] == "again.py"]
    assert links[0]["diff"].endswith("+__main__.py\n\\ No newline at end of file\n")


def test_kept_texts_need_no_folder(root: Path, store: DirectoryStore, tmp_path: Path) -> None:
    plan = planned(root)
    keep_source(plan, store, root)

    keep_source(plan, store, tmp_path / "nowhere")


@pytest.mark.parametrize("edit", ["another text", "no file"])
def test_other_texts_are_not_kept_in_their_place(
    root: Path, store: DirectoryStore, edit: str
) -> None:
    plan = planned(root)
    (root / "__main__.py").unlink()
    if edit == "another text":
        (root / "__main__.py").write_text("import evil\n")

    with pytest.raises(Refused, match="this folder has others"):
        keep_source(plan, store, root)


def test_a_file_that_changed_after_it_was_digested_is_no_text_of_it(root: Path) -> None:
    program = program_digest(root, "dev")
    (root / "__main__.py").write_text("import evil\n")

    with pytest.raises(InvalidDocument, match="not the one that was digested"):
        read_source(root, program)


def test_the_last_completed_program_comes_from_its_plan(root: Path, store: DirectoryStore) -> None:
    plan = planned(root)
    keep_source(plan, store, root)
    store.link(PLAN, store.put(plan.data))

    found = last_completed(registry(PLAN), store, SUBJECT)

    assert found == Since(PLAN, read_source(root, program_digest(root, "dev")))
    assert last_completed(registry(None), store, SUBJECT) is None


def test_without_its_document_nothing_is_compared(store: DirectoryStore) -> None:
    with pytest.raises(Refused, match="the document of the last completed plan"):
        last_completed(registry(PLAN), store, SUBJECT)


def test_a_plan_that_lost_its_texts_is_compared_by_digests(
    root: Path, store: DirectoryStore
) -> None:
    store.link(PLAN, store.put(planned(root).data))
    (root / "__main__.py").write_text("import evil\n")

    plan = planned(root, last_completed(registry(PLAN), store, SUBJECT))

    (change,) = plan.content["source"]["changes"]
    assert (change["path"], change["withheld"]) == ("__main__.py", "no former text to compare with")


@pytest.mark.parametrize("completed", [None, PLAN], ids=["none completed", "one completed"])
def test_a_proposal_tells_the_change_since_the_newest_program(
    root: Path, completed: Digest | None
) -> None:
    former = Since(PLAN, read_source(root, program_digest(root, "dev")))
    fresh = planned(root, former if completed else None)
    stale = planned(root, None if completed else former)
    machine: Any = SimpleNamespace(registry=registry(completed))

    check_source_is_new(fresh, machine)
    for wrong in (stale, Document.of({**fresh.content, "source": None})):
        with pytest.raises(Refused) as refusal:
            check_source_is_new(wrong, machine)
        assert refusal.value.step == 7
        assert refusal.value.expected == (to_hex(PLAN) if completed else refusal.value.expected)
