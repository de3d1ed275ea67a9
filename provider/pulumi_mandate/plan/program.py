"""The digest of a program: every file that would run, by path, executable bit and content.

The ignore rules are part of the schema: other rules are another schema. `Pulumi.<stack>.yaml` is
left out because it holds the stack's random encryption salt and ciphertexts; its values are bound
as the document's `config` instead. The files of other stacks count: a program can read them.
Bytecode outside `__pycache__` counts: without a source beside it, `import` runs it. Inside, it must
be what the source beside it gives. Reads the disk, and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Digest, keccak, to_hex

from .bytecode import is_forged
from .canonical import JSON, canonical_bytes

IGNORED_FOLDERS = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".toolchain"}
    | {".pulumi", ".pytest_cache", ".mypy_cache", ".ruff_cache"}
)
_CHUNK = 1 << 20
_CODE = frozenset({".py", ".pyc", ".so", ".pyd"})
FILE_PARTS = 3
"""Path, mode and SHA-256: what a listing says of a file."""
FILE_MODES = ("file", "executable", "link")
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ProgramFile:
    """One file or link of a program."""

    path: str
    """Relative, with slashes."""
    mode: str
    """One of `FILE_MODES`."""
    sha256: str
    """Of the content; for a link, of its target."""


@dataclass(frozen=True, slots=True)
class ProgramDigest:
    """A program, as far as a plan is bound to it."""

    digest: Digest
    files: tuple[ProgramFile, ...]
    left_out: tuple[str, ...] = field(default=(), compare=False)
    """What is there and not digested: folders, and the stack's own file. Nothing of a plan may be
    taken from there."""

    @classmethod
    def of(cls, files: tuple[ProgramFile, ...], left_out: tuple[str, ...] = ()) -> ProgramDigest:
        """Of files in the order of their paths."""
        return cls(listing_digest(_listing(files)), files, left_out)

    def part(self, commit: str | None) -> dict[str, JSON]:
        """The document's `program`. `commit`: of version control, if there is one."""
        return {"digest": to_hex(self.digest), "commit": commit, "files": _listing(self.files)}


def modules_of(files: Iterable[ProgramFile]) -> set[str]:
    """Names that `import` may find in a program, before any installed package of that name.

    At any depth: `main` in Pulumi.yaml and the program itself decide where imports begin.
    """
    code = (PurePosixPath(file.path) for file in files)
    return {
        name
        for path in code
        if path.suffix in _CODE
        for name in (*path.parent.parts, path.name.partition(".")[0])
    }


def _listing(files: tuple[ProgramFile, ...]) -> list[JSON]:
    return [[file.path, file.mode, file.sha256] for file in files]


def is_side(side: object) -> bool:
    """Whether this is what a listing says of a file beside its path: `[mode, SHA-256]`."""
    return (
        isinstance(side, list)
        and len(side) == FILE_PARTS - 1
        and all(type(text) is str for text in side)
        and side[0] in FILE_MODES
        and SHA256.fullmatch(side[1]) is not None
    )


def listing_digest(files: list[JSON]) -> Digest:
    """A program's digest: keccak of the canonical bytes of `[[path, mode, SHA-256]]`."""
    return keccak(canonical_bytes(files))


def program_digest(root: Path, stack: str) -> ProgramDigest:
    """Digest the tree below `root`, which holds `Pulumi.yaml`.

    `stack` is the one in use, as `name` or `organisation/project/name`: its own stack file is left
    out, and only that one.

    Raises `UsageError` for a link that leaves the tree or leads to what is left out, a name that is
    not UTF-8, a device or a pipe, cached bytecode that its source does not give, and a tree without
    files.
    """
    top = root.resolve()
    left_out: list[str] = []
    found = _files(top, top, stack_files(stack), left_out)
    files = tuple(sorted(found, key=lambda file: file.path))
    if not files:
        raise UsageError("the program's folder holds no files")
    return ProgramDigest.of(files, tuple(sorted(left_out)))


def stack_files(stack: str) -> tuple[str, str]:
    """The names that a stack's own file may have."""
    name = stack.rpartition("/")[2]
    return f"Pulumi.{name}.yaml", f"Pulumi.{name}.yml"


def _files(
    top: Path, folder: Path, unbound: tuple[str, str], left_out: list[str]
) -> Iterator[ProgramFile]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            name = _name(top, path)
            if entry.is_symlink():
                yield _link(top, path, name, unbound)
            elif name in unbound or (entry.name in IGNORED_FOLDERS and entry.is_dir()):
                left_out.append(name)
            elif entry.is_dir():
                yield from _files(top, path, unbound, left_out)
            else:
                yield _file(path, name)


def _file(path: Path, name: str) -> ProgramFile:
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise UsageError(f"{name} is neither a file nor a folder, so it cannot be digested")
    if path.suffix == ".py" and is_forged(path):
        raise UsageError(
            f"the cached bytecode of {name} is not what {name} says",
            meaning="Python would run it in place of the source that the plan is bound to.",
            next_step=f"find out who put it there; then remove {path.parent / '__pycache__'}",
        )
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return ProgramFile(name, "executable" if mode & stat.S_IXUSR else "file", digest.hexdigest())


def _link(top: Path, path: Path, name: str, unbound: tuple[str, str]) -> ProgramFile:
    target = path.readlink()
    place = path.resolve()
    if target.is_absolute() or not place.is_relative_to(top):
        raise UsageError(
            f"{name} is a link that leaves the program's folder",
            meaning="What it points to would run without being part of the plan.",
            next_step="replace the link by the file itself",
        )
    inside = place.relative_to(top)
    if IGNORED_FOLDERS.intersection(inside.parts) or inside.as_posix() in unbound:
        raise UsageError(
            f"{name} is a link to {inside}, which is no part of the program's digest",
            meaning="What it points to would run without being part of the plan.",
            next_step="replace the link by the file itself",
        )
    return ProgramFile(name, "link", hashlib.sha256(os.fsencode(target)).hexdigest())


def _name(top: Path, path: Path) -> str:
    name = path.relative_to(top).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UsageError("a file name in the program is not UTF-8") from None
    return name
