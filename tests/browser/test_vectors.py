"""The shared vectors once more, in a browser: its engine is the one that voters have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pulumi_mandate.console.page import SCRIPTS, static
from tests.browser.chromium import Chromium

VECTORS = Path(__file__).parent.parent / "vectors"
CHECK = """
const bytes = (text) => new TextEncoder().encode(text);
const accepted = (data) => { try { parse(data); return true; } catch (error) { return false; } };
const { canonical: forms, document: whole, document_refused: none } = VECTORS;
const domain = whole[0].domain;
const names = (cases, wrong) => cases.filter(wrong).map((found) => found.name);
({
  canonical: names(forms.positive, (found) => !accepted(bytes(found.canonical))
    || toHex(keccak(bytes(found.canonical))) !== found.keccak),
  refused: names(forms.negative, (found) => accepted(fromHex(found.bytes))),
  hashes: names(VECTORS.plan_hash,
    (found) => toHex(planHash(found.domain, found.plan)) !== found.planHash),
  documents: names(whole, (found) => !verify(bytes(found.bytes), found.domain, found.planHash).ok),
  forged: names(none, (found) => verify(bytes(found.bytes), domain).planHash !== undefined),
  counted: [forms.negative.length, whole.length, none.length],
})
"""


def read(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


def test_a_browser_agrees(chromium: Chromium) -> None:
    names = ("canonical", "plan_hash", "document", "document_refused")
    vectors = json.dumps({name: read(name) for name in names})
    lines = "\n".join(static(name) for name in SCRIPTS if name != "page.js").splitlines()
    script = "\n".join(
        line.removeprefix("export ") for line in lines if not line.startswith("import ")
    )
    with chromium.page() as page:
        found = page.js(f"{script}\nconst VECTORS = {vectors};\n{CHECK}")

    counted = found.pop("counted")
    assert found == {"canonical": [], "refused": [], "hashes": [], "documents": [], "forged": []}
    assert min(counted) >= 5
