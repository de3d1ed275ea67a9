"""Every kind of value that a program can pass, through the real engine into the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_mandate.plan.document import Document
from tests.engine.checkouts import Checkout
from tests.engine.echo import only, write_echo

pytestmark = pytest.mark.engine

FILES = """
import pathlib
for path in ("site/a.txt", "site/sub/b.txt"):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(path)
"""
PROGRAM = (
    FILES
    + """
file, folder = pulumi.FileAsset("site/a.txt"), pulumi.FileArchive("site")
Thing("assets", {"file": file, "text": pulumi.StringAsset("text"), "folder": folder,
    "nested": pulumi.AssetArchive({"a": file, "b": pulumi.AssetArchive({"c": folder})})})
Thing("numbers", {"v": [2**53, 2**53 + 1, -2**53, -0.0, 1e308, 5e-324, 0.1, 1.0, 3, 10**20]})
Thing("texts", {"v": "\\U0001F600\\u0000\\uffff", "\\U0001F600": "k", "": "e\\u0301"})
deep = "x"
for _ in range(10):
    deep = {"d": [deep]}
Thing("deep", {"v": deep})
Thing("empty", {"s": "", "l": [], "m": {}, "n": None, "ln": [None], "mn": {"a": None},
    "ll": [[]], "f": False, "z": 0})
secret = config.require_secret("password")
Thing("secrets", {"l": ["p", secret, {"k": secret}], "m": {"a": {"b": secret}}, "same": secret,
    "whole": pulumi.Output.secret({"a": [1, secret]}),
    "asset": pulumi.Output.secret(pulumi.StringAsset("hunter2"))})
source = Thing("source", {"outs": True, "hush": True})
outs = source.outs
Thing("unknowns", {"text": outs["text"], "number": outs["number"], "flag": outs["flag"],
    "array": outs["array"], "object": outs["object"], "all": outs, "id": source.id,
    "joined": pulumi.Output.concat("x-", source.arn), "secret": source.token,
    "nested": {"l": ["known", outs["number"]]}})
