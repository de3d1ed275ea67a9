"""`mandate import`: what exists already enters the state under a mandate that names it, or not at
all. On the echo provider, a stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulumi_mandate.models import MandateState, Tier
from pulumi_mandate.plan.document import Document
from tests.engine.test_gate_refresh import exported, mandate
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]
TRACED = True


def spec(governed: Governed, identity: str) -> Path:
    """What `pulumi import --file` reads, outside the program."""
    file = governed.folder.parent / "import.json"
    resource = {"type": "echo:index:Thing", "name": "old", "id": identity}
    file.write_text(json.dumps({"resources": [resource]}))
    return file


def planned(governed: Governed, file: Path) -> Document:
    return governed.plan(kind="import", imports=file)


def test_a_resource_enters_the_state_under_its_mandate(
    governed: Governed, echo_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    governed.environment["PATH"] = echo_path
    monkeypatch.setenv("PATH", echo_path)
    governed.pulumi("stack", "init", "other", "--no-select", "--copy-config-from", "test")
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"
    state, file = exported(governed), spec(governed, "id-1")
    assert "refused at step 3" in mandate(governed, "import", str(file), code=3)

    document = planned(governed, file)
    assert planned(governed, file).effect_root == document.effect_root
    assert planned(governed, spec(governed, "id-2")).effect_root != document.effect_root
    names = {o["urn"].rpartition("::")[2]: o for o in document.operations}
    assert {name: o["op"] for name, o in names.items()} == {"old": "import", "default": "create"}
    assert names["old"]["id"] == "id-1"
    assert names["old"]["after"]["inputs"] == {"label": "id-1"}
    assert document.tier is Tier.HIGH
    plan = governed.approve(document)

    # Another one than was voted on.
    output = mandate(governed, "import", str(spec(governed, "id-2")), code=3)
    assert "refused at step 7" in output
    # The same one into another stack, whose voters were not asked.
    spec(governed, "id-1")
    kept = str(governed.folder.parent / "kept.json")
    Path(kept).write_text(state)
    governed.pulumi("stack", "import", "--force", "--stack", "other", "--file", kept)
    output = mandate(governed, "import", str(file), code=3, stack="other")
    assert "there is no mandate for organization/shop/other" in output
    assert exported(governed) == state
    # Stale: the state moved on, by the plain command, which asks nobody.
    governed.pulumi("import", "echo:index:Thing", "else", "id-2", "--yes", "--generate-code=false")
    moved = exported(governed)
    output = mandate(governed, "import", str(file), code=3)
    assert "refused at step 7" in output
    assert exported(governed) == moved
    assert governed.mandate(plan).state is MandateState.APPROVED
    governed.pulumi("stack", "import", "--file", kept)

    output = mandate(governed, "import", str(file))

    assert "completed" in output
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    found = governed.state("old")
    assert found is not None
    assert found["id"] == "id-1"
