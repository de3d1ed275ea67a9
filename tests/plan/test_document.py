"""What is a document, and what only looks like one."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import Domain, Kind, Tier, keccak, plan_hash, subject_hash, to_hex
from pulumi_mandate.plan import merkle
from pulumi_mandate.plan.canonical import Limits, canonical_bytes
from pulumi_mandate.plan.document import Document, leaves, part_digest
from tests.plan.samples import build, facts, recorded


@pytest.fixture
def document() -> Document:
    return build(recorded())


def resealed(content: dict[str, Any]) -> Document:
    """A forger's document: the effect root recomputed, so that only the rule itself can refuse."""
    with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError, AttributeError):
        content["effectRoot"] = to_hex(merkle.root(leaves(content["operations"])))
    return Document.load(canonical_bytes(content))


def test_the_fields_of_the_plan_hash_follow_from_the_content(document: Document) -> None:
    fields, content = document.fields(), document.content

    assert fields.subject == subject_hash(facts().subject)
    assert fields.effect_root == document.effect_root == merkle.root(document.leaves)
    assert fields.document == document.digest == keccak(document.data)
    assert fields.operation_count == 11
    kinds = (Kind.CREATE, Kind.UPDATE, Kind.REPLACE, Kind.DELETE, Kind.METADATA)
    assert fields.kinds == sum(1 << kind for kind in kinds)
    assert fields.toolchain == facts().toolchain.digest == part_digest(content["toolchain"])
    assert fields.checks == keccak(b"[]")
    assert fields.cost == 2**53 - 1, "nothing measured it"
    assert fields.tier == Tier.HIGH
    assert (fields.not_before, fields.expires_at) == (1_800_000_000, 1_800_604_800)


def test_the_plan_hash_is_bound_to_chain_and_registry(document: Document) -> None:
    plan = document.fields()
    domains = [Domain(1, plan.proposer), Domain(2, plan.proposer), Domain(1, "0x" + "11" * 20)]  # type: ignore[arg-type]

    assert len({plan_hash(domain, plan) for domain in domains}) == 3


def test_every_operation_is_proved_to_belong_to_the_plan(document: Document) -> None:
    for index, leaf in enumerate(document.leaves):
        proof = merkle.proof(document.leaves, index)

        assert merkle.verify(leaf, proof, document.effect_root)


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *places, key, value = path

    def apply(content: dict[str, Any]) -> None:
        target: Any = content
        for place in places:
            target = target[place]
        target[key] = value

    return apply


FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another schema": _set("schema", "mandate/plan/v2"),
    "another kind": _set("kind", "rename"),
    "a destroy that makes something": _set("kind", "destroy"),
    "a missing part": lambda content: content.pop("checks"),
    "an unknown part": _set("note", "please"),
    "no operations": _set("operations", []),
    "operations that are no list": _set("operations", {}),
    "an operation that is no object": _set("operations", [1]),
    "an unknown step": _set("operations", 0, "op", "teleport"),
    "another kind of operation": _set("operations", 0, "kind", int(Kind.READ)),
    "a kind that is a boolean": _set("operations", 0, "kind", True),
    "a tier that is not known": _set("operations", 0, "tier", 9),
    "an operation's unknown part": _set("operations", 0, "hidden", 1),
    "an operation without a part": lambda content: content["operations"][0].pop("options"),
    "an id that is a number": _set("operations", 0, "id", 7),
    "a urn that is a number": _set("operations", 0, "urn", 7),
    "operations out of order": lambda content: content["operations"].reverse(),
    "an operation twice": lambda content: content["operations"].insert(0, content["operations"][0]),
    "a lower tier": _set("tier", "tier", 2),
    "a tier without its rule": _set("tier", {"tier": 3}),
    "a subject with a fifth name": _set("subject", "more", "x"),
    "a subject without a stack": _set("subject", "stack", ""),
    "a window that ends before it begins": _set("window", {"notBefore": 5, "expiresAt": 5}),
    "a window before the epoch": _set("window", {"notBefore": -1, "expiresAt": 5}),
    "a window in text": _set("window", {"notBefore": "1", "expiresAt": "5"}),
    "a short salt": _set("salt", "0x00"),
    "rules that are no digest": _set("rules", None),
    "a program without digest": _set("program", {}),
    "a base that is no digest": _set("base", "0x1234"),
    "a proposer that is no address": _set("proposer", "ana"),
    "checks that are no list": _set("checks", {}),
    "a toolchain that is no object": _set("toolchain", []),
    "no base at tier high": _set("base", None),
    "the tier of a rule that did not decide": _set("tier", "rule", "our-resources"),
    "a rule that is a sentence": _set("operations", 0, "rule", "all is well"),
    "an unknown left out": lambda content: content["unknowns"].pop(),
    "an unknown that waits for another": _set("unknowns", 0, "from", ["urn:other"]),
    "a loss left out": lambda content: content["rollback"]["irreversible"].pop(),
    "a loss in other words": _set("rollback", "irreversible", 0, "reason", "harmless"),
    "an inverse": _set("rollback", "inverse", None),
    "an operation on nothing": lambda content: content["operations"][0].update(
        dict.fromkeys(("before", "after"))
    ),
    "a side without inputs": _set("operations", 0, "after", {}),
    "a former name that is null": _set("operations", 0, "before", "urn", None),
    "options of a resource that is not there": lambda content: next(
        one for one in content["operations"] if one["op"] == "create"
    )["options"].update(before={}),
    "options that are no object": _set("operations", 0, "options", "after", "protect"),
    "no dependencies of a resource that is there": _set(
        "operations", 0, "dependencies", "after", None
    ),
    "a check": _set("checks", [{"name": "reviewed"}]),
    "a source change of another form": _set("source", {"files": 0}),
    "a program of other files": _set("program", "files", 0, 2, "00" * 32),
    "a program without its files": lambda content: content["program"].pop("files"),
    "a program's files out of form": _set("program", "files", [["__main__.py"]]),
    "a commit that is no text": _set("program", "commit", 7),
    "a past that is no object": _set("operations", 0, "before", []),
    "options without sides": _set("operations", 0, "options", {}),
    "dependencies that are no list": _set("operations", 0, "dependencies", "after", "urn"),
    "dependencies without sides": _set("operations", 0, "dependencies", []),
    "sources that are no lists": _set(
        "operations", 0, "propertyDependencies", "after", {"a": "urn"}
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_document_is_refused(document: Document, name: str) -> None:
    content = copy.deepcopy(document.content)
    assert resealed(copy.deepcopy(content)).data == document.data
    FORGERIES[name](content)

    with pytest.raises(InvalidDocument):
        resealed(content)


def test_a_base_is_needed_at_tier_high_and_may_be_named_below() -> None:
    content = copy.deepcopy(build(recorded()).content)
    with pytest.raises(InvalidDocument, match="names its base"):
        resealed(copy.deepcopy(content | {"base": None}))
    for operation in content["operations"]:
        operation["tier"] = 2
    content["tier"] = {"tier": 2, "rule": content["operations"][0]["rule"], "reasons": {}}

    for base in (None, content["base"]):
        assert resealed(copy.deepcopy(content | {"base": base})).tier == Tier.MEDIUM


MARKERS: list[dict[str, Any]] = [
    {"mandate:v1": "auto-name", "prefix": ""},
    {"mandate:v1": "anything"},
    {"mandate:v1": 1},
    {"mandate:v1": ["unknown"]},
    {"mandate:v1": "unknown"},
    {"mandate:v1": "unknown", "secret": 0},
    {"mandate:v1": "unknown", "secret": False, "more": 1},
    {"mandate:v1": "secret", "commitment": None},
    {"mandate:v1": "asset", "archive": False, "hash": "1", "path": None},
    {"mandate:v1": "reference", "urn": "u", "id": 1},
    {"mandate:v1": "escaped", "entries": {}},
    {"mandate:v1": "escaped", "entries": [["a", 1]]},
    {"mandate:v1": "escaped", "entries": [["mandate:v1", 1], ["a", 1]]},
    {"mandate:v1": "escaped", "entries": [["mandate:v1", {"mandate:v1": "auto-name"}]]},
]


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize(
    "place",
    [("after", "inputs"), ("before", "inputs"), ("options", "after"), ("provider", "before")],
)
def test_a_marker_that_is_not_known_or_not_whole_is_refused(
    marker: dict[str, Any], place: tuple[str, ...]
) -> None:
    content = copy.deepcopy(build(recorded()).content)
    operation = next(
        one for one in content["operations"] if one["before"] and one["after"] and one["provider"]
    )
    for part in place[:-1]:
        operation = operation[part]
    operation[place[-1]] = {"deep": [marker]}

    with pytest.raises(InvalidDocument, match="a marker that is not"):
        resealed(content)


def test_a_marker_in_the_configuration_is_whole_too() -> None:
    content = copy.deepcopy(build(recorded()).content)
    content["config"]["p:name"] = MARKERS[0]

    with pytest.raises(InvalidDocument, match="configuration holds a marker"):
        resealed(content)


def test_an_effect_root_that_does_not_follow_is_refused(document: Document) -> None:
    content = copy.deepcopy(document.content)
    content["operations"][0]["after"]["inputs"]["label"] = "other"

    with pytest.raises(InvalidDocument, match="effect root does not follow"):
        Document.load(canonical_bytes(content))


def test_bytes_that_are_not_canonical_are_refused(document: Document) -> None:
    with pytest.raises(InvalidDocument, match="canonical form"):
        Document.load(document.data + b"\n")


def test_too_many_operations_are_refused(document: Document) -> None:
    with pytest.raises(InvalidDocument, match="too many operations"):
        Document.load(document.data, Limits(operations=10))


@pytest.mark.parametrize("data", [b"[]", b"null", b"{}", b'"x"'])
def test_other_json_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidDocument):
        Document.load(data)
