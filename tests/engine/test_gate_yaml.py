"""`mandate up` of a program in YAML, by the real YAML language host: no hook asks, so the gate is
the command, with the engine's own `--plan` as a second belt. One resource is a component of a
plugin (`PulumiPlugin.yaml`), whose files the plan binds. On the echo provider, a stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulumi_mandate.gate.plugins import visible_plugins
from pulumi_mandate.models import MandateState
from tests.engine.echoes import Echoes
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True

PROGRAM = """
name: shop
runtime: yaml
packages:
  boxes: boxes@1.0.0
config:
  token:
    type: string
resources:
  first:
    type: echo:index:Thing
    properties:
      label: ${token}
  second:
    type: boxes:index:Box
    properties:
      label: ${first.arn}
outputs:
  arn: ${first.arn}
"""
PLUGIN = '''
"""A component of Python for every Pulumi language: one thing in a box."""

from typing import Optional, TypedDict

import pulumi
from pulumi.provider.experimental import component_provider_host


class BoxArgs(TypedDict):
    label: pulumi.Input[str]


class Thing(pulumi.CustomResource):
    def __init__(self, name, label, opts):
        super().__init__("echo:index:Thing", name, {"label": label}, opts)


class Box(pulumi.ComponentResource):
    def __init__(self, name: str, args: BoxArgs, opts: Optional[pulumi.ResourceOptions] = None):
        super().__init__("boxes:index:Box", name, {}, opts)
        Thing(f"{name}-inner", args["label"], pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


component_provider_host(name="boxes", components=[Box])
'''
CALLS = ["create first", "create second-inner"]
THIRD = """
  third:
    type: echo:index:Thing
    properties:
      label: more
"""
MORE = PROGRAM.replace("outputs:", THIRD.lstrip("\n") + "outputs:")


def plugin_of(governed: Governed) -> Path:
    """Where the engine keeps an installed plugin."""
    return Path(governed.environment["PULUMI_HOME"], "plugins", "resource-boxes-v1.0.0")


@pytest.fixture
def shop(governed: Governed, echo_path: str, monkeypatch: pytest.MonkeyPatch) -> Echoes:
    found = Echoes(governed, echo_path, monkeypatch)
    found.write("Pulumi.yaml", PROGRAM)
    plugin = plugin_of(governed)
    plugin.mkdir(parents=True)
    (plugin / "PulumiPlugin.yaml").write_text("name: boxes\nruntime: python\nversion: 1.0.0\n")
    (plugin / "__main__.py").write_text(PLUGIN)
    governed.pulumi("config", "set", "--secret", "token", "hidden")
    return found


def test_without_with_stale_and_someone_elses_mandate(shop: Echoes) -> None:
    governed = shop.governed
    # Without.
    output = shop.run("up", code=3)
    assert "refused at step 3: there is no mandate for organization/shop/test" in output
    assert shop.calls == []

    # Someone else's: of the same stack, for another program; and this stack's, on another stack.
    document = governed.plan()
    assert b"hidden" not in document.data
    hosts = {row["name"]: row["sha256"] for row in visible_plugins(governed.environment)}
    assert hosts["pulumi-language-yaml"] in str(document.content["toolchain"]["plugins"])
    shop.write("Pulumi.yaml", MORE)
    theirs = governed.approve()
    shop.write("Pulumi.yaml", PROGRAM)
    assert "refused at step 6" in shop.run("up", code=3)
    assert governed.mandate(theirs).state is MandateState.APPROVED

    # With: every change is the approved one, and the secret travelled in memory only.
    plan = governed.approve()
    (plugin_of(governed) / "__main__.py").write_text(PLUGIN.replace("-inner", "-evil"))
    output = shop.run("up", code=3)
    assert "refused at step 6" in output
    assert "resource-boxes" in output
    (plugin_of(governed) / "__main__.py").write_text(PLUGIN)
    output = shop.run("up")
    assert "completed" in output
    assert "hidden" not in output
    assert shop.calls == CALLS
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert governed.outputs() == {"arn": "arn:first"}

    # Stale: voted on over a state that is another by now.
    shop.write("Pulumi.yaml", MORE)
    stale = governed.approve()
    exported = json.loads(governed.pulumi("stack", "export").stdout)
    for resource in exported["deployment"]["resources"]:
        if resource["urn"].endswith("::second-inner"):
            resource["inputs"]["label"] = resource["outputs"]["label"] = "moved"
    moved = governed.folder.parent / "moved.json"
    moved.write_text(json.dumps(exported))
    governed.pulumi("stack", "import", "--file", str(moved))
    assert "refused at step 7" in shop.run("up", code=3)
    assert governed.mandate(stale).state is MandateState.APPROVED
    assert shop.calls == CALLS

    # A destroy has a mandate of its own kind, and so has a part of one.
    governed.approve(governed.plan(kind="destroy", flags=("--target=**::second-inner",)))
    assert "toolchain.flags" in shop.run("destroy", code=3)
    assert "completed" in shop.run("destroy", "--target", "**::second-inner")
    assert shop.calls[2:] == ["delete second-inner"]
    governed.approve(governed.plan(kind="destroy"))
    assert "completed" in shop.run("destroy")
    assert shop.calls[2:] == ["delete first", "delete second-inner"]
