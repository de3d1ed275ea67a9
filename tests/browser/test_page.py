"""The page in a real browser: green for what it recomputed, red for everything else."""

from __future__ import annotations

import base64
import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.console.page import render_page
from pulumi_mandate.models import plan_hash, to_hex
from pulumi_mandate.plan.document import Document
from tests.browser.chromium import Chromium
from tests.plan.samples import build, recorded
from tests.vectors.documents import DOMAIN

EMBEDDED = re.compile(r'(?<=id="document">)[^<]*')


SHOWN = ["diff", "comparison", "limits"]


@pytest.fixture(scope="module")
def document() -> Document:
    return build(recorded())


@pytest.fixture(scope="module")
def html(document: Document) -> str:
    return render_page(document, DOMAIN)


def with_bytes(html: str, data: bytes) -> str:
    return EMBEDDED.sub(lambda _: base64.b64encode(data).decode(), html)


def state_of(chromium: Chromium, folder: Path, html: str) -> dict[str, Any]:
    """What a reader sees: the verdict, the hash, and whether the list of changes is there."""
    with chromium.page() as page:
        page.show(folder, html)
        return {
            "state": page.js("document.body.dataset.state"),
            "verdict": page.text("#verdict"),
            "recomputed": page.text("#recomputed"),
            "shown": page.js(f"{SHOWN}.some(id => document.getElementById(id).checkVisibility())"),
            "why": page.js("document.getElementById('how').open"),
            "saves": not page.js("document.getElementById('save').disabled"),
            "failed": page.js("document.querySelectorAll('#steps .bad').length"),
            "entries": page.js("document.querySelectorAll('[data-leaf]').length"),
        }


def is_red(found: dict[str, Any]) -> bool:
    return (
        found["state"] == "bad"
        and found["verdict"].startswith("Not verified")
        and found["recomputed"] == "not yet"
        and not found["shown"]
        and found["why"]
        and not found["saves"]
        and found["failed"] == 1
    )


def test_a_good_page_recomputes_the_plan_hash(
    chromium: Chromium, document: Document, html: str, tmp_path: Path
) -> None:
    found = state_of(chromium, tmp_path, html)

    assert found["state"] == "good"
    assert found["verdict"].startswith("Recomputed")
    assert found["recomputed"] == to_hex(plan_hash(DOMAIN, document.fields()))
    assert found["shown"]
    assert found["saves"]
    assert (found["failed"], found["entries"]) == (0, len(document.operations))


def test_every_operation_is_shown_beside_its_bytes(
    chromium: Chromium, document: Document, html: str, tmp_path: Path
) -> None:
    with chromium.page() as page:
        page.show(tmp_path, html)
        shown = page.js(
            "[...document.querySelectorAll('[data-leaf]')].map(e => "
            "[e.dataset.leaf, ...['h3', 'pre'].map(name => e.querySelector(name).textContent)])"
        )

    by_leaf = dict(zip(map(to_hex, document.leaves), document.operations, strict=True))
    assert len(shown) == len(by_leaf)
    for leaf, title, data in shown:
        assert json.loads(data) == by_leaf[leaf]
        assert title.endswith(f" {by_leaf[leaf]['op']} {by_leaf[leaf]['urn']}")


@pytest.mark.parametrize("part", range(8))
def test_one_changed_byte_turns_it_red(
    part: int, chromium: Chromium, document: Document, html: str, tmp_path: Path
) -> None:
    data = bytearray(document.data)
    data[(2 * part + 1) * len(data) // 16] ^= 1

    assert is_red(state_of(chromium, tmp_path, with_bytes(html, bytes(data))))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\xff", b"null"], ids=["none", "{}", "[]", "no text", "null"]
)
def test_other_bytes_turn_it_red(
    data: bytes, chromium: Chromium, html: str, tmp_path: Path
) -> None:
    assert is_red(state_of(chromium, tmp_path, with_bytes(html, data)))


def test_a_shorter_or_longer_document_turns_it_red(
    chromium: Chromium, document: Document, html: str, tmp_path: Path
) -> None:
    for data in (document.data[:-1], document.data + b"\n", document.data * 2):
        assert is_red(state_of(chromium, tmp_path, with_bytes(html, data)))


def test_another_plan_under_the_same_claim_turns_it_red(
    chromium: Chromium, document: Document, html: str, tmp_path: Path
) -> None:
    other = Document.of({**document.content, "salt": "0x" + "11" * 32})

    assert is_red(state_of(chromium, tmp_path, with_bytes(html, other.data)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"chainId": 31337', '"chainId": 1'),
        (f'"registry": "{DOMAIN.registry}"', '"registry": "0x' + "11" * 20 + '"'),
        (f'"registry": "{DOMAIN.registry}"', '"registry": "ana.eth"'),
        ('"planHash": "0x', '"planHash": "0x00'),
        ('"planHash": ', '"other": '),
        ('id="claim">{', 'id="claim">'),
        ('data-leaf="0x', 'data-leaf="0x00'),
        ("data-leaf=", "data-other="),
    ],
)
def test_a_changed_claim_or_entry_turns_it_red(
    old: str, new: str, chromium: Chromium, html: str, tmp_path: Path
) -> None:
    assert old in html
    found = state_of(chromium, tmp_path, html.replace(old, new, 1))

    assert found["state"] == "bad"
    assert not found["shown"]
    assert found["recomputed"] == "not yet"


def test_an_entry_twice_or_left_out_turns_it_red(
    chromium: Chromium, html: str, tmp_path: Path
) -> None:
    entry = html[html.index("<article") : html.index("</article>") + len("</article>")]

    assert is_red(state_of(chromium, tmp_path, html.replace(entry, "")))
    assert is_red(state_of(chromium, tmp_path, html.replace(entry, entry * 2)))


@pytest.mark.parametrize("old", ["claimed === found.planHash", 'show("good"', "0x19, 0x01"])
def test_a_changed_script_does_not_run(
    old: str, chromium: Chromium, html: str, tmp_path: Path
) -> None:
    assert html.count(old) == 1
    found = state_of(chromium, tmp_path, html.replace(old, old.replace("o", "O") + " "))

    assert found["state"] == "unchecked"
    assert found["verdict"].startswith("Not checked")


def test_without_scripts_it_says_that_nothing_is_checked(
    chromium: Chromium, html: str, tmp_path: Path
) -> None:
    with chromium.page(scripts=False) as page:
        page.show(tmp_path, html)
        page.call("Emulation.setScriptExecutionDisabled", value=False)

        assert page.text("#verdict").startswith("Not checked")
        assert page.js("document.body.dataset.state") == "unchecked"


def test_the_page_asks_for_nothing_but_itself(
    chromium: Chromium, html: str, tmp_path: Path
) -> None:
    with chromium.page() as page:
        page.show(tmp_path, html)

        assert page.requests() == [(tmp_path / "page.html").as_uri()]


@pytest.mark.parametrize("ours", [True, False], ids=["our page", "a page without our policy"])
def test_what_somebody_adds_to_the_page_reaches_nobody(
    ours: bool, chromium: Chromium, html: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, chromium.page() as page:
        server.settimeout(1)
        source = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        added = f'<main><img src="{source}"><script>window.pwned = 1</script>'
        policy = r"<meta http-equiv[^>]*>" if not ours else "(?!)"
        page.show(tmp_path, re.sub(policy, "", html).replace("<main>", added), wait=False)
        reached = True
        try:
            server.accept()[0].close()
        except TimeoutError:
            reached = False

        assert reached is not ours
        assert page.js("window.pwned") == (None if ours else 1)
