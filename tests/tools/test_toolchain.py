"""The set-up itself: what counts as there, what is made, and what is said where it cannot be."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tools import (
    browser_env,
    hsm_env,
    node_env,
    pulumi_cli,
    pulumi_languages,
    python_env,
    steps,
    toolchain,
)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of which nothing is set up, on a machine with nothing on PATH."""
    for module in (steps, pulumi_cli, pulumi_languages, node_env):
        for name, folder in (
            ("ROOT", "."),
            ("VENV", ".venv"),
            ("TOOLCHAIN", ".toolchain"),
            ("BIN", ".toolchain/bin"),
            ("STAMPS", ".toolchain/stamps"),
        ):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, tmp_path / folder)
    monkeypatch.setenv("PATH", str(tmp_path / "machine"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def _program(path: Path, output: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)
    return path


def _step(name: str) -> steps.Step:
    return next(step for step in toolchain.STEPS if step.name == name)


# --- versions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "supported"),
    [
        ("v3.259.0", True),
        ("v3.300.2-alpha.1+g12", True),
        ("3.259.0", True),
        ("v3.258.9", False),
        ("v3.99.0", False),
        ("v4.0.0", False),
        ("pulumi", False),
        ("", False),
    ],
)
def test_a_pulumi_cli_is_used_within_the_versions_we_know(text: str, supported: bool) -> None:
    assert pulumi_cli.is_supported(pulumi_cli.parse_version(text)) is supported


@pytest.mark.parametrize(
    ("version", "good"),
    [("v20.0.0", True), ("v24.19.0", True), ("v18.20.1", False), ("", False), (None, False)],
)
def test_node_is_used_from_the_version_we_know(version: str | None, good: bool) -> None:
    assert node_env.is_new_enough(version) is good


def test_the_module_names_the_version_that_is_built() -> None:
    go_mod = (pulumi_cli.MODULE / "go.mod").read_text()

    assert pulumi_cli.module_version(go_mod) == "v3.259.0"
    with pytest.raises(steps.StepFailed, match="does not name"):
        pulumi_cli.module_version("module other\n")


# --- Python -----------------------------------------------------------------------------------


@pytest.fixture
def installed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of the Python steps, written down and not run."""
    commands: list[list[str]] = []
    monkeypatch.setattr(
        python_env, "run", lambda words, **_: commands.append(list(map(str, words)))
    )
    monkeypatch.setattr(python_env, "VENV", checkout / ".venv")
    monkeypatch.setattr(python_env, "PYTHON", checkout / ".venv/bin/python")
    return commands


def test_packages_are_installed_by_hash_into_a_new_environment(installed: list[list[str]]) -> None:
    _step("Python packages").make()

    assert [words[1:4] for words in installed] == [
        ["-m", "venv", "--clear"],
        ["-m", "pip", "install"],
    ]
    # With what they need looked for, `coverage[toml]` of one of them is the newest release of the
    # day on which somebody installs, which no lock of an earlier day has.
    assert {"--require-hashes", "--no-deps"} <= set(installed[1])


def test_the_policy_sdk_brings_nothing_with_it(installed: list[list[str]]) -> None:
    _step("policy SDK").make()

    assert [words[1:4] for words in installed] == [["-m", "pip", "install"]]
    assert {"--require-hashes", "--no-deps"} <= set(installed[0])


def test_an_environment_that_works_is_brought_up_to_date_in_place(
    checkout: Path, installed: list[list[str]]
) -> None:
    _program(checkout / ".venv/bin/python", "Python 3.12.4")
    before = _step("Python packages").ready()
    _step("Python packages").make()

    assert before is None
    assert [words[1:4] for words in installed] == [["-m", "pip", "install"]]
    assert _step("Python packages").ready() == "Python 3.12.4 in .venv"


def test_a_changed_lock_is_installed_again(
    checkout: Path, installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = checkout / "requirements-dev.lock"
    lock.write_text("one")
    monkeypatch.setattr(python_env, "LOCK", lock)
    _program(checkout / ".venv/bin/python", "Python 3.12.4")
    _step("Python packages").make()
    before = _step("Python packages").ready()
    lock.write_text("two")

    assert before
    assert _step("Python packages").ready() is None


def test_a_missing_debian_package_is_named_to_whoever_may_not_install_it(
    installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_env.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(python_env.os, "geteuid", lambda: 1000)

    with pytest.raises(steps.StepFailed, match=r"sudo apt-get install python3\.\d+-venv"):
        _step("Python packages").make()
    assert installed == []


def test_debians_lock_is_waited_for(
    installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that has just started may hold it for its own updates."""
    monkeypatch.setattr(python_env.os, "geteuid", lambda: 0)
    monkeypatch.setattr(python_env.shutil, "which", lambda name: f"/usr/bin/{name}")
    python_env.install_debian_package("chromium")

    assert [words[:2] for words in installed] == [["apt-get", "update"], ["apt-get", "install"]]
    assert all("DPkg::Lock::Timeout=300" in words for words in installed)


# --- the Pulumi CLI ---------------------------------------------------------------------------


def test_the_machines_own_pulumi_is_used(checkout: Path) -> None:
    _program(checkout / "machine/pulumi", "v3.262.1")

    assert _step("Pulumi CLI").ready() == "pulumi v3.262.1 of this machine"


def test_without_pulumi_and_go_the_step_says_what_to_install(checkout: Path) -> None:
    _program(checkout / "machine/pulumi", "v3.100.0")
    result = steps.run_step(_step("Pulumi CLI"), check_only=False)

    assert result.state == "failed"
    assert "3.259.0 or newer" in result.detail
    assert "Go 1.25.11 or newer" in result.detail


def test_a_build_in_the_cache_is_used_and_survives_the_cache(checkout: Path) -> None:
    built = _program(pulumi_cli.cache_folder() / "pulumi", "v3.259.0")
    first = steps.run_step(_step("Pulumi CLI"), check_only=False)
    built.unlink()

    assert first.state == "made"
    assert _step("Pulumi CLI").ready() == "pulumi v3.259.0, built from its Go module"
    # Neighbours, not links: the engine warns of a language host that is not beside it.
    assert not (checkout / ".toolchain/bin/pulumi").is_symlink()


def test_the_cache_is_keyed_by_what_is_built(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pulumi_cli.cache_folder()
    module = checkout / "module"
    module.mkdir()
    (module / "go.mod").write_text((pulumi_cli.MODULE / "go.mod").read_text() + "\n// changed\n")
    monkeypatch.setattr(pulumi_cli, "MODULE", module)

    assert before.name.startswith("pulumi-v3.259.0-")
    assert pulumi_cli.cache_folder() != before


def test_a_failed_go_build_leaves_no_program_behind(checkout: Path) -> None:
    go = checkout / "machine/go"
    _program(go, "one package")
    go.write_text('#!/bin/sh\n[ "$1" = list ] && echo one && exit 0\necho broken >&2; exit 2\n')
    result = steps.run_step(_step("Pulumi CLI"), check_only=False)

    assert result.state == "failed"
    assert "`go build` ended with 2" in result.detail
    assert list((checkout / "cache/pulumi-mandate").iterdir()) == []


# --- the browser ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)", 156),
        ("Google Chrome 141.0.7390.65", 141),
        ("Chromium", None),
        ("", None),
    ],
)
def test_a_browser_says_its_version(text: str, major: int | None) -> None:
    assert browser_env.major_of(text) == major


