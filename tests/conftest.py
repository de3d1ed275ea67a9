"""What every test may use: a clean environment, and the toolchain that `make toolchain` set up.

A tool that is missing fails the test. Nothing is skipped: a green run means that all of it ran.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What must not reach a test from outside, nor one test from another.
GUARDED = ("AWS_", "PULUMI_", "MANDATE_")
OVERRIDE = "MANDATE_TOOLCHAIN_BIN"
COVERAGE = "COVERAGE_"

pytest_plugins = [
    "tests.plugins.chain_fixtures",
    "tests.plugins.engine_fixtures",
    "tests.plugins.gate_fixtures",
    "tests.plugins.attack_fixtures",
    "tests.plugins.health_fixtures",
    "tests.plugins.hsm_fixtures",
]


def _guarded(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if (name.startswith(GUARDED) and name != OVERRIDE) or name == "HOME"
    }


@pytest.fixture(scope="session", autouse=True)
def _clean_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No credentials, no stack and no home folder of the person who runs the tests."""
    before = dict(os.environ)
    for name in _guarded(before):
        del os.environ[name]
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _unchanged_environment(_clean_session: None) -> Iterator[None]:
    """A test that leaves a setting behind fails itself, not the test after it."""
    before = _guarded(dict(os.environ))
    yield
    after = _guarded(dict(os.environ))
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    for name in changed:
        if name in before:
            os.environ[name] = before[name]
        else:
            del os.environ[name]

    assert not changed, "the test left these settings changed; use monkeypatch.setenv"


@pytest.fixture(scope="session")
def toolchain_path() -> str:
    """A PATH with the project's tools first, then this interpreter's, then the machine's."""
    tools = Path(os.environ.get(OVERRIDE) or ROOT / ".toolchain" / "bin")
    # Not resolved: a virtual environment's interpreter is a link out of it.
    folders = [str(tools), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return os.pathsep.join(folders)


@pytest.fixture(scope="session")
def tool(toolchain_path: str) -> ToolFinder:
    """Find a program of the toolchain; a missing one fails the test that asks."""
    return ToolFinder(toolchain_path)


class ToolFinder:
    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, name: str) -> Path:
        found = shutil.which(name, path=self._path)
        if found is None:
            pytest.fail(f"`{name}` is missing: run `make toolchain`")
        return Path(found)


@pytest.fixture(scope="session")
def pulumi_env_at(toolchain_path: str, tool: ToolFinder) -> Callable[[Path], dict[str, str]]:
    """Make the environment of one Pulumi user: own home and `file://` backend in this folder.

    What runs in it is not traced: that takes a quarter longer, and `pulumi_env` counts its lines.
    """
    for name in ("pulumi", "pulumi-language-python", "pulumi-resource-pulumi-python"):
        tool(name)
    return lambda folder: _pulumi_environment(folder, toolchain_path)


@pytest.fixture
def pulumi_env(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    pulumi_env_at: Callable[[Path], dict[str, str]],
) -> dict[str, str]:
    """The environment of one Pulumi user in the test's own folder.

    Coverage follows into the programs and commands of a module that says `TRACED = True`.
    """
    traced = {name: text for name, text in os.environ.items() if name.startswith(COVERAGE)}
    return pulumi_env_at(tmp_path) | (traced if getattr(request.module, "TRACED", False) else {})


def _pulumi_environment(folder: Path, toolchain_path: str) -> dict[str, str]:
    backend, home = folder / "backend", folder / "home"
    backend.mkdir()
    home.mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "HOME" and not name.startswith(COVERAGE)
    }
    return environment | {
        "PATH": toolchain_path,
        "HOME": str(home),
        "VIRTUAL_ENV": sys.prefix,
        "PULUMI_HOME": str(home / ".pulumi"),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase for tests",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "NO_COLOR": "1",
        "MANDATE_HOME": str(home / "mandate"),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        # The files of the person who runs the tests must not be read either.
        "AWS_CONFIG_FILE": str(home / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
    }
