"""The effect root: one hash over all operations, and short proofs for each.

The tree has the shape of OpenZeppelin's `SimpleMerkleTree` without sorted leaves (a complete binary
tree in one array), and its pairs are hashed commutatively, so `MerkleProof.verify` accepts the
proofs. Leaves are hashed twice over 192 bytes, nodes once over 64: no node can pass for a leaf.
"""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_mandate.models import Digest, Kind, Tier, keccak

LEAF_V1 = keccak(b"mandate/leaf/v1")


def leaf(index: int, kind: Kind, tier: Tier, urn: str, operation_digest: Digest) -> Digest:
    """`keccak256(keccak256(abi.encode(LEAF_V1, index, kind, tier, keccak256(urn), operation)))`.

    Index and tier are inside, so that no leaf counts twice and none is riskier than its plan.
    """
    packed = b"".join(
        (
            LEAF_V1,
            index.to_bytes(32, "big"),
            int(kind).to_bytes(32, "big"),
            int(tier).to_bytes(32, "big"),
            keccak(urn.encode()),
            operation_digest,
        )
    )
    return keccak(keccak(packed))


def root(leaves: Sequence[Digest]) -> Digest:
    """The root of at least one leaf. Raises `ValueError` for none: an empty plan has no root."""
    return _tree(leaves)[0]


def proof(leaves: Sequence[Digest], index: int) -> list[Digest]:
    """The siblings from leaf `index` up to the root. Raises `IndexError` for a missing leaf."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} of {len(leaves)}")
    tree = _tree(leaves)
    position = len(tree) - 1 - index
    siblings = []
    while position > 0:
        siblings.append(tree[position - 1 if position % 2 == 0 else position + 1])
        position = (position - 1) // 2
    return siblings


def verify(leaf_digest: Digest, siblings: Sequence[Digest], expected: Digest) -> bool:
    """Whether the proof leads from the leaf to the root, exactly as OpenZeppelin computes it."""
    current = leaf_digest
    for sibling in siblings:
        current = _pair(current, sibling)
    return current == expected


def _tree(leaves: Sequence[Digest]) -> list[Digest]:
    count = len(leaves)
    if count == 0:
        raise ValueError("a tree needs at least one leaf")
    tree: list[Digest] = [Digest(b"")] * (count - 1) + list(reversed(leaves))
    for position in range(count - 2, -1, -1):
        tree[position] = _pair(tree[2 * position + 1], tree[2 * position + 2])
    return tree


def _pair(left: Digest, right: Digest) -> Digest:
    return keccak(left + right if left < right else right + left)
