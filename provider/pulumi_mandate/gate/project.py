"""Project settings: only those whose meaning a plan holds, and no code outside the hashed tree.

https://www.pulumi.com/docs/iac/concepts/projects/project-file/
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.plan.program import IGNORED_FOLDERS

from .environment import is_our_prefix

JSON = Any
_BYTECODE = frozenset({".pyc", ".pyo"})
NAMES = ("Pulumi.yaml", "Pulumi.yml")
DIY_ORGANISATION = "organization"
"""What the engine calls the organisation of a backend that has none (`file://`, `s3://` …)."""
_PROJECT_FILE = re.compile(r"Pulumi\.(json|ya?ml)(\.gz)?", re.IGNORECASE)
_KNOWN = frozenset(
    {
        "name", "runtime", "description", "main", "author", "website", "license", "config",
        "template", "tags", "stackConfigDir", "options", "backend", "packages",
    }
)  # fmt: skip
_YAML_PROGRAM = frozenset({"resources", "variables", "outputs", "configuration", "pulumi"})
"""What a YAML program adds to its own project file: https://www.pulumi.com/docs/iac/languages-sdks/yaml/"""
_GATE = ("pulumi", "pulumi_mandate", "pulumi_mandate_components")
PYTHON = "python"
_RUNTIME_OPTIONS: dict[str, frozenset[str]] = {
    PYTHON: frozenset({"virtualenv", "toolchain", "typechecker"}),
    "yaml": frozenset(),  # `compiler` would be a command
    "go": frozenset({"binary"}),  # from source, the compiler and its modules would be outside
}
"""Languages whose whole program is in the hashed tree, and the options that leave it so."""
_PLAIN_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(@[0-9A-Za-z.+-]+)?")
"""A plugin's name. Anything with a slash may be a folder or somebody's repository."""


def read_project(workdir: Path) -> dict[str, Any]:
    """The project file, which has a name. Raises `UsageError`."""
    import yaml

    for name in NAMES:
        if (workdir / name).is_file():
            found = yaml.safe_load((workdir / name).read_text(encoding="utf-8"))
            if isinstance(found, dict) and isinstance(found.get("name"), str):
                return found
            raise UsageError(f"{name} names no project")
    raise UsageError(
        f"there is no Pulumi.yaml in {workdir}", next_step="go to the program's folder"
    )


def is_hooked(workdir: Path) -> bool:
    """Whether the program itself asks the gate, by `govern()`; else `mandate up` is the only gate.

    Raises `UsageError` where there is no project.
    """
    return _runtime(read_project(workdir).get("runtime")).get("name") == PYTHON


def check_project(workdir: Path) -> None:
    """Refuse project settings that change what an update does and that no plan can hold yet.

    Raises `Refused`, `UsageError` where there is no project.
    """
    project = read_project(workdir)
    files = sorted(entry.name for entry in workdir.iterdir() if _PROJECT_FILE.fullmatch(entry.name))
    if len(files) != 1:
        raise _setting("more than one project file", " and ".join(files), "one")
    runtime = _runtime(project.get("runtime"))
    known = _KNOWN | _YAML_PROGRAM if runtime.get("name") == "yaml" else _KNOWN
    for key in sorted(map(str, project)):
        if key not in known:
            raise _setting(f"`{key}`", key, "known settings only")
    _check_shadows(workdir)
    _check_options(project.get("options"))
    _check_runtime(workdir, runtime)
    if "main" in project:
        if runtime.get("name") == "go":
            raise _setting("`main` beside a compiled program", str(project["main"]), "no `main`")
        _check_main(workdir, project["main"])
        place = workdir / project["main"]
        _check_shadows(place if place.is_dir() else place.parent)
    if not isinstance(project.get("config") or {}, dict):
        raise _setting("`config` as a folder", "a word", "a table")
    folder = project.get("stackConfigDir")
    if folder is not None and _inside(workdir, folder) is None:
        raise _setting("`stackConfigDir`", str(folder), "a folder inside the program's")
    _check_packages(workdir, project.get("packages"))


