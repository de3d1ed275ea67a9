"""The tree that OpenZeppelin's MerkleProof verifies."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from pulumi_mandate.models import Digest, Kind, Tier, keccak
from pulumi_mandate.plan import merkle

LEAVES = [keccak(bytes([number])) for number in range(9)]


def test_a_leaf_is_the_double_hash_of_its_abi_encoding() -> None:
    urn, operation = "urn:pulumi:dev::p::t::é", keccak(b"op")
    types = ["bytes32", "uint256", "uint8", "uint8", "bytes32", "bytes32"]
    values = [merkle.LEAF_V1, 7, Kind.DELETE, Tier.HIGH, keccak(urn.encode()), operation]

    expected = keccak(keccak(encode(types, values)))

    assert expected == merkle.leaf(7, Kind.DELETE, Tier.HIGH, urn, operation)


@pytest.mark.parametrize("count", range(1, 10))
def test_every_leaf_is_proved_and_no_other(count: int) -> None:
    leaves = LEAVES[:count]
    root = merkle.root(leaves)
    for index, leaf in enumerate(leaves):
        proof = merkle.proof(leaves, index)

        assert merkle.verify(leaf, proof, root)
        assert not merkle.verify(keccak(b"another"), proof, root)
        if proof:
            assert not merkle.verify(leaf, proof[:-1], root)


def test_the_root_depends_on_order_only_through_the_leaves() -> None:
    # Pairs are commutative, which is why the index is inside the leaf.
    assert merkle.root(LEAVES[:2]) == merkle.root(LEAVES[:2][::-1])
    assert merkle.root(LEAVES[:3]) != merkle.root([LEAVES[2], LEAVES[0], LEAVES[1]])


def test_an_empty_tree_has_no_root() -> None:
    with pytest.raises(ValueError, match="at least one leaf"):
        merkle.root([])


@pytest.mark.parametrize("index", [-1, 3])
def test_a_leaf_that_is_not_there_has_no_proof(index: int) -> None:
    with pytest.raises(IndexError):
        merkle.proof(LEAVES[:3], index)


def test_an_inner_node_is_no_leaf() -> None:
    inner = Digest(merkle.root(LEAVES[:2]))

    assert merkle.verify(inner, [], inner)
    assert inner not in LEAVES
