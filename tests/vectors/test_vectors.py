"""One set of vectors: Python reads them here, Solidity in `contracts/test/Vectors.t.sol`, and
JavaScript in `tests/console/vectors.test.mjs`.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from eth_abi.exceptions import EncodingError
from eth_account.messages import encode_typed_data

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import (
    Digest,
    Domain,
    Kind,
    Plan,
    Tier,
    digest,
    keccak,
    plan_hash,
    to_hex,
)
from pulumi_mandate.models._typed_data import (
    NAME,
    ORDER_TYPE,
    OUTCOME_TYPE,
    PLAN_TYPE,
    RENEWAL_TYPE,
    VERSION,
)
from pulumi_mandate.plan import merkle
from pulumi_mandate.plan.canonical import canonical_bytes, parse
from pulumi_mandate.plan.commitment import SubjectKey, commit
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.markers import malformed
from tests.vectors import constants, generate

HERE = Path(__file__).parent
TYPES = {
    text.partition("(")[0]: text for text in (PLAN_TYPE, ORDER_TYPE, RENEWAL_TYPE, OUTCOME_TYPE)
}


def read(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text())


def named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases])


def domain_of(case: dict[str, Any]) -> Domain:
    return Domain(case["domain"]["chainId"], case["domain"]["registry"])


def plan_from(content: dict[str, Any]) -> Plan:
    """A plan's fields as they stand in JSON, checked by nobody yet."""
    named = {re.sub(r"([A-Z])", r"_\1", key).lower(): value for key, value in content.items()}
    return Plan(
        **{
            key: bytes.fromhex(value[2:])
            if isinstance(value, str) and value.startswith("0x") and key != "proposer"
            else value
            for key, value in named.items()
        }
    )


def leaf_of(leaf: dict[str, Any]) -> Digest:
    kind, tier = Kind(leaf["kind"]), Tier(leaf["tier"])
    return merkle.leaf(leaf["index"], kind, tier, leaf["urn"], digest(leaf["operationDigest"]))


def steps(case: dict[str, Any]) -> list[Digest]:
    return [digest(step) for step in case["proof"]]


def typed_data_hash(name: str, domain: dict[str, Any], message: dict[str, Any]) -> str:
    """The hash as eth_account computes it, from the type string and nothing of ours."""
    members = [member.split(" ") for member in TYPES[name].partition("(")[2].rstrip(")").split(",")]
    types = {name: [{"type": kind, "name": member} for kind, member in members]}
    whole = {"name": NAME, "version": VERSION, "chainId": domain["chainId"],
             "verifyingContract": domain["registry"]}  # fmt: skip
    signable = encode_typed_data(whole, types, message)
    return to_hex(keccak(b"\x19\x01" + signable.header + signable.body))


def test_the_committed_files_are_what_the_generator_writes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert generate.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_changed_file_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(generate, "HERE", tmp_path)
    monkeypatch.setattr(constants, "VERIFIER", tmp_path / "constants.js")
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "merkle.json").write_text("[]")
    assert generate.main(["--check"]) == 1


@named(read("plan_hash"))
def test_plan_hashes_agree_with_eth_account(case: dict[str, Any]) -> None:
    assert typed_data_hash("Plan", case["domain"], case["plan"]) == case["planHash"]


@named(read("messages"))
def test_message_digests_agree_with_eth_account(case: dict[str, Any]) -> None:
    assert typed_data_hash(case["type"], case["domain"], case["message"]) == case["digest"]


@named(read("merkle"))
def test_trees(case: dict[str, Any]) -> None:
    leaves = []
    for entry in case["leaves"]:
        operation = digest(entry["operationDigest"])
        kind, tier = Kind(entry["kind"]), Tier(entry["tier"])
        leaf = merkle.leaf(entry["index"], kind, tier, entry["urn"], operation)
        assert to_hex(leaf) == entry["leaf"]
        leaves.append(leaf)

    root = merkle.root(leaves)
    assert to_hex(root) == case["root"]
    for leaf, proof in zip(leaves, case["proofs"], strict=True):
        siblings = [digest(step) for step in proof]
        assert merkle.verify(leaf, siblings, root)
        assert not merkle.verify(Digest(keccak(leaf)), siblings, root)


