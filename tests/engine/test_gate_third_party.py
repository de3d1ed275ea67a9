"""Resources that are not ours: Pulumi's own AWS and Kubernetes classes, each in a component, under
`govern()` and a plain `pulumi up`. The echo provider stands in for both provider programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pulumi_mandate.gate.engine_hooks import HOOK_NAMES
from pulumi_mandate.models import MandateState
from tests.engine.echoes import Echoes
from tests.plugins import echo_provider
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

PROGRAM = """
import pulumi_mandate

pulumi_mandate.govern()

import pulumi
from pulumi import ComponentResource, ResourceOptions
from pulumi_aws import s3
from pulumi_kubernetes.core.v1 import ConfigMap


class Goods(ComponentResource):
    def __init__(self, name, team):
        super().__init__("fixture:index:Goods", name)
        mine = ResourceOptions(parent=self)
        self.bucket = s3.Bucket("bucket", bucket="goods", tags={"team": team}, opts=mine)
        self.register_outputs({})


class Settings(ComponentResource):
    def __init__(self, name, data):
        super().__init__("fixture:index:Settings", name)
        mine = ResourceOptions(parent=self)
        ConfigMap("map", metadata={"name": "settings"}, data=data, opts=mine)
        self.register_outputs({})


goods = Goods("goods", "shop")
Settings("settings", {"bucket": goods.bucket.arn})
"""
OTHER = PROGRAM.replace('"goods", "shop"', '"goods", "evil"')
MADE = ["create bucket", "create map"]


@pytest.fixture
def shop(
    governed: Governed, tmp_path: Path, toolchain_path: str, monkeypatch: pytest.MonkeyPatch
) -> Echoes:
    plugins = echo_provider.install(tmp_path / "plugins", "aws", "kubernetes")
    found = Echoes(governed, os.pathsep.join([str(plugins), toolchain_path]), monkeypatch)
    found.write("__main__.py", PROGRAM)
    return found


def test_without_with_stale_and_someone_elses_mandate(shop: Echoes) -> None:
    governed = shop.governed
    # Without.
    assert "refused at step 3: there is no mandate" in governed.up(ok=False)

    # Someone else's: of the same stack, for another program.
    document = governed.plan()
    shop.write("__main__.py", OTHER)
    theirs = governed.approve()
    shop.write("__main__.py", PROGRAM)
    assert "refused at step 6" in governed.up(ok=False)
    assert governed.mandate(theirs).state is MandateState.APPROVED
    assert shop.calls == []

    # With: every resource carries our hooks, whoever wrote its class.
    plan = governed.approve(document)
    governed.up()
    assert governed.result()["status"] == "completed"
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert shop.calls == MADE
    exported = json.loads(governed.pulumi("stack", "export").stdout)
    resources = {
        resource["urn"].rpartition("::")[2]: resource
        for resource in exported["deployment"]["resources"]
        if "::default" not in resource["urn"]
    }
    assert resources.keys() >= {"goods", "bucket", "settings", "map"}
    for resource in resources.values():
        assert resource["resourceHooks"]["BeforeDelete"] == [HOOK_NAMES["delete"]]

    # Stale: voted on over a state that is another by now.
    shop.write("__main__.py", OTHER)
    stale = governed.approve()
    resources["bucket"]["inputs"]["tags"] = resources["bucket"]["outputs"]["tags"] = {"team": "x"}
    moved = governed.folder.parent / "moved.json"
    moved.write_text(json.dumps(exported))
    governed.pulumi("stack", "import", "--file", str(moved))
    assert "refused at step 7" in governed.up(ok=False)
    assert governed.mandate(stale).state is MandateState.APPROVED

    # Nor without the line: the hooks are in the state.
    shop.write("__main__.py", "")
    assert "hook" in governed.up(ok=False)
    assert shop.calls == MADE
