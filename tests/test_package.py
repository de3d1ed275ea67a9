"""The wheel holds all that its user needs, and works without this checkout."""

from __future__ import annotations

import site
import subprocess
import venv
from pathlib import Path

import pytest

from tools import package


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with our wheel; its dependencies are read from this one's folder.

    A path file inside another's folder is not followed, so the editable install stays out.
    """
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return python


def test_the_wheel_holds_abis_types_and_licence(wheel: Path) -> None:
    assert package.missing(wheel) == []


def test_a_wheel_without_them_is_noticed(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "DATA", (*package.DATA, "pulumi_mandate/_abi/Absent.json"))

    assert package.missing(wheel) == ["pulumi_mandate/_abi/Absent.json"]


def test_the_command_works_with_no_tool_of_ours_on_path(python: Path, tmp_path: Path) -> None:
    package.use(python, tmp_path)


def test_what_runs_is_the_wheel_and_not_the_checkout(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python, "-c", "import pulumi_mandate; print(pulumi_mandate.__file__)"],
        cwd=tmp_path,
        env=package.bare_environment(python, tmp_path),
        text=True,
        capture_output=True,
        check=True,
    )

    assert Path(done.stdout.strip()).is_relative_to(python.parent.parent)
