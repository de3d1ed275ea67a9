"""Code that `import` finds and no distribution lists: digests of trees and of `.pth` files.

A `.pth` file names folders by their place on one machine, so each is replaced by the digest of what
is in it. Folders are left out by the rules of a program's digest. Reads the disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Digest, keccak, to_hex

from .canonical import canonical_bytes
from .program import IGNORED_FOLDERS

Listing = list[list[str]]
"""`[[path, SHA-256 of the content]]`, relative and with slashes."""

CACHES = frozenset({"__pycache__"})
NOT_IMPORTED = CACHES | {name for name in IGNORED_FOLDERS if name.startswith(".")}
"""Folders of a package that no `import` statement can name."""
STARTUP = ("sitecustomize", "usercustomize")
"""Modules that Python imports by itself before any program."""
_IMPORTS = ("import ", "import\t")
_LARGE = 1 << 20
"""Bytes from which a file is not read at once."""


def sha256(path: Path | str) -> str:
    """Of a file's content. Raises `OSError`."""
    with open(path, "rb", buffering=0) as stream:
        # `file_digest` clears a buffer of 256 KiB for each file, and most have a few.
        if os.fstat(stream.fileno()).st_size < _LARGE:
            return hashlib.sha256(stream.readall()).hexdigest()
        return hashlib.file_digest(stream, "sha256").hexdigest()


def tree_digest(folder: Path) -> Digest:
    """A folder of source. Raises `UsageError` for a linked folder, which is not followed."""
    return keccak(canonical_bytes(listing(folder, IGNORED_FOLDERS)))


def listing(folder: Path, ignored: frozenset[str], owned: frozenset[str] = frozenset()) -> Listing:
    """Every file below `folder`, but for ignored folders and those in `owned` (absolute paths)."""
    top = str(folder)
    found = [name for name in _names(top, ignored) if os.path.join(top, name) not in owned]
    try:
        return sorted(
            [name.replace(os.sep, "/"), sha256(os.path.join(top, name))] for name in found
        )
    except OSError as error:
        raise UsageError(f"a file that could be imported cannot be read: {error}") from None


def _names(top: str, ignored: frozenset[str]) -> Iterator[str]:
    start = len(os.path.join(top, ""))
    for here, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in ignored]
        for name in folders:
            if os.path.islink(os.path.join(here, name)):
                raise UsageError(
                    f"{os.path.join(here, name)} is a link to a folder",
                    meaning="What it leads to could be imported without being part of the plan.",
                    next_step="replace the link by the folder itself",
                )
        for name in files:
            yield os.path.join(here, name)[start:]


def is_path_file(folder: Path, name: str) -> bool:
    """Whether Python reads this as a list of more folders to import from."""
    return name.endswith(".pth") and "/" not in name and (folder / name).is_file()


def path_file_digest(path: Path) -> str:
    """A `.pth` file: its statements as they are, its folders by what is in them."""
    lines: Listing = []
    for line in path.read_bytes().decode("utf-8-sig", "backslashreplace").splitlines():
        text = line.rstrip()
        if not text.strip() or text.startswith("#"):
            continue
        if text.startswith(_IMPORTS):
            lines.append(["statement", text])
            continue
        place = path.parent / text
        if place.is_dir():
            lines.append(["folder", to_hex(tree_digest(place))])
        else:
            lines.append(["file", sha256(place) if place.is_file() else ""])
    return to_hex(keccak(canonical_bytes(lines)))


def names_folders(path: Path) -> bool:
    """Whether a `.pth` file adds folders; otherwise it is statements, or nothing."""
    lines = path.read_bytes().decode("utf-8-sig", "backslashreplace").splitlines()
    return any((path.parent / line.rstrip()).is_dir() for line in lines if line.strip())


def startup_modules(search: list[Path]) -> Listing:
    """What Python would import before any program, wherever on `search` it lies."""
    found: Listing = []
    for folder in search:
        for name in STARTUP:
            found += [
                [path.name, sha256(path)]
                for path in sorted(folder.glob(f"{name}.*"))
                if path.is_file()
            ]
            if (folder / name).is_dir():
                found.append([name, to_hex(tree_digest(folder / name))])
    return sorted(found)
