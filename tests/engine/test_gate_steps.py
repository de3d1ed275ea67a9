"""Under a mandate, on the real engine: the steps that no hook asks about, and drawn names."""

from __future__ import annotations

import pytest

from pulumi_mandate.plan.document import Document
from tests.engine.echo import MODULE, found, only, ops
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

START = "import pulumi_mandate\n\npulumi_mandate.govern()\n\nimport pulumi\n"
USES = "from echo import Opts, Thing\n"
FIRST = (
    START
    + USES
    + """
secret = pulumi.Output.secret("hunter2")
logs = Thing("logs", {"named": "logs"})
Thing("reader", {"source": logs.name})
Thing("read", {"label": "x"}, Opts(id="r-1"))
Thing("adopted", {"label": "adopted"}, Opts(import_="adopted"))
Thing("adopted-otherwise", {"label": "z", "secret": secret}, Opts(import_="ext-2"))
source = Thing("source", {"kind": "a"})
Thing("points", {"at": source})
"""
)
SECOND = (
    START
    + USES
    + """
logs = Thing("logs", {"named": "logs", "kind": "b"})
Thing("reader", {"source": logs.name})
Thing("adopted", {"label": "adopted"}, Opts(import_="adopted", protect=True))
Thing("adopted-otherwise", {"label": "z"})
source = Thing("source", {"kind": "b"}, Opts(delete_before_replace=True))
Thing("points", {"at": source})
"""
)


def _run(governed: Governed, program: str) -> Document:
    (governed.folder / "__main__.py").write_text(program)
    document = governed.plan()
    governed.approve(document)
    governed.up()

    result = governed.result()
    assert (result["status"], result["reasons"]) == ("completed", [])
    return document


def test_reads_imports_drawn_names_and_replacements_run_as_approved(
    governed: Governed, echo_path: str
) -> None:
    governed.environment["PATH"] = echo_path
    (governed.folder / "echo.py").write_text(MODULE)
    governed.pulumi(*("config", "set", "--path", "pulumi:autonaming.pattern", "${name}-${hex(7)}"))

    first = _run(governed, FIRST)
    name = (governed.state("logs") or {})["inputs"]["name"]
    second = _run(governed, SECOND)

    assert ops(first)["read"] == ["read"]
    assert ops(first)["adopted-otherwise"] == ["import", "update"]
    assert only(first, "logs")["after"]["inputs"]["name"]["mandate:v1"] == "auto-name"
    assert name.startswith("logs-")
    assert ops(second)["read"] == ["discard"]
    assert ops(second)["source"] == ["create-replacement", "delete-replaced", "replace"]
    assert found(second, "logs")[0]["before"]["inputs"]["name"] == name
    assert governed.state("read") is None
    assert (governed.state("logs") or {})["inputs"]["name"] != name