Thing("unknown-assets", {"file": outs["file"], "archive": outs["archive"]})
Thing("reference", {"v": source})
Thing("marker", {"v": {"mandate:v1": "unknown", "secret": False}})
Thing("hidden", {"plain": "p", "later": "s"}, Opts(additional_secret_outputs=["later"]))
pulumi.export("number", outs["number"])
pulumi.export("secret", secret)
pulumi.export("hidden", pulumi.Output.secret(outs["text"]))
pulumi.export("asset", pulumi.StringAsset("text"))
"""
)
UNKNOWN = {"mandate:v1": "unknown", "secret": False}
SECRET_UNKNOWN = {"mandate:v1": "unknown", "secret": True}


@pytest.fixture(scope="module")
def document(echo_checkout: Callable[[], Checkout]) -> Document:
    return write_echo(echo_checkout(), PROGRAM).init(password="hunter2").document()


def _inputs(document: Document, name: str) -> dict[str, Any]:
    return dict(only(document, name)["after"]["inputs"])


def test_files_and_archives_are_named_by_their_content(document: Document) -> None:
    assets = _inputs(document, "assets")

    assert {name: (asset["archive"], asset["path"]) for name, asset in assets.items()} == {
        "file": (False, None),
        "text": (False, None),
        "folder": (True, None),
        "nested": (True, None),
    }
    assert len({asset["hash"] for asset in assets.values()}) == 4


def test_numbers_are_the_doubles_of_the_wire(document: Document) -> None:
    stored = Document.load(document.data)

    assert _inputs(stored, "numbers")["v"] == [
        *(2**53, 2**53, -(2**53), 0, 1e308, 5e-324, 0.1, 1, 3, 1e20)
    ]
    assert b'"v":[9007199254740992,9007199254740992,-9007199254740992,0,1e+308' in document.data


def test_texts_are_kept_as_they_are(document: Document) -> None:
    assert _inputs(document, "texts") == {
        "v": "\U0001f600\u0000\uffff",
        "\U0001f600": "k",
        "": "e\u0301",
    }


def test_nothing_and_empty_are_told_apart(document: Document) -> None:
    assert _inputs(document, "empty") == {
        "s": "", "l": [], "m": {}, "ln": [None], "mn": {"a": None}, "ll": [[]], "f": False, "z": 0,
    }  # fmt: skip


def test_ten_deep_is_not_too_deep(document: Document) -> None:
    value, depth = _inputs(document, "deep")["v"], 0
    while isinstance(value, dict):
        value, depth = value["d"][0], depth + 1

    assert (value, depth) == ("x", 10)


def test_secrets_are_commitments_wherever_they_stand(document: Document) -> None:
    secrets = _inputs(document, "secrets")
    marked = [
        secrets["l"][1],
        secrets["l"][2]["k"],
        secrets["m"]["a"]["b"],
        *(secrets[name] for name in ("same", "whole", "asset")),
    ]

    assert [value["mandate:v1"] for value in marked] == ["secret"] * 6
    # One domain per property: equal secrets do not look equal.
    assert len({value["commitment"] for value in marked}) == 6
    assert secrets["l"][0] == "p"
    assert b"hunter2" not in document.data


def test_unknowns_of_every_type_are_one_marker(document: Document) -> None:
    unknowns = _inputs(document, "unknowns")

    assert unknowns.pop("secret") == SECRET_UNKNOWN
    assert unknowns.pop("nested") == {"l": ["known", UNKNOWN]}
    assert set(unknowns) == {
        *("text", "number", "flag", "array", "object", "all", "id", "joined"),
    }
    assert all(value == UNKNOWN for value in unknowns.values())
    assert _inputs(document, "unknown-assets") == {"file": UNKNOWN, "archive": UNKNOWN}


def test_each_unknown_names_its_place_and_its_source(document: Document) -> None:
    urn = only(document, "source")["urn"]
    listed = [
        entry for entry in document.content["unknowns"] if entry["urn"].endswith("::unknowns")
    ]

    assert len(listed) == 10
    assert all(entry["from"] == [urn] for entry in listed)
    assert ["inputs", "nested", "l", "1"] in [entry["path"] for entry in listed]


def test_a_reference_to_what_is_not_there_yet_has_an_unknown_id(document: Document) -> None:
    assert _inputs(document, "reference")["v"] == {
        "mandate:v1": "reference",
        "urn": only(document, "source")["urn"],
        "id": UNKNOWN,
    }


def test_a_typed_marker_is_escaped(document: Document) -> None:
    assert _inputs(document, "marker")["v"] == {
        "mandate:v1": "escaped",
        "entries": [["mandate:v1", "unknown"], ["secret", False]],
    }


def test_outputs_of_the_stack_are_shown_or_committed_to(document: Document) -> None:
    outputs = only(document, "fixture-dev")["after"]["outputs"]

    assert outputs["number"] == UNKNOWN
    assert outputs["hidden"] == SECRET_UNKNOWN
    assert outputs["secret"]["mandate:v1"] == "secret"
    assert outputs["asset"]["mandate:v1"] == "asset"


def test_another_byte_in_a_file_or_a_secret_is_another_effect(
    document: Document, echo_checkout: Callable[[], Checkout]
) -> None:
    checkout = write_echo(echo_checkout(), PROGRAM).init(password="hunter2")
    again = checkout.document()
    roots = {document.effect_root}
    for edited in (
        PROGRAM.replace("write_text(path)", "write_text(path + '!')"),
        PROGRAM.replace('StringAsset("hunter2")', 'StringAsset("hunter3")'),
        PROGRAM.replace('additional_secret_outputs=["later"]', ""),
    ):
        roots.add(write_echo(checkout, edited).document().effect_root)

    assert again.effect_root == document.effect_root
    assert len(roots) == 4
