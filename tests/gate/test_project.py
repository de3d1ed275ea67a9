"""Project settings that could run code outside the hashed tree refuse."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.project import check_project, is_hooked

ROOT = Path(__file__).resolve().parents[2]
HEAD = "name: shop\nruntime: python\n"


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "program"
    (folder / "src").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (folder / "out").symlink_to(tmp_path / "other")
    (folder / "in").symlink_to("src")
    for place in (folder, folder / "src", folder / ".venv", tmp_path / "other"):
        place.mkdir(exist_ok=True)
        (place / "program").touch(mode=0o755)
    (folder / "text").touch(mode=0o644)

    def write(text: str) -> Path:
        (folder / "Pulumi.yaml").write_text(text)
        return folder

    return write


@pytest.mark.parametrize("place", [".", "stacks/governance", "examples/01-shop"])
def test_our_own_projects_pass(place):
    check_project(ROOT / place)


@pytest.mark.parametrize(
    "text",
    [
        "description: d\nauthor: a\nwebsite: w\nlicense: l\ntemplate: {}\ntags: {}\n",
        "config:\n  a:\n    default: 1\n",
        "main: src\n",
        "main: ./src/\n",
        "main: src/program.py\n",
        "options:\n  refresh: \n",
        "backend:\n  url: file:///states\n",
        "stackConfigDir: src\n",
        "packages:\n  random: random@4.18.0\n",
        "packages:\n  net:\n    source: terraform-provider\n    version: 0.10.0\n",
    ],
)
def test_settings_that_stay_inside_pass(project, text):
    check_project(project(HEAD + text))


def test_the_environment_that_runs_this_passes_by_name(project):
    runtime = f"name: python\n  options:\n    toolchain: pip\n    virtualenv: {sys.prefix}\n"

    check_project(project(f"name: shop\nruntime:\n  {runtime}"))


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("main: ../other\n", "main"),
        ("main: /elsewhere\n", "main"),
        ("main: src/../../other\n", "main"),
        ("main: out\n", "main"),
        ("main: in\n", "main"),
        ("main: .venv/lib\n", "main"),
        ("main: src/node_modules\n", "main"),
        ("main: lib.pyc\n", "main"),
        ("main: [src]\n", "main"),
        ("plugins:\n  providers:\n  - name: a\n    path: ../a\n", "plugins"),
        ("invented: 1\n", "invented"),
        ("config: ../cfg\n", "config"),
        ("stackConfigDir: ../cfg\n", "stackConfigDir"),
        ("options: [refresh]\n", "options"),
        ("options:\n  invented: 1\n", "options"),
        ("packages:\n  a: ../a\n", "packages.a"),
        ("packages:\n  a: ./src\n", "packages.a"),
        ("packages:\n  a: src\n", "packages.a"),
        ("packages:\n  a: github.com/somebody/a@v1\n", "packages.a"),
        ("packages:\n  a:\n    source: /a\n", "packages.a"),
        ("packages: [a]\n", "packages"),
    ],
)
def test_a_setting_that_leads_out_of_the_hashed_tree_refuses(project, text, about):
    with pytest.raises(Refused) as refusal:
        check_project(project(HEAD + text))
    assert refusal.value.step == 1
    assert f"`{about}`" in refusal.value.happened


@pytest.mark.parametrize(
    "runtime",
    [
        "[yaml]",
        "{name: [yaml]}",
        "{name: nodejs}",
        "{name: yaml, options: {compiler: make}}",
        "go",
        "{name: go, options: {binary: program}}",
        "{name: go, options: {binary: ./src}}",
        "{name: go, options: {binary: ./text}}",
        "{name: go, options: {binary: ../other/program}}",
        "{name: go, options: {binary: ./in/program}}",
        "{name: go, options: {binary: ./.venv/program}}",
        "{name: go, options: {binary: ./program, buildTarget: x}}",
        "{name: go, options: {binary: ./program}}\nmain: src",
        "{name: python, invented: 1}",
        "{name: python, options: {virtualenv: ../venv}}",
        "{name: python, options: {virtualenv: [1]}}",
        "{name: python, options: {binary: /evil}}",
        "{name: python, options: [virtualenv]}",
    ],
)
def test_another_runtime_refuses(project, runtime):
    with pytest.raises(Refused, match=r"runtime|main"):
        check_project(project(f"name: shop\nruntime: {runtime}\n"))


@pytest.mark.parametrize(
    ("text", "hooked"),
    [
        ("runtime: python\n", True),
        ("runtime: {name: python}\n", True),
        ("runtime: yaml\nresources: {}\noutputs: {}\nvariables: {}\n", False),
        ("runtime: {name: go, options: {binary: ./src/program}}\n", False),
    ],
)
def test_only_a_program_in_python_asks_the_gate_itself(project, text, hooked):
    folder = project("name: shop\n" + text)

    check_project(folder)

    assert is_hooked(folder) is hooked


def test_a_program_in_yaml_is_no_setting_of_another_language(project):
    with pytest.raises(Refused, match="resources"):
        check_project(project(HEAD + "resources: {}\n"))


@pytest.mark.parametrize("folder", ["", "src"])
@pytest.mark.parametrize("shadow", ["pulumi_mandate.py", "pulumi/__init__.py", "pulumi.so"])
def test_a_module_in_the_gates_place_refuses(project, folder, shadow):
    where = project(HEAD + ("main: src\n" if folder else ""))
    check_project(where)
    place = where / folder / shadow
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()

    with pytest.raises(Refused, match="of its own") as refusal:
        check_project(where)
    assert refusal.value.step == 1


def test_a_folder_that_is_no_package_is_in_nobodys_place(project):
    where = project(HEAD)
    (where / "pulumi").mkdir()
    (where / "pulumi" / "notes.md").touch()

    check_project(where)


@pytest.mark.parametrize("name", ["Pulumi.json", "Pulumi.yml", "Pulumi.yaml.gz"])
def test_a_second_project_file_refuses(project, name):
    folder = project(HEAD)
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    check_project(folder)
    (folder / name).write_text("{}")

    with pytest.raises(Refused, match="more than one project file"):
        check_project(folder)
