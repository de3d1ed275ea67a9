"""The former program: from its commit or the store, and every file is the one that was digested."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.errors import EngineError, Refused
from pulumi_mandate.gate import former
from pulumi_mandate.gate.former import former_program
from pulumi_mandate.gate.source import keep_source, read_source
from pulumi_mandate.gate.version_control import commit_of
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import program_digest
from pulumi_mandate.plan.source import source_part
from pulumi_mandate.store import DirectoryStore
from tests.gate.cases import document, operation, record
from tests.plugins.health_fixtures import git

STACK = "acme/shop/prod"


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """A repository whose program is in a folder of it; it went on since the former plan."""
    folder = tmp_path / "repository" / "program"
    (folder / "more").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "__main__.py").write_text("print('former')\n")
    (folder / "more" / "run.sh").write_text("echo\n")
    (folder / "more" / "run.sh").chmod(0o755)
    (folder / "again.py").symlink_to("__main__.py")
    (folder.parent / "README.md").write_text("elsewhere\n")
    git(folder.parent, "init", "--quiet")
    git(folder.parent, "add", "--all")
    git(folder.parent, "commit", "--quiet", "--message", "former")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def planned(workdir: Path, store: DirectoryStore | None, **changes: Any) -> Document:
    """What was approved of this folder, with its texts kept where there is a store."""
    program = program_digest(workdir, STACK)
    plan = document(
        operation("a"),
        program=program.part(commit_of(workdir, STACK)),
        source=source_part(read_source(workdir, program), None),
        **changes,
    )
    if store is not None:
        keep_source(plan, store, workdir)
    return plan


def go_on(workdir: Path) -> None:
    (workdir / "__main__.py").write_text("print('changed')\n")
    (workdir / "new.py").write_text("")
    git(workdir, "add", "--all")
    git(workdir, "commit", "--quiet", "--message", "changed")


def listed(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rebuilt(plan: Document, workdir: Path, store: DirectoryStore) -> dict[str, str]:
    about = record(plan, workdir=str(workdir), stack=STACK)
    with former_program(plan, about, store) as at:
        assert program_digest(at.workdir, STACK).digest == plan.fields().program
        assert at.stack == STACK
        found = listed(at.workdir)
    assert not at.workdir.exists()
    return found


def test_from_its_commit(workdir: Path, store: DirectoryStore) -> None:
    plan, before = planned(workdir, None), listed(workdir)
    go_on(workdir)

    assert rebuilt(plan, workdir, store) == before


def test_from_the_texts_that_voters_read(workdir: Path, store: DirectoryStore) -> None:
    plan, before = planned(workdir, store), listed(workdir)
    shutil.rmtree(workdir.parent / ".git")
    (workdir / "__main__.py").write_text("print('changed')\n")

    assert rebuilt(plan, workdir, store) == before


def test_from_the_texts_where_the_commit_is_another_one_by_now(
    workdir: Path, store: DirectoryStore
) -> None:
    plan, before = planned(workdir, store), listed(workdir)
    former_commit = git(workdir, "rev-parse", "HEAD")
    go_on(workdir)
    git(workdir, "replace", former_commit, "HEAD")

    assert rebuilt(plan, workdir, store) == before


def test_without_a_commit_and_without_texts_there_is_none(
    workdir: Path, store: DirectoryStore
) -> None:
    (workdir / "unsaved.py").write_text("")  # so the plan names no commit
    plan = planned(workdir, None)

    with pytest.raises(Refused, match="a commit, which its plan lacks") as refusal:
        rebuilt(plan, workdir, store)
    assert refusal.value.step == 12


def test_a_commit_that_is_gone_is_named(workdir: Path, store: DirectoryStore) -> None:
    plan = planned(workdir, None)
    shutil.rmtree(workdir.parent / ".git")

    with pytest.raises(Refused, match=r"its commit [0-9a-f]{40}"):
        rebuilt(plan, workdir, store)


@pytest.mark.parametrize("name", ["__main__.py", "new.py", "again.py"])
def test_other_files_than_the_approved_ones_are_refused(
    name: str, workdir: Path, store: DirectoryStore
) -> None:
    plan = planned(workdir, None)
    former_commit = git(workdir, "rev-parse", "HEAD")
    (workdir / name).unlink(missing_ok=True)
    (workdir / name).write_text("print('evil')\n")
    git(workdir, "add", "--all")
    git(workdir, "commit", "--quiet", "--message", "evil")
    git(workdir, "replace", former_commit, "HEAD")

    with pytest.raises(Refused, match=f"{name} differs"):
        rebuilt(plan, workdir, store)


def test_a_link_out_of_the_folder_is_not_followed(
    workdir: Path, store: DirectoryStore, tmp_path: Path
) -> None:
    plan = planned(workdir, None)
    former_commit = git(workdir, "rev-parse", "HEAD")
    (workdir / "__main__.py").unlink()
    (workdir / "__main__.py").symlink_to(tmp_path / "outside.py")
    git(workdir, "commit", "--quiet", "--all", "--message", "evil")
    git(workdir, "replace", former_commit, "HEAD")

    with pytest.raises(Refused, match="AbsoluteLinkError"):
        rebuilt(plan, workdir, store)


@pytest.mark.parametrize("texts", [{"mode": "file"}, {}], ids=["one is missing", "none"])
def test_a_file_whose_text_nobody_kept_is_named(
    texts: dict[str, str], workdir: Path, store: DirectoryStore
) -> None:
    shutil.rmtree(workdir.parent / ".git")
    (workdir / "logo.png").write_bytes(b"\0\1")
    plan = planned(workdir, store if texts else None)

    with pytest.raises(Refused) as refusal:
        rebuilt(plan, workdir, store)
    assert "a commit, which its plan lacks" in refusal.value.happened


# ---- the settings of the stack ----

THEN, NOW = {"shop:word": "then"}, {"shop:word": "now"}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that says of a stack's file what stands in it."""

    def told(words: Any, folder: Path) -> Any:
        text = (folder / "Pulumi.prod.yaml").read_text()
        if text == "broken":
            raise EngineError("no settings")
        return {"shop:word": text}

    monkeypatch.setattr(former, "engine_json", told)
    monkeypatch.setattr(former, "subject_key", lambda _: None)
    monkeypatch.setattr(former, "config_part", lambda told, _: told)


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("committed", "approved", "chosen"),
    [
        ("then", THEN, "then"),
        ("stale", THEN, "now"),
        ("broken", THEN, "now"),
        (None, THEN, "now"),
        ("now", NOW, "now"),
    ],
)
def test_the_settings_are_those_of_then_where_they_are_there(
    committed: str | None,
    approved: dict[str, str],
    chosen: str,
    workdir: Path,
    store: DirectoryStore,
) -> None:
    file = workdir / "Pulumi.prod.yaml"
    if committed is not None:
        file.write_text(committed)
        git(workdir, "add", "--all")
        git(workdir, "commit", "--quiet", "--message", "settings")
    plan = planned(workdir, None, config=approved)
    file.write_text("now")

    assert rebuilt(plan, workdir, store)["Pulumi.prod.yaml"] == chosen
