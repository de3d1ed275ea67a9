"""What a program runs on: engine, plugins, flags, and every installed distribution by its files.

Files are hashed again and not believed from `RECORD`. Left out is what differs between two honest
installations of one version: bytecode, installer notes and the launchers in `bin`. Reads the disk.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from typing import Any

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Digest, keccak, to_hex

from .canonical import canonical_bytes

OWN = ("pulumi_mandate", "pulumi_mandate_components")
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
) -> Toolchain:
    """Put the parts together; order does not matter, flags excepted.

    `flags` are those of the outer command that change what a plan means; `plugins` are
    `{"name", "kind", "version"}`.
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
    return Toolchain(content, _owners(sorted_packages))


def installed_packages(search: Sequence[str] | None = None) -> list[Package]:
    """Every distribution on `search` (default: this interpreter's path), and our own packages.

    Raises `UsageError` where a distribution lists a file that is not there: it is not what it says.
    """
    packages: dict[str, Package] = {}
    for distribution in distributions(path=list(sys.path if search is None else search)):
        package = _package(distribution)
        packages.setdefault(package.name, package)  # the first on the path is the one imported
    for name in OWN:
        folder = _own_folder(name, sys.path if search is None else search)
        if folder is not None:
            packages[name] = Package(name, "", _folder_digest(folder), (name,))
    return list(packages.values())


def _package(distribution: Distribution) -> Package:
    name = distribution.name.lower().replace("_", "-").replace(".", "-")
    listing = []
    modules = set()
    for path in distribution.files or ():
        pure = PurePosixPath(path.as_posix())
        if pure.suffix == ".pyc" or ".." in pure.parts or pure.is_absolute():
            continue
        if pure.parts[0].endswith(".dist-info") and pure.name in _NOTES:
            continue
        if not pure.parts[0].endswith((".dist-info", ".data", ".pth")):
            modules.add(pure.parts[0].partition(".")[0])
        try:
            listing.append([str(pure), _sha256(Path(str(distribution.locate_file(path))))])
        except OSError:
            raise UsageError(
                f"the installed package {name} lacks its file {pure}",
                next_step=f"pip install --force-reinstall {name}",
            ) from None
    digest = keccak(canonical_bytes(sorted(listing)))
    return Package(name, distribution.version, digest, tuple(sorted(modules)))


def _own_folder(name: str, search: Iterable[str]) -> Path | None:
    for entry in search:
        folder = Path(entry) / name
        if (folder / "__init__.py").is_file():
            return folder
    return None


def _folder_digest(folder: Path) -> Digest:
    listing = [
        [path.relative_to(folder).as_posix(), _sha256(path)]
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    ]
    return keccak(canonical_bytes(listing))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _owners(packages: Sequence[Package]) -> dict[str, str]:
    owners: dict[str, list[str]] = {}
    for package in packages:
        for module in package.modules:
            owners.setdefault(module, []).append(to_hex(package.digest))
    return {module: ",".join(sorted(digests)) for module, digests in owners.items()}