def _check_shadows(folder: Path) -> None:
    """A module of the program's own would be imported instead of the gate, or of the SDK."""
    for name in _GATE:
        for shadow in (f"{name}.py", f"{name}.pyc", f"{name}.so", f"{name}/__init__.py"):
            if (folder / shadow).exists():
                raise Refused(
                    1,
                    f"the program has a module {name} of its own",
                    field="program",
                    expected=f"the installed {name}",
                    found=shadow,
                    meaning="It would be imported in place of the one that is the gate.",
                    next_step="give it another name, then: mandate propose",
                )


def _check_options(options: JSON) -> None:
    if options is None:
        return
    if isinstance(options, dict) and options.get("refresh"):
        raise Refused(
            1,
            "`options.refresh` in Pulumi.yaml changes the state before the update, unasked",
            field="Pulumi.yaml",
            expected="no options.refresh",
            found=str(options["refresh"]),
            next_step="remove it from Pulumi.yaml, then: mandate propose",
        )
    if not isinstance(options, dict) or set(options) - {"refresh"}:
        raise _setting("`options`", str(options), "no options")


def _runtime(told: JSON) -> dict[str, Any]:
    """`runtime` in its long form; what is neither form stays for `_check_runtime` to refuse."""
    return told if isinstance(told, dict) else {"name": told}


def _check_runtime(workdir: Path, runtime: dict[str, Any]) -> None:
    name = runtime.get("name")
    known = _RUNTIME_OPTIONS.get(name) if isinstance(name, str) else None
    if known is None:
        raise _setting("`runtime`", str(name), " or ".join(_RUNTIME_OPTIONS))
    options = runtime.get("options") or {}
    if set(runtime) - {"name", "options"} or not isinstance(options, dict):
        raise _setting("`runtime`", str(runtime), "name and options")
    for key in sorted(map(str, options)):
        if key not in known:
            raise _setting(f"`runtime.options.{key}`", key, "known options only")
    if name == "go":
        _check_binary(workdir, options.get("binary"))
    virtualenv = options.get("virtualenv")
    if virtualenv is not None and not (
        isinstance(virtualenv, str) and is_our_prefix(workdir / virtualenv)
    ):
        raise _setting(
            "`runtime.options.virtualenv`", str(virtualenv), "the environment that runs this"
        )


def _check_binary(workdir: Path, binary: JSON) -> None:
    """A compiled program is what was approved, byte by byte, or it is no program of ours."""
    inside = _inside(workdir, binary)
    # Without a dot its name could be found on PATH.
    if (
        inside is None
        or not str(binary).startswith("./")
        or IGNORED_FOLDERS.intersection(inside.parts)
        or not os.access(workdir / inside, os.X_OK)
        or not (workdir / inside).is_file()
    ):
        expected = "./ and the name of a compiled program in the project's folder"
        raise _setting("`runtime.options.binary`", str(binary), expected)


def _check_main(workdir: Path, main: JSON) -> None:
    inside = _inside(workdir, main)
    if inside is None:
        raise _setting("`main`", str(main), "a place inside the program's folder, without links")
    if IGNORED_FOLDERS.intersection(inside.parts) or inside.suffix in _BYTECODE:
        raise _setting("`main`", str(main), "a place that the program's digest covers")


def _inside(workdir: Path, place: JSON) -> Path | None:
    """The place relative to the folder; None where it is outside, or reached through a link."""
    if not isinstance(place, str):
        return None
    top = workdir.resolve()
    wanted = Path(os.path.normpath(top / place))
    if wanted != (top / place).resolve() or not wanted.is_relative_to(top):
        return None
    return wanted.relative_to(top)


def _check_packages(workdir: Path, packages: JSON) -> None:
    if packages is None:
        return
    if not isinstance(packages, dict):
        raise _setting("`packages`", str(packages), "a table")
    for name, told in packages.items():
        source = told.get("source") if isinstance(told, dict) else told
        if (
            not isinstance(source, str)
            or not _PLAIN_PACKAGE.fullmatch(source)
            or (workdir / source).exists()
        ):
            raise _setting(f"`packages.{name}`", str(source), "the name of a published plugin")


def _setting(what: str, found: str, expected: str) -> Refused:
    return Refused(
        1,
        f"{what} in the project's settings may run code that no plan holds",
        field="Pulumi.yaml",
        expected=expected,
        found=found,
        meaning="The plan is bound to the files of the program's folder and to nothing else.",
        next_step="change the project's settings, then: mandate propose",
    )
