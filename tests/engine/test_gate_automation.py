"""An inline program of the Automation API: run as the checkout that voters read, or not at all."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi import automation as auto

from pulumi_mandate import automation
from pulumi_mandate.errors import Refused
from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True

PROGRAM = "\n".join(["def deploy():", *(f"    {line}" for line in TWO_NOTES.splitlines()), ""])
DRIVER = """
import pulumi.automation as auto
from inline_shop import deploy

options = auto.LocalWorkspaceOptions(work_dir=".")
stack = auto.select_stack("test", project_name="shop", program=deploy, opts=options)
stack.up(on_output=print, on_error=print)
"""


def test_an_inline_program_runs_as_its_checkout_under_its_mandate(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in governed.environment.items():
        monkeypatch.setenv(name, value)
    module = governed.folder / "inline_shop.py"
    module.write_text(PROGRAM)
    monkeypatch.syspath_prepend(str(governed.folder))
    deploy = importlib.import_module("inline_shop").deploy
    governed.program(automation.entry(deploy))
    options = auto.LocalWorkspaceOptions(work_dir=str(governed.folder))
    stack = auto.select_stack("test", project_name="shop", program=deploy, opts=options)

    with pytest.raises(Refused, match="there is no mandate"):
        automation.up(stack)
    assert governed.calls() == []

    plan = governed.approve()
    # Another part of the stack than was voted on; and edited since the vote.
    with pytest.raises(Refused, match="the toolchain is not the one that was voted on"):
        automation.up(stack, replace=["**::nothing"])
    module.write_text(PROGRAM.replace("hello", "evil!"))
    with pytest.raises(Refused, match="the program is not the one that was voted on"):
        automation.up(stack)
    module.write_text(PROGRAM)
    assert governed.calls() == []

    done = asyncio.run(automation.up_async(stack, message="the shop"))

    assert done.run is not None
    assert done.run["status"] == "completed"
    assert done.outputs["size"].value == 5
    assert governed.files() == {"first": "hello", "second": "5 letters"}
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    # Spent: nothing more is done under it, and it is none to destroy the stack.
    assert automation.up(stack).run is None
    with pytest.raises(Refused, match="unconfirmed"):
        automation.destroy(stack)
    # By the Automation API itself, where the function is only in memory.
    direct = subprocess.run(
        [sys.executable, "-c", DRIVER],
        cwd=governed.folder, env=governed.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert direct.returncode == 32
    assert "pulumi_mandate.automation.up(stack)" in direct.stdout + direct.stderr
    assert governed.calls() == ["create first", "create second"]
    # The engine ended in order: nobody has to type `pulumi cancel`.
    backend = Path(governed.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    assert [file for file in backend.rglob("locks/**/*") if file.is_file()] == []
