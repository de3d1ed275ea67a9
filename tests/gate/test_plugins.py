"""Which plugins the engine could load: by what they are, never by where they are."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate.gate import plugins
from pulumi_mandate.gate.plugins import visible_plugins
from tools.pulumi_cli import GO_HOST, HOST, LAUNCHER, LAUNCHERS
from tools.steps import write_launcher


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def checkout(root: Path, host: str = "host", runner: str = "runner") -> dict[str, str]:
    """A machine with our stand-ins, as `make toolchain` leaves it."""
    for name, body in LAUNCHERS.items():
        write_launcher(root / ".toolchain" / "bin" / name, body)
    program(root / ".toolchain" / "bin" / "language-host", host)
    program(root / "tools" / "run_program.py", runner)
    program(root / ".toolchain" / "bin" / "pulumi", "engine")
    return {"PATH": str(root / ".toolchain" / "bin"), "PULUMI_HOME": str(root / "home")}


def test_two_machines_with_the_same_plugins_say_the_same_and_no_path(tmp_path):
    one, other = checkout(tmp_path / "a"), checkout(tmp_path / "b" / "deeper")

    found = visible_plugins(one)

    assert found == visible_plugins(other)
    assert [(row["name"], row["kind"]) for row in found] == [
        (GO_HOST, "language"),
        (HOST, "language"),
        (LAUNCHER, "resource"),
    ]
    assert str(tmp_path) not in str(found)


@pytest.mark.parametrize("changes", [{"host": "other"}, {"runner": "other"}], ids=str)
def test_a_stand_in_is_what_it_starts(tmp_path, changes):
    honest = visible_plugins(checkout(tmp_path / "a"))

    assert visible_plugins(checkout(tmp_path / "b", **changes)) != honest


def test_a_stand_in_that_starts_nothing_is_refused(tmp_path):
    machine = checkout(tmp_path)
    (tmp_path / "tools" / "run_program.py").unlink()

    with pytest.raises(UsageError, match=GO_HOST):
        visible_plugins(machine)


def test_a_provider_anywhere_on_path_is_seen_and_its_order_counts(tmp_path):
    machine = checkout(tmp_path)
    honest = visible_plugins(machine)
    evil, good = tmp_path / "evil", tmp_path / "good"
    program(evil / "pulumi-resource-aws", "evil")
    program(good / "pulumi-resource-aws", "good")

    def seen(*folders: Path) -> list[dict[str, str]]:
        path = ":".join([*map(str, folders), machine["PATH"]])
        return visible_plugins(machine | {"PATH": path})

    assert [row["name"] for row in seen(evil)] == [
        *(GO_HOST, HOST),
        *("pulumi-resource-aws", LAUNCHER),
    ]
    rows = [seen(), seen(evil), seen(good), seen(evil, good), seen(good, evil)]
    assert all(one != other for index, one in enumerate(rows) for other in rows[:index])
    assert seen() == honest


def test_the_launcher_of_dynamic_providers_cannot_be_overtaken(tmp_path):
    machine = checkout(tmp_path)
    honest = visible_plugins(machine)
    program(tmp_path / "evil" / LAUNCHER, "#!/bin/sh\nexec evil\n")

    path = f"{tmp_path / 'evil'}:{machine['PATH']}"

    assert visible_plugins(machine | {"PATH": path}) != honest


def test_the_gates_own_path_reads_like_the_proposers(tmp_path):
    """The gate puts the engine's real folder first; proposers may have a link to it."""
    machine = checkout(tmp_path)
    links = tmp_path / "links"
    links.mkdir()
    (links / "pulumi").symlink_to(tmp_path / ".toolchain" / "bin" / "pulumi")
    program(tmp_path / "more" / "pulumi-resource-aws", "aws")
    typed = machine | {"PATH": f"{links}:{tmp_path / 'more'}"}

    nested = typed | {"PATH": f"{tmp_path / '.toolchain' / 'bin'}:{typed['PATH']}"}

    assert visible_plugins(nested) == visible_plugins(typed)
    assert len(visible_plugins(typed)) == 4


@pytest.mark.parametrize("file", ["pulumi-resource-aws", "source/provider.py"])
def test_installed_plugins_are_bound_by_every_file(tmp_path, file):
    machine = checkout(tmp_path)
    folder = tmp_path / "home" / "plugins" / "resource-aws-v6.1.0"
    program(folder / file, "honest")
    honest = visible_plugins(machine)
    assert honest[-1]["name"] == "resource-aws-v6.1.0"
    assert str(tmp_path) not in str(honest)

    program(folder / file, "evil")

    assert visible_plugins(machine) != honest


def test_the_default_home_is_looked_at_too(tmp_path):
    program(tmp_path / ".pulumi" / "plugins" / "resource-a-v1" / "pulumi-resource-a", "a")

    found = visible_plugins({"PATH": "", "HOME": str(tmp_path)})

    assert [row["name"] for row in found] == ["resource-a-v1"]


def test_what_is_no_plugin_is_left_out(tmp_path):
    machine = checkout(tmp_path)
    honest = visible_plugins(machine)
    folder = Path(machine["PATH"])
    program(folder / "pulumi-watch", "x")
    (folder / "pulumi-resource-notes.txt").write_text("x")
    (folder / "pulumi-resource-folder").mkdir()

    assert visible_plugins(machine) == honest


def test_a_script_of_this_interpreter_is_the_same_everywhere_and_of_another_is_not(tmp_path):
    def seen(name: str, head: str) -> list[dict[str, str]]:
        program(tmp_path / name / "pulumi-resource-x", f"#!{head}\nimport x\n")
        return visible_plugins({"PATH": str(tmp_path / name), "HOME": str(tmp_path)})

    # The path may be written with a detour, as another machine's would be elsewhere.
    ours, same = f"{sys.prefix}/bin/python", f"{sys.prefix}/bin/../bin/python"

    assert seen("a", ours) == seen("b", same)
    assert seen("a", ours) != seen("c", "/evil/bin/python")


def test_what_path_names_twice_is_read_once(tmp_path, monkeypatch):
    machine = checkout(tmp_path)
    honest = visible_plugins(machine)
    read = []
    of_a_file = plugins._sha256
    monkeypatch.setattr(plugins, "_sha256", lambda file: read.append(file) or of_a_file(file))

    again = visible_plugins(machine | {"PATH": ":".join([machine["PATH"]] * 3)})

    assert again == honest
    assert len(read) == len(set(read)) == 2


def test_a_program_and_a_script_are_read_to_their_ends(tmp_path):
    rows = []
    for number, text in enumerate(["ELF", "ELF and more", "#!/bin/sh", "#!/bin/sh and more"]):
        folder = tmp_path / str(number)
        program(folder / "pulumi-resource-aws", text)
        rows += visible_plugins({"PATH": str(folder), "PULUMI_HOME": str(tmp_path / "home")})

    assert len({row["sha256"] for row in rows}) == 4
    assert rows[1]["sha256"] == hashlib.sha256(b"ELF and more").hexdigest()
