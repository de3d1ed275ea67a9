"""Rules that every file of the repository keeps, whoever wrote it."""

from __future__ import annotations

import json
import pwd
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = tuple(f"requirements{name}.lock" for name in ("", "-dev", "-node", "-policy", "-clouds"))
WORKFLOWS = ("test", "demo")
# Written so that this file itself does not hold what it looks for.
FOLDERS = re.compile(r"(?<![\w.\-$}])/" + r"(?:root|work|home|Users)/[\w.]")
INDEX_HOSTS = re.compile("|".join(("pypi" r"\.org", "python" r"hosted", r"registry\.npm" "js")))


def _texts() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.split("\0"):
        file = ROOT / name
        if name and file.is_file():
            try:
                yield name, file.read_text()
            except UnicodeDecodeError:
                continue


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    own = (str(ROOT) + "/", pwd.getpwuid(ROOT.stat().st_uid).pw_dir + "/")
    found = [
        f"{name}: {line.strip()[:120]}"
        for name, text in _texts()
        for line in text.splitlines()
        if FOLDERS.search(line) or any(path in line for path in own)
    ]

    assert found == []


@pytest.mark.parametrize(
    "line", ["see /" + "root/x", "'/" + "home/ana/.ssh'", "cd /" + "work/main && make"]
)
def test_such_a_path_is_recognised(line: str) -> None:
    assert FOLDERS.search(line)


@pytest.mark.parametrize(
    "line", ["a.b/" + "root/x", "https://host/network/x", "the /work of a day"]
)
def test_other_slashes_are_left_alone(line: str) -> None:
    assert not FOLDERS.search(line)


def test_no_file_names_a_package_index() -> None:
    found = [name for name, text in _texts() if INDEX_HOSTS.search(text)]

    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_python_locks_hold_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=[a-z])", text.strip())

    assert "://" not in text
    assert "--index" not in text
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_npm_lock_holds_hashes_and_no_address() -> None:
    lock = json.loads((ROOT / "contracts" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    assert packages
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    unhashed = [name for name, entry in packages.items() if "integrity" not in entry]
    # Foundry's binaries for other machines; `make toolchain` refuses to install these unchecked.
    others = re.compile(r"node_modules/@foundry-rs/\w+-(darwin|win32|linux-arm64)")
    assert [name for name in unhashed if not others.match(name)] == []


def _pins(lock: str) -> dict[str, set[str]]:
    """Versions by name; a package may have one for older and one for newer Pythons."""
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([\w.\-]+)(?:\[[\w,\-]+\])?==([^\s;\\]+)", (ROOT / lock).read_text(), re.M
    ):
        pins.setdefault(canonicalize_name(name), set()).add(version)
    return pins


def _wanted(*, development: bool) -> list[Requirement]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = list(settings["project"]["dependencies"])
    if development:
        lines += settings["project"]["optional-dependencies"]["dev-server"]
        lines += settings["dependency-groups"]["dev"]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(
    ("lock", "development"), [("requirements.lock", False), ("requirements-dev.lock", True)]
)
def test_the_locks_satisfy_the_project(lock: str, development: bool) -> None:
    pins = _pins(lock) | _pins("requirements-node.lock")
    unmet = [
        str(requirement)
        for requirement in _wanted(development=development)
        if not any(
            requirement.specifier.contains(version, prereleases=True)
            for version in pins.get(canonicalize_name(requirement.name), ())
        )
    ]

    assert unmet == [], "run `make lock`"


def test_both_locks_agree_on_what_users_get() -> None:
    user, developer = _pins("requirements.lock"), _pins("requirements-dev.lock")

    assert {name: pins for name, pins in user.items() if developer.get(name) != pins} == {}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_runs_the_command_of_its_name_and_pins_its_actions(name: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    commands = re.findall(r"^\s+run: (.*)$", text, re.M)
    actions = re.findall(r"uses: (\S+)", text)

    assert commands == [f"make {name}"]
    assert actions
    assert [action for action in actions if not re.search(r"@[0-9a-f]{40}$", action)] == []
    assert re.search(r"^permissions: \{\}$", text, re.M)


def test_the_build_machine_runs_make_test_and_nothing_else_of_ours() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()

    assert lines[-1] == "exec make test"
    assert not [line for line in lines if "pytest" in line or "tools." in line]


def test_the_licence_is_the_one_declared() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert settings["project"]["license"] == "Apache-2.0"
    assert "Apache License\n" in (ROOT / "LICENSE").read_text()
