"""The engine's plugins as this machine has them: digests of what it could load, without paths.

Known before the preview is, hence every plugin that the engine can see and not only those that the
plan needs: a plugin that appears, disappears or changes is another toolchain. The engine looks on
PATH, beside itself, and in `$PULUMI_HOME/plugins`. Reads the disk.
https://www.pulumi.com/docs/iac/concepts/plugins/
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pulumi_mandate.errors import UsageError

_HOST = "pulumi-language-"
_PROVIDER = "pulumi-resource-"
_SCRIPT = b"#!"
_STAND_IN_HEAD = b'#!/bin/sh\nroot=$(CDPATH= cd -- "${0%/*}/../.." && pwd)\nexec '
"""How our launchers begin (ADR 0005): what they start lies in the same checkout."""
_STAND_IN_FILES = (".toolchain/bin/language-host", "tools/run_program.py")


def visible_plugins(environment: Mapping[str, str]) -> list[dict[str, str]]:
    """`{"name", "kind", "sha256"}` of each, sorted; several of one name in the engine's order.

    Raises `UsageError` where a plugin cannot be read.
    """
    found: dict[tuple[str, str], list[str]] = {}
    # One look at each: PATH names the engine's own folder again, and hosts are large.
    read: dict[Path, str] = {}
    for kind, file in _executables(environment):
        digests = found.setdefault((file.name, kind), [])
        digest = read[file] if file in read else read.setdefault(file, _digest(file, read))
        if digests[-1:] != [digest]:
            digests.append(digest)
    rows = [
        {"name": name, "kind": kind, "sha256": ",".join(digests)}
        for (name, kind), digests in found.items()
    ]
    rows += [
        {"name": folder.name, "kind": "installed", "sha256": _folder_digest(folder)}
        for folder in _installed(environment)
    ]
    return sorted(rows, key=lambda row: (row["name"], row["kind"]))


def _executables(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    path = environment.get("PATH", os.defpath)
    engine = shutil.which("pulumi", path=path)
    folders = [Path(folder) for folder in path.split(os.pathsep)]
    if engine is not None:
        # First, as the gate's own PATH has it: proposer and runner must see the same row.
        folders.insert(0, Path(engine).resolve().parent)
    for folder in folders:
        if not folder.is_absolute():
            continue  # the engine takes no plugin from the current folder either
        for file in _entries(folder):
            named = file.name.startswith((_HOST, _PROVIDER))
            if named and file.is_file() and os.access(file, os.X_OK):
                yield ("language" if file.name.startswith(_HOST) else "resource"), file


def _installed(environment: Mapping[str, str]) -> Iterator[Path]:
    home = environment.get("PULUMI_HOME")
    if not home:
        home = str(Path(environment.get("HOME") or Path.home(), ".pulumi"))
    for folder in _entries(Path(home, "plugins")):
        if folder.name.startswith(("resource-", "language-")) and folder.is_dir():
            yield folder


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # the engine cannot look there either


def _digest(file: Path, read: dict[Path, str]) -> str:
    """Of a plugin; `read` has the digests of files that were read already."""
    try:
        with file.open("rb") as stream:
            if stream.read(2) != _SCRIPT:
                return _sha256(file)
            content = _SCRIPT + stream.read()
        if content.startswith(_STAND_IN_HEAD) and _STAND_IN_FILES[0].encode() in content:
            for part in (file.parent.parent.parent / name for name in _STAND_IN_FILES):
                content += (read.get(part) or read.setdefault(part, _sha256(part))).encode()
    except OSError:
        raise _unreadable(file.name) from None
    return hashlib.sha256(_without_our_interpreter(content)).hexdigest()


def _without_our_interpreter(content: bytes) -> bytes:
    """A script that pip installed names its interpreter by a path: ours is the same everywhere."""
    first, newline, rest = content.partition(b"\n")
    if not first.startswith(_SCRIPT):
        return content
    interpreter = Path(os.fsdecode(first[2:]).strip())
    ours = Path(sys.prefix).resolve() / "bin"
    is_ours = interpreter.name.startswith("python") and interpreter.parent.resolve() == ours
    return b"#!python" + newline + rest if is_ours else content


def _folder_digest(folder: Path) -> str:
    """Over names and contents: an installed plugin may be one program or a source tree."""
    whole = hashlib.sha256()
    try:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                whole.update(file.relative_to(folder).as_posix().encode() + b"\0")
                whole.update(_sha256(file).encode() + b"\n")
    except OSError:
        raise _unreadable(folder.name) from None
    return whole.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _unreadable(name: str) -> UsageError:
    return UsageError(
        f"the engine's plugin {name} cannot be read",
        meaning="What it would do could not be part of the plan.",
        next_step="install it again, or take it off PATH",
    )