def test_the_machines_own_browser_is_used_where_it_is_new_enough(checkout: Path) -> None:
    _program(checkout / "machine/chromium", "Chromium 110.0.1.2")
    assert browser_env.STEPS[0].ready() is None

    theirs = _program(checkout / "machine/google-chrome", "Google Chrome 141.0.7390.65")
    assert browser_env.find() == theirs
    assert browser_env.STEPS[0].ready() == "Google Chrome 141.0.7390.65 of this machine"


def test_whoever_may_not_install_a_browser_is_told_how(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_env.os, "geteuid", lambda: 1000)
    result = steps.run_step(browser_env.STEPS[0], check_only=False)

    assert result.state == "failed"
    assert "sudo apt-get install chromium" in result.detail


def test_the_hsm_is_its_module_and_its_tool(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hsm_env, "FOLDERS", (str(tmp_path),))
    assert hsm_env.STEPS[0].ready() is None
    (tmp_path / "libsofthsm2.so").touch()
    assert hsm_env.STEPS[0].ready() is None
    _program(checkout / "machine/softhsm2-util", "")

    assert hsm_env.STEPS[0].ready() == "SoftHSM 2"


@pytest.mark.parametrize(("words", "wanted"), [([], False), (["--browser"], True)])
def test_only_the_tests_ask_for_a_browser(
    words: list[str],
    wanted: bool,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(toolchain, "TOOLCHAIN", checkout)
    toolchain.main(["--check", "--json", *words])

    names = [step["name"] for step in json.loads(capsys.readouterr().out)["steps"]]
    assert ("browser" in names) is wanted
    makefile = (Path(toolchain.__file__).parent.parent / "Makefile").read_text()
    assert "\ntest: browser " in makefile
    assert "\ndemo: toolchain " in makefile


# --- contract tools ---------------------------------------------------------------------------


def test_nothing_is_installed_that_the_lock_has_no_hash_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock = (node_env.CONTRACTS / "package-lock.json").read_text()
    monkeypatch.setattr(node_env.platform, "system", lambda: "Linux")
    found = []
    for machine in ("x86_64", "aarch64"):
        monkeypatch.setattr(node_env.platform, "machine", lambda machine=machine: machine)
        found.append(node_env._without_hash(lock))

    assert found[0] == []
    assert len(found[1]) == len(node_env.FOUNDRY)


# --- other languages ---------------------------------------------------------------------------


def test_the_machines_own_yaml_host_is_used(checkout: Path) -> None:
    _program(checkout / ".toolchain/bin/pulumi-language-yaml", "ours")
    _program(checkout / "machine/pulumi-language-yaml", "official")

    assert _step("YAML language host").ready() == "of this machine"
    assert not (checkout / ".toolchain/bin/pulumi-language-yaml").exists()


def test_the_yaml_host_is_built_once_and_put_beside_the_cli(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = _program(checkout / "machine/go", "")
    go.write_text(
        '#!/bin/sh\n[ "$1" = list ] && echo one && exit 0\n'
        'while [ "$1" != -o ]; do shift; done\necho built > "$2"\n'
    )
    first = steps.run_step(_step("YAML language host"), check_only=False)
    go.unlink()
    (checkout / ".toolchain/bin/pulumi-language-yaml").unlink()
    again = steps.run_step(_step("YAML language host"), check_only=False)

    assert (first.state, again.state) == ("made", "made")
    assert (checkout / ".toolchain/bin/pulumi-language-yaml").read_text() == "built\n"


def test_the_stand_in_is_built_where_an_official_host_is_missing(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = checkout / "tools" / "pulumi-languages"
    source = module / "language-host" / "main.go"
    source.parent.mkdir(parents=True)
    source.write_text("package main")
    for name in ("go.mod", "go.sum"):
        (module / name).touch()
    monkeypatch.setattr(pulumi_languages, "MODULE", module)
    step = _step("Python and Go language host")
    _program(pulumi_languages._stand_in_folder() / "language-host", "built")
    assert step.ready() is None

    assert steps.run_step(step, check_only=False).state == "made"
    assert step.ready() == "built (ADR 0005)"
    source.write_text("package main // changed")
    assert step.ready() is None
    for name in (pulumi_cli.HOST, pulumi_cli.GO_HOST):
        _program(checkout / "machine" / name, "official")
    assert "not needed" in str(step.ready())
    assert not (checkout / ".toolchain/bin/language-host").exists()


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (pulumi_languages.STEPS[0], "stand-in for pulumi-language-python"),
        (pulumi_languages.STEPS[1], "pulumi-language-yaml"),
        (pulumi_languages.TEST_STEPS[0], "compiled program"),
    ],
    ids=["stand-in", "yaml", "compiled"],
)
def test_without_go_another_language_says_what_to_install(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, step: steps.Step, what: str
) -> None:
    monkeypatch.setattr(pulumi_languages, "PROGRAM", checkout / ".toolchain/compiled/program")
    result = steps.run_step(step, check_only=False)

    assert result.state == "failed"
    assert what in result.detail
    assert "Go 1.25.11 or newer" in result.detail


def test_the_compiled_program_is_the_one_of_this_source(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = checkout / "main.go"
    source.write_text("package main")
    monkeypatch.setattr(pulumi_languages, "SOURCE", source)
    monkeypatch.setattr(pulumi_languages, "PROGRAM", checkout / ".toolchain/compiled/program")
    _program(pulumi_languages._program_folder() / "program", "built")
    (step,) = pulumi_languages.TEST_STEPS
    result = steps.run_step(step, check_only=False)

    assert result.state == "made"
    source.write_text("package main // changed")
    assert step.ready() is None


# --- launchers --------------------------------------------------------------------------------


def test_launchers_are_written_only_where_the_official_ones_are_missing(checkout: Path) -> None:
    _program(checkout / "machine" / pulumi_cli.HOST, "official")
    result = steps.run_step(_step("launchers of language hosts"), check_only=False)

    assert result.state == "made"
    assert not (checkout / ".toolchain/bin" / pulumi_cli.HOST).exists()
    assert (checkout / ".toolchain/bin" / pulumi_cli.LAUNCHER).exists()


def test_a_stand_in_goes_when_the_official_one_comes(checkout: Path) -> None:
    steps.run_step(_step("launchers of language hosts"), check_only=False)
    for name in pulumi_cli.LAUNCHERS:
        _program(checkout / "machine" / name, "official")

    assert _step("launchers of language hosts").ready() == "of this machine"
    assert list((checkout / ".toolchain/bin").iterdir()) == []


def test_a_launcher_finds_the_checkout_wherever_it_lies(checkout: Path) -> None:
    launcher = checkout / "a b/.toolchain/bin/thing"
    steps.write_launcher(launcher, 'echo "$root"')
    where = subprocess.run([launcher], check=True, capture_output=True, text=True, cwd=os.sep)

    assert where.stdout.strip() == str(checkout / "a b")
    assert str(checkout) not in launcher.read_text()


# --- steps ------------------------------------------------------------------------------------


def test_our_own_folders_are_not_the_machines(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(checkout / ".toolchain/bin/pulumi", "ours")
    theirs = _program(checkout / "machine/pulumi", "theirs")
    folders = [checkout / ".toolchain/bin", checkout / "machine"]
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))

    assert steps.on_path("pulumi") == theirs


def test_a_stamp_holds_until_a_content_changes(checkout: Path) -> None:
    file = checkout / "lock"
    file.write_text("one")
    steps.stamp("thing", steps.digest_of([file]))
    before = steps.is_stamped("thing", steps.digest_of([file]))
    file.write_text("two")

    assert before
    assert not steps.is_stamped("thing", steps.digest_of([file]))


def test_a_failed_step_stops_the_rest_and_a_check_changes_nothing() -> None:
    def fail() -> None:
        raise steps.StepFailed("no network")

    def never() -> None:
        pytest.fail("a check must not change anything")

    failing = [steps.Step("a", lambda: None, fail), steps.Step("b", lambda: None, never)]
    looking = [steps.Step("a", lambda: None, never), steps.Step("b", lambda: "there", never)]

    assert [r.state for r in toolchain.set_up(failing, check_only=False)] == ["failed"]
    assert [r.state for r in toolchain.set_up(looking, check_only=True)] == ["missing", "ready"]


def test_a_step_that_leaves_nothing_behind_has_failed() -> None:
    step = steps.Step("empty", lambda: None, lambda: None)

    assert steps.run_step(step, check_only=False).state == "failed"


def test_a_command_that_fails_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(steps.StepFailed, match="ended with 3"):
        steps.run(["sh", "-c", "echo the reason; exit 3"])

    assert "the reason" in capsys.readouterr().err


def test_the_results_as_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = steps.Step("thing", lambda: "there", lambda: None)
    monkeypatch.setattr(toolchain, "STEPS", (there,))
    code = toolchain.main(["--check", "--json"])
    report = json.loads(capsys.readouterr().out)

    assert code == 0
    assert report["ok"] is True
    assert [step["name"] for step in report["steps"]] == ["thing"]
    assert report["path"][0].endswith(".toolchain/bin")


def test_this_checkout_is_set_up() -> None:
    missing = [step.name for step in toolchain.STEPS if step.ready() is None]

    assert missing == [], "run `make toolchain`"
