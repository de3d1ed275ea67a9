"""What git says of a program's folder; real git, repositories of the tests' own."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from pulumi_mandate.gate.version_control import archive, commit_of

IDENTITY = ("-c", "user.name=ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in a folder of a repository."""
    git(tmp_path, "init", "-q")
    folder = tmp_path / "infra"
    folder.mkdir()
    (folder / "__main__.py").write_text("import pulumi\n")
    (tmp_path / "elsewhere.txt").write_text("x")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    return folder


def test_an_unchanged_folder_is_its_commit(program: Path) -> None:
    assert commit_of(program, "dev") == git(program, "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["__main__.py", "new.py", "Pulumi.other.yaml"])
def test_a_changed_folder_is_no_commit(program: Path, name: str) -> None:
    (program / name).write_text("changed\n")

    assert commit_of(program, "dev") is None


def test_its_own_stack_file_and_other_folders_do_not_count(program: Path) -> None:
    (program / "Pulumi.dev.yaml").write_text("config: {}\n")
    (program.parent / "elsewhere.txt").write_text("changed")

    assert commit_of(program, "acme/shop/dev") == git(program, "rev-parse", "HEAD")


def test_without_a_repository_or_a_commit_there_is_none(tmp_path: Path) -> None:
    assert commit_of(tmp_path, "dev") is None
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path, "dev") is None
    assert archive(tmp_path, "00" * 20) is None


def test_an_archive_holds_the_folder_as_it_was_in_the_commit(program: Path) -> None:
    commit = git(program, "rev-parse", "HEAD")
    (program / "__main__.py").write_text("changed\n")

    data = archive(program, commit)

    assert data is not None
    with tarfile.open(fileobj=io.BytesIO(data)) as files:
        assert [name for name in files.getnames() if name != "pax_global_header"] == ["__main__.py"]
        stream = files.extractfile("__main__.py")
        assert stream is not None
        assert stream.read() == b"import pulumi\n"


def test_a_repository_starts_no_program_of_its_choice(program: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path / 'sprung'}\n")
    trap.chmod(0o755)
    git(program, "config", "core.fsmonitor", str(trap))

    assert commit_of(program, "dev") is not None
    assert not (tmp_path / "sprung").exists()
