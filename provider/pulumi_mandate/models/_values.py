"""Frozen values that every layer shares. The Solidity twins are in `contracts/src/types/`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NewType

from ._address import Address
from ._digest import ZERO, Digest

Urn = NewType("Urn", str)
"""A Pulumi resource URN."""


class Tier(enum.IntEnum):
    """Who must say yes, and how long it takes. The numbers are on chain."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4
    EMERGENCY = 5


class Kind(enum.IntEnum):
    """What an operation does; bit `1 << kind` in the plan's `kinds` mask. Numbers are on chain."""

    CREATE = 0
    UPDATE = 1
    REPLACE = 2
    DELETE = 3
    ABANDON = 4
    IMPORT = 5
    READ = 6
    METADATA = 7


class MandateState(enum.IntEnum):
    """The life of a plan hash in the registry. The numbers are on chain."""

    NONE = 0
    APPROVED = 1
    RUNNING = 2
    STOPPING = 3
    UNCONFIRMED = 4
    CONFIRMED = 5
    FAILED = 6
    ABANDONED = 7
    REVOKED = 8
    WITHDRAWN = 9
    EXPIRED = 10
    """Derived, never stored: approved, and the window is over."""
    SUPERSEDED = 11


class OutcomeKind(enum.IntEnum):
    """What an executor states about a run."""

    COMPLETED = 1
    FAILED = 2


class Mode(enum.IntEnum):
    """How strictly the gate treats a subject. The numbers are on chain."""

    OBSERVE = 0
    WARN = 1
    ENFORCE = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """What is governed: one stack on one enrolled backend."""

    backend: str
    """The enrolled backend id (never a path or a URL that differs between machines)."""
    organisation: str
    project: str
    stack: str

    def __str__(self) -> str:
        return f"{self.organisation}/{self.project}/{self.stack}"


@dataclass(frozen=True, slots=True)
class Domain:
    """The EIP-712 domain: name `Mandate`, version `1`, and these two."""

    chain_id: int
    registry: Address


@dataclass(frozen=True, slots=True)
class Plan:
    """The fields whose EIP-712 struct hash is the plan hash, in the order of the type string."""

    subject: Digest
    effect_root: Digest
    operation_count: int
    kinds: int
    cost: int
    """What is added to the monthly bill, US cents; `NOBODY_KNOWS` where nothing measured it."""
    program: Digest
    toolchain: Digest
    rules: Digest
    checks: Digest
    rollback: Digest
    document: Digest
    clears: Digest
    proposer: Address
    tier: Tier
    not_before: int
    """Seconds since the epoch, chain time."""
    expires_at: int
    salt: Digest


@dataclass(frozen=True, slots=True)
class ExecutionOrder:
    """The message by which the executor's key spends a mandate."""

    plan_hash: Digest
    run_id: Digest
    runner: Address
    """Must be the sender of `begin`; pays the gas."""
    lease_until: int
    key_epoch: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Renewal:
    """Extends the lease of a run."""

    run_id: Digest
    lease_until: int
    key_epoch: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A statement of fact about a run: accepted after expiry and revocation."""

    run_id: Digest
    kind: OutcomeKind
    receipt_root: Digest
    post_state: Digest
    key_epoch: int


@dataclass(frozen=True, slots=True)
class Attestation:
    """Somebody else previewed the proposed program, and it wants exactly what was proposed."""

    plan_hash: Digest
    effect_root: Digest
    """Of the attestor's own preview."""
    secrets: bool
    """Whether he saw the secrets. If not, the effect root is the one modulo secrets."""
    program: Digest
    """Of the files that were previewed."""
    attested_at: int
    """Chain time in seconds."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Somebody else looked after a run: the resources are as the run's outcome says."""

    plan_hash: Digest
    post_state: Digest
    observed_at: int
    """Chain time in seconds."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """A voter's word that somebody else may carry: OpenZeppelin's `Ballot`, and where it counts."""

    chain_id: int
    governor: Address
    proposal: int
    """The governor's id of it."""
    support: int
    """0 against, 1 for, 2 abstain."""
    voter: Address
    nonce: int
    """Of the voter at this governor: a ballot is counted once."""


@dataclass(frozen=True, slots=True)
class CouncilCall:
    """A call that a council makes once enough of its seats have signed it."""

    chain_id: int
    council: Address
    target: Address
    data: bytes
    """Selector and arguments."""
    nonce: int
    """The council's: its calls are made in order, each once."""
    deadline: int
    """Chain time, seconds."""


@dataclass(frozen=True, slots=True)
class EmergencyOrder:
    """What seats of the council sign so that a plan is approved at once."""

    chain_id: int
    gate: Address
    plan_hash: Digest
    incident: Digest
    """Its name in ASCII, filled up with zeros."""
    reason: Digest
    """Keccak of the sentence that says why it could not wait."""
    deadline: int
    """Chain time, seconds."""


NO_CLEARS = ZERO
