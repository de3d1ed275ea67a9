"""Writes the vectors that Python and Solidity both read; run it when the protocol gains a case.

    python -m tests.vectors.generate [--check]

The values are fixed, so a second run writes the same bytes, and `--check` says whether it would. A
changed hash in a committed vector is a new protocol version, never a repair.
"""

from __future__ import annotations

import json
import sys
from dataclasses import astuple, fields, replace
from pathlib import Path

from pulumi_mandate.models import (
    NO_CLEARS,
    ZERO,
    Address,
    Digest,
    Domain,
    ExecutionOrder,
    Kind,
    Outcome,
    OutcomeKind,
    Plan,
    Renewal,
    Tier,
    keccak,
    plan_hash,
    signing_digest,
    to_hex,
)
from pulumi_mandate.plan import merkle
from tests.vectors import canonical, documents

HERE = Path(__file__).parent
MAX_SAFE = 2**53 - 1
LOCAL = Domain(31337, Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"))
MAINNET = Domain(1, Address("0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF"))
PROPOSER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
Message = Plan | ExecutionOrder | Renewal | Outcome

ORDINARY = Plan(
    subject=keccak(b"subject"),
    effect_root=keccak(b"effect root"),
    operation_count=3,
    kinds=1 << Kind.CREATE | 1 << Kind.UPDATE,
    program=keccak(b"program"),
    toolchain=keccak(b"toolchain"),
    rules=keccak(b"rules"),
    checks=keccak(b"checks"),
    rollback=keccak(b"rollback"),
    document=keccak(b"document"),
    clears=NO_CLEARS,
    proposer=PROPOSER,
    tier=Tier.MEDIUM,
    not_before=1_800_000_000,
    expires_at=1_800_604_800,
    salt=keccak(b"salt"),
)
SMALLEST = Plan(*[ZERO] * 2, 0, 0, *[ZERO] * 7, Address("0x" + "00" * 20), Tier.NONE, 0, 0, ZERO)
ONES = Digest(b"\xff" * 32)
LARGEST = Plan(
    *[ONES] * 2, 2**32 - 1, 2**32 - 1, *[ONES] * 7, MAINNET.registry, Tier.EMERGENCY,
    MAX_SAFE, MAX_SAFE, ONES,
)  # fmt: skip
PLANS = {
    "ordinary": (LOCAL, ORDINARY),
    "the same plan on another chain": (replace(LOCAL, chain_id=31338), ORDINARY),
    "the same plan in another registry": (replace(LOCAL, registry=PROPOSER), ORDINARY),
    "high tier, every kind, clears an obligation": (
        LOCAL,
        replace(ORDINARY, tier=Tier.HIGH, kinds=255, clears=keccak(b"obligation")),
    ),
    "every field at its smallest": (LOCAL, SMALLEST),
    "every field at its largest": (MAINNET, LARGEST),
    **{
        f"only {field.name} differs": (LOCAL, replace(ORDINARY, **{field.name: keccak(b"other")}))
        for field in fields(Plan)
        if isinstance(getattr(ORDINARY, field.name), bytes)
    },
}
MESSAGES: dict[str, Message] = {
    "order": ExecutionOrder(
        keccak(b"plan"), keccak(b"run"), PROPOSER, 1_800_003_600, 1, 1_800_000_600
    ),
    "renewal": Renewal(keccak(b"run"), 1_800_007_200, 1, 1_800_003_600),
    "completed": Outcome(
        keccak(b"run"), OutcomeKind.COMPLETED, keccak(b"receipts"), keccak(b"state"), 1
    ),
    "failed": Outcome(keccak(b"run"), OutcomeKind.FAILED, ZERO, ZERO, MAX_SAFE),
}
URNS = (
    "urn:pulumi:prod::shop::aws:s3/bucket:Bucket::assets",
    "urn:pulumi:prod::shop::pkg:index:Müller$aws:ec2/instance:Instance::gpu-ß-💡",
    "",
)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def _content(message: Message) -> dict[str, object]:
    values = zip(fields(message), astuple(message), strict=True)
    return {
        _camel(field.name): to_hex(value)
        if isinstance(value, bytes)
        else value
        if isinstance(value, str)
        else int(value)
        for field, value in values
    }


def _domain(domain: Domain) -> dict[str, object]:
    return {"chainId": domain.chain_id, "registry": domain.registry}


def plans() -> list[dict[str, object]]:
    """`[{name, domain, plan, planHash}]`."""
    return [
        {
            "name": name,
            "domain": _domain(domain),
            "plan": _content(plan),
            "planHash": to_hex(plan_hash(domain, plan)),
        }
        for name, (domain, plan) in PLANS.items()
    ]


def messages() -> list[dict[str, object]]:
    """`[{name, type, domain, message, digest}]`: what an executor's key signs."""
    return [
        {
            "name": name,
            "type": type(message).__name__,
            "domain": _domain(LOCAL),
            "message": _content(message),
            "digest": to_hex(signing_digest(LOCAL, message)),
        }
        for name, message in MESSAGES.items()
    ]


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


def contents() -> dict[str, str]:
    """Every vector file's name and exact text."""
    files = {
        "plan_hash": plans(),
        "messages": messages(),
        "merkle": trees(),
        "canonical": canonical.vectors(),
        "commitment": documents.commitments(),
        "document": documents.documents(),
    }
    return {
        f"{name}.json": json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for name, content in files.items()
    }


def main(arguments: list[str]) -> int:
    """Writes every vector file beside this one, or with `--check` compares."""
    stale = 0
    for name, text in contents().items():
        path = HERE / name
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"{name} is not what the generator writes")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
