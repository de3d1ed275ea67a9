"""A program's digest: every byte that would run, and nothing that differs between checkouts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate.plan.program import ProgramFile, modules_of, program_digest


@pytest.fixture
def program(tmp_path: Path) -> Path:
    root = tmp_path / "program"
    (root / "lib").mkdir(parents=True)
    (root / "Pulumi.yaml").write_text("name: x\n")
    (root / "__main__.py").write_text("import lib.a\n")
    (root / "lib" / "a.py").write_text("A = 1\n")
    (root / "link.py").symlink_to("lib/a.py")
    return root


def _write(name: str, content: str = "x") -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)

    return change


@pytest.mark.parametrize(
    "name",
    [".git/HEAD", ".venv/lib/x.py", "venv/x.py", "node_modules/x.js", "__pycache__/a.pyc",
     "lib/__pycache__/a.pyc", ".toolchain/bin/x", "Pulumi.dev.yaml", ".pytest_cache/x"],
)  # fmt: skip
def test_what_a_checkout_collects_is_left_out(program: Path, name: str) -> None:
    before = program_digest(program, "dev").digest
    _write(name)(program)

    assert program_digest(program, "dev").digest == before


@pytest.mark.parametrize(
    "change",
    [
        _write("__main__.py", "import lib.b\n"),
        _write("Pulumi.yaml", "name: y\n"),
        _write("lib/new.py"),
        _write("lib/Pulumi.dev.yaml"),
        _write(".env"),
        _write("lib/hidden.pyc"),
        lambda root: (root / "lib" / "a.py").unlink(),
        lambda root: (root / "lib" / "a.py").rename(root / "lib" / "b.py"),
        lambda root: (root / "__main__.py").chmod(0o755),
        lambda root: ((root / "link.py").unlink(), (root / "link.py").symlink_to("__main__.py")),
        lambda root: (root / "link.py").replace(root / "x") and _write("link.py", "A = 1\n")(root),
    ],
    ids=["content", "project", "new file", "a stack file that is none", "dot file",
         "bytecode without a source", "removed", "renamed", "executable", "link elsewhere",
         "link replaced by its content"],
)  # fmt: skip
def test_what_would_run_otherwise_has_another_digest(
    program: Path, change: Callable[[Path], object]
) -> None:
    before = program_digest(program, "dev").digest
    change(program)

    assert program_digest(program, "dev").digest != before


@pytest.mark.parametrize("stack", ["dev", "acme/shop/dev"])
def test_only_the_file_of_the_stack_in_use_is_left_out(program: Path, stack: str) -> None:
    before = program_digest(program, stack).digest
    _write("Pulumi.dev.yaml")(program)
    same = program_digest(program, stack).digest
    _write("Pulumi.other.yaml")(program)

    assert same == before
    assert program_digest(program, stack).digest != before


def test_place_times_and_owners_do_not_matter(program: Path, tmp_path: Path) -> None:
    copy = tmp_path / "somewhere" / "else"
    shutil.copytree(program, copy, symlinks=True)
    os.utime(copy / "__main__.py", (1, 1))
    (copy / "Pulumi.yaml").chmod(0o600)

    assert program_digest(copy, "dev") == program_digest(program, "dev")


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside.py", "lib/../../outside.py"])
def test_a_link_that_leaves_the_tree_is_refused(program: Path, target: str) -> None:
    (program.parent / "outside.py").write_text("x")
    (program / "bad.py").symlink_to(target)

    with pytest.raises(UsageError, match="leaves the program's folder"):
        program_digest(program, "dev")


@pytest.mark.parametrize("target", [".venv/x.py", "lib/node_modules", "Pulumi.dev.yaml"])
def test_a_link_to_what_the_digest_leaves_out_is_refused(program: Path, target: str) -> None:
    _write(".venv/x.py")(program)
    _write("lib/node_modules/x.js")(program)
    _write("Pulumi.dev.yaml")(program)
    (program / "bad.py").symlink_to(target)

    with pytest.raises(UsageError, match="no part of the program's digest"):
        program_digest(program, "dev")


def test_what_is_left_out_is_told_and_not_hashed(program: Path) -> None:
    before = program_digest(program, "dev")
    _write("lib/node_modules/deep/node_modules/x.js")(program)
    _write("Pulumi.dev.yaml")(program)
    after = program_digest(program, "dev")

    assert (before.left_out, after.left_out) == ((), ("Pulumi.dev.yaml", "lib/node_modules"))
    assert before == after


def test_a_linked_folder_is_not_followed(program: Path) -> None:
    (program / "again").symlink_to("lib")

    assert [file.mode for file in program_digest(program, "dev").files if file.path == "again"] == [
        "link"
    ]


def test_devices_and_strange_names_are_refused(program: Path) -> None:
    os.mkfifo(program / "pipe")
    with pytest.raises(UsageError, match="neither a file"):
        program_digest(program, "dev")
    (program / "pipe").unlink()

    Path(os.fsdecode(os.fsencode(program) + b"/\xff.py")).write_text("x")
    with pytest.raises(UsageError, match="not UTF-8"):
        program_digest(program, "dev")


def test_an_empty_folder_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no files"):
        program_digest(tmp_path, "dev")


def test_modules_of_a_program_are_told_wherever_imports_begin() -> None:
    paths = ("__main__.py", "lib/boto3/__init__.py", "lib/fast.cpython-311.so", "docs/yaml/a.md")
    files = [ProgramFile(path, "file", "0" * 64) for path in paths]

    assert modules_of(files) == {"__main__", "lib", "boto3", "__init__", "fast"}
