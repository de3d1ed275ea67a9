"""What a transaction to the registry said, from its bytes and the registry's ABI. Pure.

Events are the contract's words about a transaction; the calldata is what its sender really signed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

from ..chain.abi import Abi
from ..governance.proposals import APPROVALS
from ..models import Address, ExecutionOrder, Outcome, OutcomeKind, Plan, Tier, digest
from .links import Broken

_M = TypeVar("_M", Plan, ExecutionOrder, Outcome)
_TIER_OF = {function: tier for tier, function in APPROVALS.items()}
_CLOSINGS = {"complete": OutcomeKind.COMPLETED, "fail": OutcomeKind.FAILED}


@dataclass(frozen=True, slots=True)
class BeginCall:
    """`begin(plan, order, signature)`."""

    plan: Plan
    order: ExecutionOrder
    signature: bytes


@dataclass(frozen=True, slots=True)
class CloseCall:
    """`complete(planHash, outcome, signature)` or `fail(…)`."""

    plan_hash: bytes
    outcome: Outcome
    signature: bytes


@dataclass(frozen=True, slots=True)
class DeclareCall:
    """`declare(plan, order, signers, signatures)`; the plan is what its order's hash names."""

    plan_hash: bytes
    incident: bytes
    reason: bytes
    deadline: int
    signers: tuple[bytes, ...]
    """ERC-7913 keys: 20 bytes for an account."""
    signatures: tuple[bytes, ...]


def decode_declare(abi: Abi, data: bytes) -> DeclareCall:
    """Raises `Broken` for any other call."""
    arguments = _arguments(abi, data, ("declare",))[1]
    order = arguments["order"]
    return DeclareCall(
        digest(order["planHash"]),
        digest(order["incident"]),
        digest(order["reason"]),
        order["deadline"],
        tuple(arguments["signers"]),
        tuple(arguments["signatures"]),
    )


def decode_begin(abi: Abi, data: bytes) -> BeginCall:
    """Raises `Broken` for any other call."""
    arguments = _arguments(abi, data, ("begin",))[1]
    return BeginCall(
        _message(Plan, arguments["plan"]),
        _message(ExecutionOrder, arguments["order"]),
        arguments["signature"],
    )


def decode_close(abi: Abi, data: bytes) -> CloseCall:
    """Raises `Broken` for any other call, and where the call and its outcome's kind disagree."""
    name, arguments = _arguments(abi, data, tuple(_CLOSINGS))
    outcome = _message(Outcome, arguments["outcome"])
    if outcome.kind is not _CLOSINGS[name]:
        raise Broken(f"`{name}` was sent with an outcome of another kind", found=str(outcome.kind))
    return CloseCall(digest(arguments["planHash"]), outcome, arguments["signature"])


def decode_approval(abi: Abi, data: bytes) -> tuple[bytes, Tier]:
    """Plan hash and electorate of a proposal's call. Raises `Broken` for any other call."""
    name, arguments = _arguments(abi, data, tuple(_TIER_OF))
    if abi.encode_call(name, [arguments["planHash"]]) != data:
        raise Broken("the call carries more bytes than its argument")
    return digest(arguments["planHash"]), _TIER_OF[name]


def _arguments(abi: Abi, data: bytes, wanted: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    try:
        found = abi.decode_call(data)
    except Exception as error:  # eth_abi has no common root for malformed arguments
        raise Broken("the call's arguments cannot be read") from error
    if found is None or found[0] not in wanted:
        called = found[0] if found else "something unknown"
        raise Broken(f"the call is {called}, not {' or '.join(wanted)}")
    return found


def _message(kind: type[_M], values: dict[str, Any]) -> _M:
    """A struct of the ABI as our frozen value: `effectRoot` becomes `effect_root`."""
    found = {}
    for field in dataclasses.fields(kind):
        first, *others = field.name.split("_")
        found[field.name] = values[first + "".join(word.capitalize() for word in others)]
    if kind is Plan:
        found |= {"tier": Tier(found["tier"]), "proposer": Address(found["proposer"])}
    if kind is Outcome:
        found["kind"] = OutcomeKind(found["kind"])
    return kind(**found)
