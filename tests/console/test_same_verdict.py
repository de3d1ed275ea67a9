"""A document is changed in one place at a time: Python and JavaScript both accept it, or neither.

Every place of two documents that hold something of everything, with every change that its type has.
What seals a document (roots and digests) is computed again, so that the changed place itself is
what a reader must notice; where people read what follows from the operations, both the old text and
the one that follows are tried.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import keccak, plan_hash, to_hex
from pulumi_mandate.plan import merkle, summary
from pulumi_mandate.plan.canonical import canonical_bytes
from pulumi_mandate.plan.document import Document, leaves
from pulumi_mandate.plan.program import listing_digest
from tests.console.node import Ask
from tests.gate.cases import document, operation, urn
from tests.vectors.documents import DOMAIN
from tests.vectors.whole import first, much

DECISIVE = {"op", "id", "type", "before", "options", "propertyDependencies"}
"""What decides whether a step can be undone."""
Place = tuple[Any, ...]

VALUES = [None, True, 0, 2, 3, 32, -1, 1.5, 1e300, "", "0x" + "33" * 32, "a", [], {}, ["a", "b"],
          [0] * 32, {"a": None}, {"mandate:v1": "unknown", "secret": False},
          {"mandate:v1": "anything"}]  # fmt: skip
TEXTS = ["{}x", "x{}", "{}\n", "{}\u2028", "{}\u00e9", "{}\u200b", "{}\U0001f600", "{}\U000e0001"]
STRANGE = ("more", "__proto__", "constructor", "mandate:v1")


def one_way() -> Document:
    """What is not undone, for every reason that there is beside what goes."""
    sources = {"before": {"text": [urn("b")]}, "after": {}}
    lasting = "pulumi-python:dynamic/mandate:EvmCall"
    options = {"parent": "urn:stack"}
    operations = [
        operation("a", options={"before": None, "after": options | {"protect": True}}),
        operation("b", "update", before={"inputs": {"text": "old"}, "urn": urn("z")},
                  propertyDependencies={"before": {"text": [urn("y")]}, "after": {}}),
        operation("c", "update", propertyDependencies=sources),
        operation("g", urn=urn("g", lasting), type=lasting),
        operation("h", "read", id=None, before={"inputs": {}, "id": "h"},
                  dependencies={"before": [], "after": []},
                  propertyDependencies={"before": {}, "after": {}},
                  options={"before": {"external": True}, "after": {"external": True}}),
        operation("y", "delete", id=None),
    ]  # fmt: skip
    return document(*operations)


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            yield (*place, key)
            yield from places(item, (*place, key))


def others(value: Any) -> Iterator[Any]:
    """Everything that may stand here instead."""
    yield from VALUES
    if isinstance(value, str):
        yield from (text.format(value) for text in TEXTS)
        yield from (value.upper(), value[:-1], value * 501, [value])
    elif isinstance(value, bool) or value is None:
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, value - 1, value + 0.5, -value, 2.0**53, str(value))
    elif isinstance(value, list):
        yield from (value[::-1], value[:-1], value[1:], [*value, *value])
        yield from ([*value, item] for item in VALUES)
    else:
        yield from ({**value, key: None} for key in STRANGE)
        for key in value:
            yield {name: item for name, item in value.items() if name != key}
            yield {(name + "x" if name == key else name): item for name, item in value.items()}


def changed(content: dict[str, Any], place: Place, value: Any) -> Iterator[bytes]:
    """The changed document, sealed again; once as it is, once with what follows from it."""
    content = copy.deepcopy(content)
    target: Any = content
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    seals = (KeyError, TypeError, ValueError, AttributeError, OverflowError, InvalidDocument)
    if place != ("effectRoot",):
        with suppress(*seals):
            content["effectRoot"] = to_hex(merkle.root(leaves(content["operations"])))
    if place[:2] == ("program", "files"):
        with suppress(*seals):
            content["program"]["digest"] = to_hex(listing_digest(content["program"]["files"]))
    yield canonical_bytes(content)
    if place[0] == "operations":
        with suppress(*seals, IndexError):
            found = summary.unknowns(content["operations"])
            content["unknowns"] = found
            content["rollback"] = summary.rollback(content["operations"])
            yield canonical_bytes(content)


def ours(data: bytes) -> Any:
    """The plan hash, or the class of the refusal. Whatever else is raised is a defect."""
    try:
        return to_hex(plan_hash(DOMAIN, Document.load(data).fields()))
    except InvalidDocument:
        return InvalidDocument


@pytest.mark.parametrize("make", [much, first, one_way])
def test_both_give_the_same_verdict(ask: Ask, make: Any) -> None:
    honest = make().content
    domain = {"chainId": DOMAIN.chain_id, "registry": DOMAIN.registry}
    whole = canonical_bytes(honest)
    assert ask("verify", whole, domain=domain) == ours(whole) != InvalidDocument

    seen: set[bytes] = set()
    accepted, differ = 0, []
    everywhere = make is not one_way
    for place in places(honest):
        if not everywhere and not (place[0] == "operations" and set(place) & DECISIVE):
            continue
        target: Any = honest
        for step in place:
            target = target[step]
        for value in others(target):
            for data in changed(honest, place, value):
                digest = keccak(data)
                if digest in seen:
                    continue
                seen.add(digest)
                mine = ours(data)
                accepted += mine is not InvalidDocument
                if ask("verify", data, domain=domain) != mine:
                    differ.append((place, value, mine))

    assert differ == []
    assert len(seen) > 2000
    assert accepted > 100
