"""Vectors for EIP-712: plan hashes, the executor's messages, and what must not be hashed at all."""

from __future__ import annotations

import re
from dataclasses import astuple, fields, replace

from eth_abi.abi import encode

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
from pulumi_mandate.models._typed_data import PLAN_TYPE, domain_separator, struct_hash

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
    cost=1250,
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
SMALLEST = Plan(*[ZERO] * 2, 0, 0, 0, *[ZERO] * 7, Address("0x" + "00" * 20), Tier.NONE, 0, 0, ZERO)
ONES = Digest(b"\xff" * 32)
LARGEST = Plan(
    *[ONES] * 2, 2**32 - 1, 2**32 - 1, MAX_SAFE, *[ONES] * 7, MAINNET.registry, Tier.EMERGENCY,
    MAX_SAFE, MAX_SAFE, ONES,
)  # fmt: skip
OTHER = {
    "operation_count": 4,
    "kinds": 1 << Kind.CREATE,
    "cost": 1251,
    "proposer": MAINNET.registry,
    "tier": Tier.LOW,
    "not_before": ORDINARY.not_before + 1,
    "expires_at": ORDINARY.expires_at - 1,
}
CHANGED = {
    field.name: replace(ORDINARY, **{field.name: OTHER.get(field.name, keccak(b"other"))})
    for field in fields(Plan)
}
"""The ordinary plan with one field changed, by the field's name."""

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
    **{f"only {name} differs": (LOCAL, plan) for name, plan in CHANGED.items()},
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


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def content_of(message: Message) -> dict[str, object]:
    """A message as JSON: digests in hexadecimal, names as they are in the type string."""
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
            "plan": content_of(plan),
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
            "message": content_of(message),
            "digest": to_hex(signing_digest(LOCAL, message)),
        }
        for name, message in MESSAGES.items()
    ]


def claims() -> list[dict[str, object]]:
    """`[{name, reason, domain, plan, claimed}]`: hashes of something else."""
    hashed = plan_hash(LOCAL, ORDINARY)
    struct = struct_hash(ORDINARY)
    swapped = replace(ORDINARY, effect_root=ORDINARY.document, document=ORDINARY.effect_root)
    cases = [
        ("another chain", "a mandate of one chain is worth nothing on another",
         plan_hash(replace(LOCAL, chain_id=1), ORDINARY), ORDINARY),
        ("another registry", "a mandate in one registry is worth nothing in another",
         plan_hash(replace(LOCAL, registry=PROPOSER), ORDINARY), ORDINARY),
        ("the struct hash", "it is bound to no chain and no registry", struct, ORDINARY),
        ("no 0x1901", "the prefix keeps it apart from transactions",
         keccak(domain_separator(LOCAL) + struct), ORDINARY),
        ("another prefix", "0x1945 is the prefix of personal messages",
         keccak(b"\x19E" + domain_separator(LOCAL) + struct), ORDINARY),
        ("document for effect root", "two digests do not stand for each other", hashed, swapped),
        *((f"changed {name}", "every field is bound", hashed, plan)
          for name, plan in CHANGED.items()),
    ]  # fmt: skip
    return [
        {
            "name": name,
            "reason": reason,
            "domain": _domain(LOCAL),
            "plan": content_of(plan),
            "claimed": to_hex(claimed),
        }
        for name, reason, claimed, plan in cases
    ]


def refused() -> list[dict[str, object]]:
    """`[{name, reason, domain, plan, encoded}]`: plans that have no hash.

    `encoded` is the naive ABI encoding, for the chain to refuse; `0x` where there is none.
    """
    ordinary = content_of(ORDINARY)
    wrong: list[tuple[str, str, str, object]] = [
        ("a digest of 31 bytes", "libraries pad it in silence", "subject", "0x" + "11" * 31),
        ("a digest of 33 bytes", "libraries cut it in silence", "effectRoot", "0x" + "11" * 33),
        ("an empty digest", "libraries pad it in silence", "program", "0x"),
        ("a digest without 0x", "text is not bytes", "toolchain", "11" * 32),
        ("a digest in words", "libraries pad it in silence", "rules", "hello"),
        ("a digest that is not hexadecimal", "a digit is 0 to f", "checks", "0x" + "zz" * 32),
        ("a digest that is a number", "a number is not bytes", "rollback", 1),
        ("a digest that is null", "absent is not zero", "clears", None),
        ("a count beyond uint32", "it would wrap to 0", "operationCount", 2**32),
        ("a negative count", "it would wrap", "operationCount", -1),
        ("a broken count", "a count is whole", "operationCount", 1.5),
        ("kinds beyond uint32", "it would wrap to 0", "kinds", 2**32),
        ("a tier that is not known", "there are six", "tier", 6),
        ("a tier beyond uint8", "it would wrap to 0", "tier", 256),
        ("a tier in words", "tiers are numbers on chain", "tier", "low"),
        ("a negative time", "it would be the far future", "notBefore", -1),
        ("an address of 19 bytes", "libraries pad it in silence", "proposer", "0x" + "11" * 19),
        ("an address of 21 bytes", "libraries cut it in silence", "proposer", "0x" + "11" * 21),
        ("an address with a wrong checksum", "one letter was mistyped", "proposer",
         PROPOSER.replace("C7", "c7")),
        ("an address that is a name", "names are resolved by nobody here", "proposer", "ana.eth"),
    ]  # fmt: skip
    cases = [(name, reason, {**ordinary, key: value}) for name, reason, key, value in wrong]
    without = {key: value for key, value in ordinary.items() if key != "clears"}
    cases.append(("a field left out", "all sixteen are hashed", without))
    cases.append(("a field too many", "it would look signed", {**ordinary, "note": "please"}))
    return [
        {
            "name": name,
            "reason": reason,
            "domain": _domain(LOCAL),
            "plan": plan,
            "encoded": _naive(plan),
        }
        for name, reason, plan in cases
    ]


def _naive(plan: dict[str, object]) -> str:
    """What a careless encoder would send to the registry; `0x` where even that has no form."""
    words, ordinary = b"", content_of(ORDINARY)
    if plan.keys() != ordinary.keys():
        return "0x"
    for key, honest in ordinary.items():
        value = plan.get(key)
        if value == honest:
            words += encode([_type_of(key)], [_raw(honest)])
        elif type(value) is int and type(honest) is int:
            words += (value % 2**256).to_bytes(32, "big")
        elif isinstance(value, str) and re.fullmatch(r"0x([0-9a-f]{2})+", value):
            raw = bytes.fromhex(value[2:])
            words += raw if key != "proposer" else raw.rjust(32, b"\0")
        else:
            return "0x"
    # 19 bytes and a wrong checksum are an address like any other once they are padded.
    return "0x" if len(str(plan["proposer"])) < 42 else to_hex(words)


def _type_of(key: str) -> str:
    members = PLAN_TYPE.partition("(")[2].rstrip(")").split(",")
    return next(kind for kind, name in (member.split(" ") for member in members) if name == key)


def _raw(value: object) -> object:
    return bytes.fromhex(value[2:]) if isinstance(value, str) and len(value) == 66 else value
