"""Which inline programs a checkout can stand for, and what is said of the others."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate import automation
from pulumi_mandate.errors import EngineError, MandateError, PartlyApplied, Refused, UsageError
from pulumi_mandate.gate.command import Outcome

SOURCE = """
def deploy():
    def inner():
        pass
    return inner

async def later():
    pass

class Program:
    def run(self):
        pass

short = lambda: None
replaced = deploy
def deploy():
    return replaced()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module in a work directory, with the entry of its `deploy`."""
    file = tmp_path / "inline_unit.py"
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("inline_unit", file)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "inline_unit", found)
    spec.loader.exec_module(found)
    (tmp_path / automation.ENTRY).write_text(automation.entry(found.deploy))
    return found


def test_a_function_of_the_work_directory_with_its_entry_is_taken(
    module: ModuleType, tmp_path: Path
) -> None:
    assert automation.entry(module.deploy) == "from inline_unit import deploy\n\ndeploy()\n"

    automation.check_inline(module.deploy, tmp_path)


UNNAMED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a lambda": (lambda module: module.short, "a lambda or is defined inside"),
    "a closure": (lambda module: module.deploy(), "a lambda or is defined inside"),
    "a function of a class": (lambda module: module.Program.run, "a lambda or is defined inside"),
    "a method": (lambda module: module.Program().run, "no function"),
    "a partial": (lambda module: functools.partial(module.deploy), "no function"),
    "a coroutine": (lambda module: module.later, "coroutine"),
    "one that was replaced": (lambda module: module.replaced, "not what its module has"),
}


@pytest.mark.parametrize("name", UNNAMED)
def test_what_no_file_can_name_is_refused(name: str, module: ModuleType, tmp_path: Path) -> None:
    program, reason = UNNAMED[name]

    with pytest.raises(Refused, match=reason) as refusal:
        automation.check_inline(program(module), tmp_path)

    assert refusal.value.next_step


def test_a_function_of_the_running_script_is_refused(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.deploy, "__module__", "__main__")

    with pytest.raises(Refused, match="the script that is running"):
        automation.check_inline(module.deploy, tmp_path)


def test_another_folder_and_another_entry_are_refused(module: ModuleType, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(Refused, match="not in the stack's work directory"):
        automation.check_inline(module.deploy, elsewhere)

    entry = tmp_path / automation.ENTRY
    entry.write_text(entry.read_text() + "# and more\n")
    with pytest.raises(Refused, match="does not run the inline program"):
        automation.check_inline(module.deploy, tmp_path)
    entry.unlink()
    with pytest.raises(Refused) as refusal:
        automation.check_inline(module.deploy, tmp_path)
    assert refusal.value.found == "no such file"


class Stack:
    """As much of a stack as is asked for; the work directory holds a local program."""

    name = "dev"

    def __init__(self, **variables: str) -> None:
        self.workspace = SimpleNamespace(
            work_dir=".", program=None, env_vars=variables, pulumi_home="/a/home"
        )

    def outputs(self) -> dict[str, str]:
        return {"size": "5"}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What was run; `outcome` in it is what comes of it."""
    seen: dict[str, Any] = {"outcome": Outcome("run 0xab… completed", 0, {"run": {"a": 1}})}

    def run(place: Any, **told: Any) -> Outcome:
        seen.update(told, place=place)
        told["say"]("previewing")
        return seen["outcome"]  # type: ignore[no-any-return]

    monkeypatch.setattr(automation, "run_command", run)
    return seen


def test_a_command_runs_with_the_flags_and_the_environment_of_its_stack(
    ran: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    stack: Any = Stack(AWS_REGION="eu-west-1")

    done = automation.up(stack, target=["b", "a"], target_dependents=True, message="note")

    assert ran["place"].flags == ("--target-dependents", "--target=a", "--target=b")
    assert (ran["kind"], ran["message"]) == ("up", "note")
    assert ran["environment"]["AWS_REGION"] == "eu-west-1"
    assert ran["environment"]["PULUMI_HOME"] == "/a/home"
    assert (done.run, done.outputs) == ({"a": 1}, {"size": "5"})
    assert capsys.readouterr().err == "mandate: previewing\n"
    for command, kind in ((automation.destroy, "destroy"), (automation.refresh, "refresh")):
        command(stack)
        assert (ran["kind"], ran["place"].flags) == (kind, ())
    automation.destroy(stack, target=["a"], exclude=["b"], target_dependents=True)
    assert ran["place"].flags == ("--exclude=b", "--target-dependents", "--target=a")


@pytest.mark.parametrize(
    ("code", "kind"), [(7, PartlyApplied), (6, EngineError), (3, Refused), (1, MandateError)]
)
def test_what_did_not_end_well_is_raised(
    code: int, kind: type[MandateError], ran: dict[str, Any]
) -> None:
    ran["outcome"] = Outcome("run 0xab… is open", code)
    stack: Any = Stack()

    with pytest.raises(kind, match="is open"):
        automation.up(stack)


def test_a_stack_of_its_own_trust_is_refused(ran: dict[str, Any]) -> None:
    stack: Any = Stack(MANDATE_TRUST="/elsewhere/trust.toml")

    with pytest.raises(UsageError, match="MANDATE_TRUST is set for one stack only"):
        automation.up(stack)
