"""Every refusal of the readers of documents has a vector that runs into it, in both languages."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from pulumi_mandate.console.page import static
from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.plan import assessment, constraint, document, source
from pulumi_mandate.plan.document import Document
from tests.console.node import node
from tests.vectors.documents import DOMAIN

BYTES = [
    case["bytes"].encode()
    for case in json.loads((Path(__file__).parent / "document_refused.json").read_text())
]
ELSEWHERE = {
    "the plan has too many operations": "200,001 of them: tests with a lower limit",
    "the stored texts are not of the schema *": "of the texts beside a document",
    "the text of * is not the one that was digested": "likewise",
}


def _happened(data: bytes) -> str:
    with pytest.raises(InvalidDocument) as caught:
        Document.load(data)
    return caught.value.happened


def messages(path: str, prefix: str = "") -> set[str]:
    """Every text that a reader's source refuses with, `*` for what it fills in."""
    found = set()
    for call in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            if call.func.id == "_require":
                found |= _texts(call.args[1], prefix)
            elif call.func.id == "InvalidDocument":
                found |= _texts(call.args[0], "")
    return found


def _texts(node: ast.expr, prefix: str) -> set[str]:
    if isinstance(node, ast.Constant):
        return {prefix + str(node.value)}
    if isinstance(node, ast.JoinedStr):
        parts = [str(p.value) if isinstance(p, ast.Constant) else "*" for p in node.values]
        return {prefix + "".join(parts)}
    return set()  # a name or a call: its text stands elsewhere


def unheard(said: set[str], heard: set[str]) -> list[str]:
    patterns = {text: re.escape(text).replace(r"\*", ".*") for text in said - set(ELSEWHERE)}
    return sorted(
        text
        for text, pattern in patterns.items()
        if not any(re.fullmatch(pattern, one, re.DOTALL) for one in heard)
    )


def test_every_refusal_of_the_python_reader_has_a_vector() -> None:
    said = (
        messages(document.__file__) | messages(assessment.__file__) | messages(constraint.__file__)
    )
    said |= messages(source.__file__, "the source change ")
    said -= {"the source change *"}  # what adds the beginning to the others

    assert len(said) > 60
    assert set(ELSEWHERE) <= said
    assert unheard(said, {_happened(data) for data in BYTES}) == []


def test_every_refusal_of_the_javascript_reader_has_a_vector() -> None:
    code = static("document.js")
    texts = re.findall(r'(?:require\([^;]*?,\s*|const wrong = )["`]([^"]+?)["`]\)?;', code)
    said = {re.sub(r"\$\{.*?\}", "*", text) for text in texts}
    domain = {"chainId": DOMAIN.chain_id, "registry": DOMAIN.registry}
    with node() as ask:
        heard = {ask("why", data, domain=domain) for data in BYTES}

    assert len(texts) == code.count("require(") - code.count(", wrong);") + 1
    assert len(said) > 50
    assert unheard(said, heard) == []
