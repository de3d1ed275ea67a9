"""Reading the page: what somebody typed stays text, and everybody can use it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.console.page import render_page
from pulumi_mandate.models import Subject, plan_hash, to_hex
from pulumi_mandate.plan.document import Document
from tests.browser.chromium import Chromium, Page
from tests.plan.samples import UNKNOWN, build, creation, recorded, secret, sourced
from tests.vectors.documents import DOMAIN

ATTACKS = [
    "<script>window.pwned = 1</script>",
    "</script><script>window.pwned = 1</script>",
    '"><img src=x onerror="window.pwned = 1">',
    "' onmouseover='window.pwned = 1",
    "</pre></details><iframe srcdoc='<script>parent.pwned = 1</script>'>",
    "<svg onload=window.pwned=1>",
    "<!--",
    "]]>",
    "<base href=javascript:window.pwned=1>",
    "&lt;b&gt; &#60;b&#62;",
    "$document ${script}",
    "javascript:window.pwned=1",
    "\u202e\u2066\u200b\x00\x1b[31m",
]
OURS = """
html head meta title style body a header p h1 main section h2 code dl dt dd output label input
details summary ol div ul li article h3 b table thead tbody tr th td ins del span pre footer button
script
"""
CONTRAST = """
(selector) => {
  const light = (text) => {
    const parts = text.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const straight = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = parts.map(straight);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return [...document.querySelectorAll(selector)].map((element) => {
    const ground = (at) => getComputedStyle(at).backgroundColor;
    let below = element;
    while (ground(below) === "rgba(0, 0, 0, 0)") below = below.parentElement;
    const pair = [getComputedStyle(element).color, ground(below)].map(light);
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  });
}
"""


def attacked(text: str) -> Document:
    """A plan in which every text that a user chooses is this one."""
    inputs = {"v": text, text: {"k": [text]}, "s": secret(text), "u": UNKNOWN}
    raw = creation(text, inputs, {**inputs, "s": "[secret]"})
    raw.config[f"p:{text}"] = {"value": text, "secret": False}
    raw.plan_file["config"][f"p:{text}"] = {}
    raw.steps["config"][f"p:{text}"] = text
    changed = sourced(f"{text}.py", "one\n", f"{text.replace(chr(0), '')}\n")
    return build(raw, subject=Subject(text, text, text, text), **changed)


@pytest.mark.parametrize("text", ATTACKS)
def test_what_somebody_typed_stays_text(text: str, chromium: Chromium, tmp_path: Path) -> None:
    with chromium.page() as page:
        page.show(tmp_path, render_page(attacked(text), DOMAIN))

        assert page.js("document.body.dataset.state") == "good"
        assert page.js("window.pwned") is None
        names = set(page.js("[...document.querySelectorAll('*')].map(e => e.localName)"))
        assert names <= set(OURS.split())
        assert page.js("document.querySelectorAll('script').length") == 3
        written = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        assert not [name for name in page.js(written) if name.startswith("on")]
        links = "[...document.querySelectorAll('[href], [src]')].map(e => e.outerHTML)"
        assert page.js(links) == ['<a class="skip" href="#operations">To the operations</a>']
        assert (
            len(page.js("[...document.querySelectorAll('pre .line')].map(e => e.innerText)")) == 2
        )
        shown = page.text("main")
        assert (
            json.dumps(text, ensure_ascii=False).encode("ascii", "backslashreplace").decode()
            in shown
        )
        assert page.js(
            "[...document.querySelector('main').textContent]"
            ".every(c => c === '\\n' || (c >= ' ' && c <= '~'))"
        )


@pytest.fixture
def page(chromium: Chromium, tmp_path: Path) -> Any:
    with chromium.page() as found:
        found.show(tmp_path, render_page(build(recorded()), DOMAIN))
        yield found


def test_the_reader_compares_it_with_the_wallet(page: Page) -> None:
    mine = to_hex(plan_hash(DOMAIN, build(recorded()).fields()))
    page.js("document.getElementById('seen').focus()")
    assert page.text("#same").startswith("Paste it here")

    page.type("0x" + "11" * 32)
    assert page.text("#same").startswith("Different: do not vote")
    assert page.js("document.getElementById('same').className") == "bad"

    page.js("document.getElementById('seen').select()")
    page.type(f"  {mine.upper().replace('X', 'x')} ")
    assert page.text("#same").startswith("Same:")


def test_the_bytes_can_be_saved(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder),
              eventsEnabled=True)  # fmt: skip
    page.js("document.getElementById('save').click()")
    page.wait_for_download()

    assert (folder / "plan.json").read_bytes() == build(recorded()).data


def test_everything_can_be_reached_and_opened_by_keyboard(page: Page) -> None:
    focused = "document.activeElement.id || document.activeElement.textContent"
    order = []
    for _ in range(5):
        page.press("Tab")
        order.append(page.js(focused))
    assert order[:3] == ["To the operations", "seen", "How it was recomputed"]
    assert order[3:] == ["In the bytes", "In the bytes"]

    page.js("document.querySelector('.verdict summary').focus()")
    page.press("Enter")
    assert page.js("document.querySelector('.verdict details').open")
    assert "effect root" in page.text("#steps")

    page.js("document.querySelector('.skip').focus()")
    page.press("Enter")
    assert page.js("document.activeElement.id") == "operations"


def test_it_has_what_a_screen_reader_needs(page: Page) -> None:
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node.get("ignored")]
    named = {(node["role"]["value"], node["name"]["value"]) for node in nodes if node.get("name")}

    assert {"main", "banner", "contentinfo", "status", "table", "rowheader"} <= set(roles)
    assert ("textbox", "The plan hash that your wallet or the chain shows") in named
    assert ("button", "Save the bytes") in named
    assert page.js("document.documentElement.lang") == "en"
    headings = page.js("[...document.querySelectorAll('h1,h2,h3')].map(e => +e.localName[1])")
    assert headings[:2] == [1, 2]
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_no_meaning_is_in_colour_alone(page: Page) -> None:
    marks = page.js(
        "['del', 'ins'].map(name => "
        "getComputedStyle(document.querySelector(name), '::before').content)"
    )

    assert marks == ['"- "', '"+ "']
    assert page.text(".entry .risk") == "cannot be undone"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(dark: bool, chromium: Chromium, tmp_path: Path) -> None:
    with chromium.page(dark=dark) as page:
        page.show(tmp_path, render_page(build(recorded()), DOMAIN))
        for selector in ("h1", "h2", "#advice", "dt", "dd", ".warnings li", "del", "ins", ".risk",
                         "thead th", "summary", "footer p", ".none"):  # fmt: skip
            found = page.js(f"({CONTRAST})({json.dumps(selector)})")
            assert found, selector
            assert min(found) >= 4.5, selector
        ground = page.js("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 23, 26)" if dark else "rgb(251, 250, 247)")


def test_it_fits_a_small_screen(chromium: Chromium, tmp_path: Path) -> None:
    with chromium.page() as page:
        size = {"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": True}
        page.call("Emulation.setDeviceMetricsOverride", **size)
        page.show(tmp_path, render_page(build(recorded()), DOMAIN))

        assert page.js("document.documentElement.scrollWidth") <= 360
