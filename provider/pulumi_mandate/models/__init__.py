"""Frozen values, digests and typed messages of the protocol. Imports nothing of ours but errors."""

from ._digest import ZERO, Digest, digest, is_address, keccak, to_hex
from ._typed_data import domain_separator, plan_hash, signing_digest, struct_hash, subject_hash
from ._values import (
    NO_CLEARS,
    Address,
    Domain,
    ExecutionOrder,
    Kind,
    MandateState,
    Mode,
    Outcome,
    OutcomeKind,
    Plan,
    Renewal,
    Subject,
    Tier,
    Urn,
)

__all__ = [
    "NO_CLEARS",
    "ZERO",
    "Address",
    "Digest",
    "Domain",
    "ExecutionOrder",
    "Kind",
    "MandateState",
    "Mode",
    "Outcome",
    "OutcomeKind",
    "Plan",
    "Renewal",
    "Subject",
    "Tier",
    "Urn",
    "digest",
    "domain_separator",
    "is_address",
    "keccak",
    "plan_hash",
    "signing_digest",
    "struct_hash",
    "subject_hash",
    "to_hex",
]
