"""What a program runs on: engine, plugins, flags, and every installed distribution by its files.

Files are hashed again and not believed from `RECORD`. Left out is what differs between two honest
installations of one version: cached bytecode, installer notes and the launchers in `bin`. What no
distribution lists and `import` would find beside them counts as one more entry. Reads the disk.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from typing import Any

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Digest, keccak, to_hex

from .canonical import canonical_bytes
from .trees import (
    CACHES,
    NOT_IMPORTED,
    Listing,
    is_path_file,
    listing,
    names_folders,
    path_file_digest,
    sha256,
    startup_modules,
    tree_digest,
)

OWN = ("pulumi_mandate", "pulumi_mandate_components")
UNOWNED = "(unowned)"
"""The entry for what no distribution lists: stray modules, `.pth` files, startup modules."""
_SITES = frozenset({"site-packages", "dist-packages"})
_NOTES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})


@dataclass(frozen=True, slots=True)
class Package:
    """One installed distribution, or one package of ours that runs from a checkout."""

    name: str
    version: str
    digest: Digest
    modules: tuple[str, ...]
    """Top-level names that `import` finds in it."""


@dataclass(frozen=True, slots=False)
class Toolchain:
    """The part of a document, and which package owns which module."""

    content: dict[str, Any]
    modules: Mapping[str, str]

    @cached_property
    def digest(self) -> Digest:
        """The field `toolchain` of the plan hash."""
        return keccak(canonical_bytes(self.content))


def toolchain(
    engine_version: str,
    packages: Iterable[Package],
    *,
    plugins: Sequence[Mapping[str, str]] = (),
    flags: Sequence[str] = (),
    shadowed: Set[str] = frozenset(),
) -> Toolchain:
    """Put the parts together; order does not matter, flags excepted.

    `flags` are those of the outer command that change what a plan means; `plugins` are
    `{"name", "kind", "version"}`; `shadowed` are modules that the program has itself, whatever
    package owns one of that name.
    """
    sorted_packages = sorted(packages, key=lambda package: (package.name, package.version))
    content = {
        "engine": engine_version,
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "plugins": sorted((dict(plugin) for plugin in plugins), key=lambda p: sorted(p.items())),
        "flags": list(flags),
        "packages": [
            {"name": package.name, "version": package.version, "digest": to_hex(package.digest)}
            for package in sorted_packages
        ],
    }
    owners = _owners(sorted_packages)
    return Toolchain(content, {name: owners[name] for name in owners.keys() - shadowed})


def installed_packages(search: Sequence[str] | None = None) -> list[Package]:
    """Every distribution on `search` (default: this interpreter's path), our own packages, and what
    lies beside them and belongs to nobody.

    Raises `UsageError` where a distribution lists no files, or one that is not there, or where an
    editable one does not say where its source is: it cannot be told what would run.
    """
    places = list(sys.path if search is None else search)
    packages: dict[str, Package] = {}
    owned: set[str] = set()
    for distribution in distributions(path=places):
        name, version = _name_and_version(distribution)
        # The first on the path is the one imported; what a nameless one lists belongs to nobody.
        if name and name not in packages:
            packages[name] = _package(name, version, distribution, owned)
    for name in OWN:
        folder = _own_folder(name, places)
        if folder is not None:
            packages[name] = Package(name, "", _folder_digest(folder), (name,))
    stray = _unowned([Path(place).resolve() for place in places], frozenset(owned))
    if stray:
        packages[UNOWNED] = Package(UNOWNED, "", keccak(canonical_bytes(stray)), ())
    return list(packages.values())


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """As `Distribution` tells them, from the headers alone: the description is a whole manual."""
    text = distribution.read_text("METADATA")
    if text is None:  # installed by older tools
        return _normal(distribution.name or ""), distribution.version
    headers = HeaderParser().parsestr(text[: text.find("\n\n") + 1] or text)
    return _normal(headers["Name"] or ""), headers["Version"] or ""


def _package(name: str, version: str, distribution: Distribution, owned: set[str]) -> Package:
    base = Path(str(distribution.locate_file(""))).resolve()
    source = _editable_source(name, distribution)
    top = str(base)
    hashed: Listing = []
    modules = set()
    # Some ten thousand files, so names and not paths are joined here.
    for listed in _listed(name, distribution):
        file = os.path.join(top, listed)
        owned.add(os.path.normpath(file))
        if _is_left_out(listed):
            continue
        first = listed.partition("/")[0]
        if not first.endswith((".dist-info", ".data", ".pth")):
            modules.add(first.partition(".")[0])
        try:
            if is_path_file(base, listed):
                hashed.append([listed, path_file_digest(base / listed)])
                if names_folders(base / listed):
                    source = None  # its folders are what can be imported, and they are hashed
            else:
                hashed.append([listed, sha256(file)])
        except OSError:
            raise UsageError(
                f"the installed package {name} lacks its file {listed}",
                next_step=f"pip install --force-reinstall {name}",
            ) from None
    if source is not None:
        hashed.append(["(source)", to_hex(tree_digest(source))])
    digest = keccak(canonical_bytes(sorted(hashed)))
    return Package(name, version, digest, tuple(sorted(modules)))


def _listed(name: str, distribution: Distribution) -> Iterator[str]:
    """What an installation lists as its files, relative to where it is, with slashes.

    From `RECORD` (PEP 376) by its first column: `Distribution.files` makes a path object of each,
    and newer Pythons leave out the missing ones.
    """
    record = distribution.read_text("RECORD")
    if record is not None:
        for row in csv.reader(record.splitlines()):
            if row:
                # "a//b", "./a" and "a/./b" are one name with "a/b"; most need no second look.
                plain = "//" not in row[0] and "./" not in row[0]
                yield row[0] if plain else str(PurePosixPath(row[0]))
        return
    files = distribution.files
    if files is None:
        raise UsageError(
            f"the installed package {name} does not list its files",
            meaning="Its code could change without any plan noticing.",
            next_step=f"install it with pip into a virtual environment: pip install {name}",
        )
    yield from map(str, files)


def _is_left_out(listed: str) -> bool:
    """Caches, what lies outside of the installation's folder, and the installer's own notes."""
    if "__pycache__" in listed or ".." in listed or listed.startswith("/"):
        parts = PurePosixPath(listed).parts
        if "__pycache__" in parts or ".." in parts or listed.startswith("/"):
            return True
    first, _, rest = listed.partition("/")
    return first.endswith(".dist-info") and rest.rpartition("/")[2] in _NOTES


def _editable_source(name: str, distribution: Distribution) -> Path | None:
    """The checkout that an editable installation runs from; None for any other."""
    text = distribution.read_text("direct_url.json")
    if text is None:
        return None
    try:
        told = json.loads(text)
        if not told.get("dir_info", {}).get("editable", False):
            return None
        source = _local_path(told["url"])
    except (ValueError, AttributeError, KeyError, TypeError):
        source = None
    if source is None or not source.is_dir():
        raise UsageError(
            f"the installed package {name} does not say where its source is",
            meaning="It was installed in editable mode, so what it runs lies somewhere else.",
            next_step=f"pip install --force-reinstall {name}",
        )
    return source


def _local_path(url: str) -> Path | None:
    """Where a `file:` URL without a host leads (RFC 8089), read without a network library."""
    if not url.startswith("file:///"):
        return None
    raw = url.removeprefix("file://").encode()
    decoded = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), raw)
    return Path(os.fsdecode(decoded))


def _unowned(places: Sequence[Path], owned: frozenset[str]) -> Listing:
    """What no distribution lists: beside the installed ones, and where Python looks by itself."""
    stray = startup_modules([place for place in dict.fromkeys(places) if place.is_dir()])
    for site in dict.fromkeys(filter(_is_site, places)):
        for name, digest in listing(site, CACHES, owned):
            is_paths = is_path_file(site, name)
            stray.append([name, path_file_digest(site / name) if is_paths else digest])
    return sorted(stray)


def _is_site(place: Path) -> bool:
    return place.is_dir() and (place.name in _SITES or any(place.glob("*.dist-info")))


def _own_folder(name: str, search: Iterable[str]) -> Path | None:
    for entry in search:
        folder = Path(entry) / name
        if (folder / "__init__.py").is_file():
            return folder
    return None


def _folder_digest(folder: Path) -> Digest:
    return keccak(canonical_bytes(listing(folder, NOT_IMPORTED)))


def _owners(packages: Sequence[Package]) -> dict[str, str]:
    owners: dict[str, list[str]] = {}
    for package in packages:
        for module in package.modules:
            owners.setdefault(module, []).append(to_hex(package.digest))
    return {module: ",".join(sorted(digests)) for module, digests in owners.items()}
