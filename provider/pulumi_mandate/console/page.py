"""One self-contained page: the readable plan, its bytes, and the script that hashes them.

The page loads nothing and sends nothing: its policy allows exactly its own style and script, by
their digests. Nothing in it is shown as verified before the script has recomputed the plan hash in
the reader's browser, and only the reader can compare that hash with a wallet's or the chain's.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib import resources
from string import Template

from pulumi_mandate.models import Domain, plan_hash, to_hex
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.reading import Change, Entry, FileChange, Line, Reading, read_plan

SCRIPTS = (
    "keccak.js",
    "constants.js",
    "protocol.js",
    "losses.js",
    "document.js",
    "verify.js",
    "page.js",
)
"""In this order one inline module: an import of one file by another falls away."""


def render_page(document: Document, domain: Domain) -> str:
    """The page of a document, as printable ASCII and line ends. Whatever was typed stays text."""
    reading = read_plan(document)
    style, script = static("page.css"), verifier_script()
    claim = {
        "chainId": domain.chain_id,
        "registry": domain.registry,
        "planHash": to_hex(plan_hash(domain, document.fields())),
    }
    return Template(static("page.html")).substitute(
        policy=escape(_policy(style, script)),
        title=escape(reading.title),
        style=style,
        domain=escape(f"{domain.chain_id}, {domain.registry}"),
        head=_facts(reading.head),
        warnings=_warnings(reading),
        entries="\n".join(_entry(entry, to_hex(document.leaves[entry.index]))
                          for entry in reading.entries),
        files="\n".join(map(_file, reading.files)),
        rest=_facts(reading.rest),
        document=base64.b64encode(document.data).decode(),
        claim=json.dumps(claim).replace("<", "\\u003c"),
        script=script,
    )  # fmt: skip


@cache
def static(name: str) -> str:
    """One of the files that this door serves or embeds."""
    return resources.files(__package__).joinpath("static", name).read_text(encoding="utf-8")


@cache
def verifier_script() -> str:
    """The page's script: its files one after the other, without the imports between them."""
    lines = [line for name in SCRIPTS for line in static(name).splitlines()]
    return "\n".join(line for line in lines if not line.startswith("import "))


def _policy(style: str, script: str) -> str:
    """Nothing from anywhere, and no markup made of text."""
    return (
        f"default-src 'none'; style-src '{_source(style)}'; script-src '{_source(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )


def _source(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _facts(lines: Iterable[Line]) -> str:
    told = "\n".join(
        f"<dt>{escape(line.name)}</dt><dd>{escape(line.after or '')}{_items(line)}</dd>"
        for line in lines
    )
    return f'<dl class="facts">\n{told}\n</dl>'


def _items(line: Line) -> str:
    if not line.items:
        return ""
    items = "".join(f"<li>{escape(item)}</li>" for item in line.items)
    return f"<details><summary>Each of them</summary><ol>{items}</ol></details>"


def _warnings(reading: Reading) -> str:
    told = [f"Cannot be undone: {loss}" for loss in reading.losses]
    told += [f"Known only while it runs: {unknown}" for unknown in reading.unknowns]
    if not told:
        return ""
    return f'<ul class="warnings">{"".join(f"<li>{escape(text)}</li>" for text in told)}</ul>'


def _entry(entry: Entry, leaf: str) -> str:
    risk = f' <b class="risk">cannot be undone</b> {escape(entry.loss)}' if entry.loss else ""
    return "\n".join(
        (
            f'<article class="entry{" risky" if entry.risky else ""}" data-leaf="{leaf}">',
            f"<h3>{escape(entry.sign)} {escape(entry.op)} {escape(entry.urn)}</h3>",
            f'<p class="tags"><b>{escape(entry.tier)}</b> rule {escape(entry.rule)}{risk}</p>',
            _table(entry.lines) if entry.lines else '<p class="none">Nothing else differs.</p>',
            _same(entry.same),
            "<details><summary>In the bytes</summary>",
            '<pre class="bytes">Not checked.</pre></details>',
            "</article>",
        )
    )


def _file(file: FileChange) -> str:
    lines = "\n".join(map(_source_line, file.lines))
    shown = f"<pre>{lines}</pre>" if lines else ""
    return f'<article class="entry"><h3>source {escape(file.title)}</h3>{shown}</article>'


def _source_line(line: str) -> str:
    name = {"+": "ins", "-": "del"}.get(line[:1])
    return f'<{name} class="line">{escape(line)}</{name}>' if name else escape(line)


def _table(lines: Iterable[Line]) -> str:
    rows = "\n".join(map(_row, lines))
    head = "".join(f'<th scope="col">{name}</th>' for name in ("What", "Before", "After"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _row(line: Line) -> str:
    before, after = escape(line.before or ""), escape(line.after or "")
    match line.change:
        case Change.FACT:
            cells = f'<td colspan="2">{after}</td>'
        case Change.ADDED:
            cells = f"<td></td><td><ins>{after}</ins></td>"
        case Change.REMOVED:
            cells = f'<td><del>{before}</del></td><td><span class="none">removed</span></td>'
        case Change.CHANGED:
            cells = f"<td><del>{before}</del></td><td><ins>{after}</ins></td>"
        case Change.SAME:
            cells = f"<td>{before}</td><td>{after}</td>"
    return f'<tr><th scope="row">{escape(line.name)}</th>{cells}</tr>'


def _same(lines: tuple[Line, ...]) -> str:
    if not lines:
        return ""
    return f"<details><summary>Not changed: {len(lines)} values</summary>{_table(lines)}</details>"