@named(read("canonical")["positive"])
def test_canonical_bytes_come_back(case: dict[str, Any]) -> None:
    data = case["canonical"].encode()
    value = parse(data)

    assert canonical_bytes(value) == data == rfc8785.dumps(value)
    assert to_hex(keccak(data)) == case["keccak"]


@named(read("canonical")["negative"])
def test_other_bytes_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        parse(bytes.fromhex(case["bytes"][2:]))


@named(read("markers")["positive"])
def test_whole_markers(case: dict[str, Any]) -> None:
    assert not malformed(case["value"])


@named(read("markers")["negative"])
def test_forged_markers_are_refused(case: dict[str, Any]) -> None:
    assert malformed(case["value"])


@named(read("plan_claims"))
def test_a_hash_of_something_else_is_not_the_plans(case: dict[str, Any]) -> None:
    assert to_hex(plan_hash(domain_of(case), plan_from(case["plan"]))) != case["claimed"]


@named(read("plan_refused"))
def test_a_plan_that_does_not_fit_has_no_hash(case: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, EncodingError)):
        plan_hash(domain_of(case), plan_from(case["plan"]))


@named(read("merkle_refused")["leaves"])
def test_a_leaf_that_is_not_in_the_tree(case: dict[str, Any]) -> None:
    assert not merkle.verify(leaf_of(case["leaf"]), steps(case), digest(case["root"]))


@named(read("merkle_refused")["preimages"])
def test_bytes_that_are_passed_off_as_a_leaf(case: dict[str, Any]) -> None:
    once = keccak(bytes.fromhex(case["preimage"][2:]))

    assert not merkle.verify(keccak(once), steps(case), digest(case["root"]))


def test_hashing_once_would_let_an_inner_node_pass() -> None:
    case = next(c for c in read("merkle_refused")["preimages"] if "inner" in c["name"])
    once = keccak(bytes.fromhex(case["preimage"][2:]))

    assert merkle.verify(once, steps(case), digest(case["root"]))


@named(read("document_refused"))
def test_what_is_no_document(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        Document.load(case["bytes"].encode())


def test_there_are_enough_vectors_each_with_its_name_and_most_of_them_negative() -> None:
    negative = [
        case
        for name, *part in (
            ("canonical", "negative"),
            ("markers", "negative"),
            ("merkle_refused", "leaves"),
            ("merkle_refused", "preimages"),
            ("plan_claims",),
            ("plan_refused",),
            ("document_refused",),
        )
        for case in (read(name)[part[0]] if part else read(name))
    ]
    positive = [
        case
        for name in ("canonical", "markers", "merkle", "plan_hash", "messages", "document")
        for case in (read(name)["positive"] if name in ("canonical", "markers") else read(name))
    ]

    assert len(positive) + len(negative) >= 60
    assert len(negative) > 2 * len(positive)
    assert all(case["name"] and case["reason"] for case in negative)
    for name in ("plan_hash", "plan_claims", "plan_refused", "document", "document_refused"):
        names = [case["name"] for case in read(name)]
        assert len(set(names)) == len(names)


def test_every_field_of_the_plan_changes_its_hash() -> None:
    hashes = [case["planHash"] for case in read("plan_hash")]

    assert len(set(hashes)) == len(hashes) == 6 + len(fields(Plan))


@pytest.mark.parametrize("case", read("commitment"), ids=lambda case: case["commitment"][:12])
def test_commitments(case: dict[str, Any]) -> None:
    key = SubjectKey.from_hex(case["key"])

    assert commit(key, case["urn"], case["path"], case["value"])["commitment"] == case["commitment"]
    assert to_hex(key.id) == case["keyId"]


@named(read("document"))
def test_documents(case: dict[str, Any]) -> None:
    document = Document.load(case["bytes"].encode())

    assert to_hex(document.digest) == case["digest"]
    for operation, leaf, found in zip(
        document.operations, case["leaves"], document.leaves, strict=True
    ):
        data = leaf["operation"].encode()
        assert canonical_bytes(operation) == data
        assert leaf_of({**leaf, "operationDigest": to_hex(keccak(data))}) == found
        assert to_hex(found) == leaf["leaf"]
        assert merkle.verify(found, steps(leaf), document.effect_root)
    assert to_hex(document.effect_root) == case["effectRoot"]
    assert document.fields() == plan_from(case["plan"])
    assert to_hex(plan_hash(domain_of(case), document.fields())) == case["planHash"]
