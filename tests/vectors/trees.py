"""Vectors for the effect root: trees of every small shape, and proofs that prove nothing."""

from __future__ import annotations

from pulumi_mandate.models import ZERO, Digest, Kind, Tier, keccak, to_hex
from pulumi_mandate.plan import merkle

URNS = (
    "urn:pulumi:prod::shop::aws:s3/bucket:Bucket::assets",
    "urn:pulumi:prod::shop::pkg:index:Müller$aws:ec2/instance:Instance::gpu-ß-💡",
    "",
)


def trees() -> list[dict[str, object]]:
    """`[{name, leaves, root, proofs}]`, for one to nine leaves: every shape of a small tree."""
    return [_tree(f"{count} leaves", count) for count in range(1, 10)]


def _tree(name: str, count: int) -> dict[str, object]:
    leaves = [_leaf(index) for index in range(count)]
    digests = [Digest(bytes.fromhex(str(leaf["leaf"])[2:])) for leaf in leaves]
    return {
        "name": name,
        "leaves": leaves,
        "root": to_hex(merkle.root(digests)),
        "proofs": [[to_hex(step) for step in merkle.proof(digests, i)] for i in range(count)],
    }


def _leaf(index: int) -> dict[str, object]:
    kind = Kind(index % len(Kind))
    tier = Tier(1 + index % 5)
    urn = URNS[index % len(URNS)]
    operation = keccak(f"operation {index}".encode())
    return {
        "index": index,
        "kind": int(kind),
        "tier": int(tier),
        "urn": urn,
        "operationDigest": to_hex(operation),
        "leaf": to_hex(merkle.leaf(index, kind, tier, urn, operation)),
    }


def refused() -> dict[str, list[dict[str, object]]]:
    """`{leaves: [{name, reason, leaf, proof, root}], preimages: [{…, preimage, …}]}`.

    Leaves are given by their fields; a preimage is what somebody passes off as an encoded leaf.
    """
    leaves = [_leaf(index) for index in range(5)]
    digests = [Digest(bytes.fromhex(str(leaf["leaf"])[2:])) for leaf in leaves]
    root = merkle.root(digests)
    honest, proof = leaves[2], merkle.proof(digests, 2)
    other = to_hex(keccak(b"other"))
    cases: list[tuple[str, str, dict[str, object], list[Digest]]] = [
        ("another index", "a leaf counts at its own place only", {"index": 3}, proof),
        ("another kind", "a delete is not an update", {"kind": 3}, proof),
        ("another tier", "no leaf is riskier than its plan", {"tier": 1}, proof),
        ("another name", "the resource is bound", {"urn": "urn:other"}, proof),
        ("another operation", "what is done is bound", {"operationDigest": other}, proof),
        ("no proof", "a leaf is not the root", {}, []),
        ("a step too few", "a proof ends at the root", {}, proof[:-1]),
        ("a step too many", "a proof ends at the root", {}, [*proof, ZERO]),
        ("the steps in another order", "each belongs to its height", {}, proof[::-1]),
        ("the proof of another leaf", "siblings differ", {}, merkle.proof(digests, 0)),
        ("the leaf as its own sibling", "it proves itself", {}, [digests[2], *proof[1:]]),
        ("an operation that is the root", "a root is no operation",
         {"operationDigest": to_hex(root)}, []),
    ]  # fmt: skip
    inner = b"".join(sorted((digests[2], digests[3])))
    sibling = _sibling_of_pair(digests)
    preimages = [
        ("an inner node as a leaf", "leaves are hashed twice", inner, sibling),
        ("a leaf of a batch", "a batch has its own tag", _encoded(keccak(b"mandate/batch/v1")), []),
        ("a leaf without its tag", "the tag is the version", _encoded(b""), []),
        ("a leaf of another version", "the tag is the version",
         _encoded(keccak(b"mandate/leaf/v2")), []),
        ("nothing", "nothing is no leaf", b"", []),
    ]  # fmt: skip
    alone = merkle.root(digests[:1])
    return {
        "leaves": [
            _refusal(name, reason, {"leaf": {**honest, **change}}, steps, root)
            for name, reason, change, steps in cases
        ],
        "preimages": [
            _refusal(name, reason, {"preimage": to_hex(data)}, steps, root if steps else alone)
            for name, reason, data, steps in preimages
        ],
    }


def _refusal(
    name: str, reason: str, what: dict[str, object], steps: list[Digest], root: Digest
) -> dict[str, object]:
    what = {key: _fields(value) if key == "leaf" else value for key, value in what.items()}
    proof = [to_hex(step) for step in steps]
    return {"name": name, "reason": reason, **what, "proof": proof, "root": to_hex(root)}


def _fields(leaf: object) -> dict[str, object]:
    """A leaf's own fields: its hash is for the reader to compute."""
    assert isinstance(leaf, dict)
    return {key: value for key, value in leaf.items() if key != "leaf"}


def _sibling_of_pair(digests: list[Digest]) -> list[Digest]:
    """The rest of the proof above the pair of leaves 2 and 3, which share their parent."""
    first, second = merkle.proof(digests, 2), merkle.proof(digests, 3)
    assert first[0] == digests[3]
    assert first[1:] == second[1:]
    return first[1:]


def _encoded(tag: bytes) -> bytes:
    """The first leaf of `trees` as it is encoded, under another tag."""
    leaf = _leaf(0)
    numbers = (leaf["index"], leaf["kind"], leaf["tier"])
    words = [int(str(number)).to_bytes(32, "big") for number in numbers]
    operation = bytes.fromhex(str(leaf["operationDigest"])[2:])
    return b"".join([tag, *words, keccak(str(leaf["urn"]).encode()), operation])
