"""One set of vectors: Python reads them here, Solidity in `contracts/test/Vectors.t.sol`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from eth_account.messages import encode_typed_data

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import Digest, Domain, Kind, Tier, digest, keccak, plan_hash, to_hex
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
from tests.vectors import generate

HERE = Path(__file__).parent
TYPES = {
    text.partition("(")[0]: text for text in (PLAN_TYPE, ORDER_TYPE, RENEWAL_TYPE, OUTCOME_TYPE)
}


def read(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text())


def named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases])


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


def test_negative_vectors_are_the_majority() -> None:
    cases = read("canonical")

    assert len(cases["negative"]) > len(cases["positive"]) >= 20


@pytest.mark.parametrize("case", read("commitment"), ids=lambda case: case["commitment"][:12])
def test_commitments(case: dict[str, Any]) -> None:
    key = SubjectKey.from_hex(case["key"])

    assert commit(key, case["urn"], case["path"], case["value"])["commitment"] == case["commitment"]
    assert to_hex(key.id) == case["keyId"]


@named(read("document"))
def test_documents(case: dict[str, Any]) -> None:
    document = Document.load(case["bytes"].encode())
    domain = Domain(case["domain"]["chainId"], case["domain"]["registry"])

    assert to_hex(document.digest) == case["digest"]
    assert [to_hex(leaf) for leaf in document.leaves] == case["leaves"]
    assert to_hex(document.effect_root) == case["effectRoot"]
    assert to_hex(plan_hash(domain, document.fields())) == case["planHash"]
