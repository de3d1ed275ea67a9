"""Who may call what on chain, as one table: genesis writes it, `mandate doctor` checks it.

Nothing of it can change once the registry is sealed, because nobody administers the AccessManager
from then on (stacks/governance, contracts/README.md). A new role, right or holder is a new line
here; the deployment and the check both follow.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from pulumi_mandate.chain.artifacts import NAMES, artifact


class Role(IntEnum):
    """Roles of the AccessManager. 0 is its own, and held by nobody after genesis."""

    ADMIN = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3
    GUARDIAN = 4
    REGISTRY = 5
    LOW = 6
    COUNCIL = 7
    EMERGENCY = 8
    AUDITOR = 9
    LOG = 10


class Right(NamedTuple):
    """A function that only holders of the role may call."""

    contract: str
    """The trust file's word."""
    function: str
    role: Role

    @property
    def selector(self) -> bytes:
        """The four bytes that a call begins with."""
        return artifact(NAMES[self.contract]).abi.selector(self.function)


class Holding(NamedTuple):
    """Who holds a role for good."""

    role: Role
    holder: str
    """A contract by the trust file's word, or `GUARDIAN`."""
    waits: bool
    """Whether its calls are queued and come true after the role's delay."""


GUARDIAN = "guardian"
"""Holder that the trust file does not name: the address that the governors' guardian is."""

RIGHTS = (
    Right("registry", "approveLow", Role.LOW),
    Right("registry", "approveLowBatch", Role.LOW),
    Right("registry", "approveMedium", Role.MEDIUM),
    Right("registry", "approveHigh", Role.HIGH),
    Right("registry", "approveCritical", Role.CRITICAL),
    Right("registry", "configureSubject", Role.CRITICAL),
    Right("registry", "enrolExecutor", Role.CRITICAL),
    Right("registry", "rotateExecutor", Role.CRITICAL),
    Right("registry", "ratify", Role.CRITICAL),
    Right("registry", "approveEmergency", Role.EMERGENCY),
    Right("registry", "cosign", Role.COUNCIL),
    Right("registry", "recordAttestation", Role.LOG),
    Right("registry", "confirm", Role.LOG),
    Right("registry", "revoke", Role.GUARDIAN),
    Right("registry", "revokeHard", Role.GUARDIAN),
    Right("subjects", "configureSubject", Role.REGISTRY),
    Right("subjects", "recordAttestation", Role.REGISTRY),
    Right("executor_registry", "enrol", Role.REGISTRY),
    Right("executor_registry", "rotate", Role.REGISTRY),
    Right("executor_registry", "admit", Role.COUNCIL),
    Right("executor_registry", "revoke", Role.GUARDIAN),
    Right("obligations", "open", Role.REGISTRY),
    Right("obligations", "clear", Role.REGISTRY),
    Right("obligations", "openEmergency", Role.EMERGENCY),
    Right("emergency_gate", "renew", Role.CRITICAL),
    Right("obligations", "openAudit", Role.AUDITOR),
)

HOLDINGS = (
    Holding(Role.REGISTRY, "registry", waits=False),
    Holding(Role.LOG, "attestations", waits=False),
    Holding(Role.LOW, "low_governor", waits=True),
    Holding(Role.MEDIUM, "standard_governor", waits=True),
    Holding(Role.HIGH, "critical_governor", waits=True),
    Holding(Role.CRITICAL, "critical_governor", waits=True),
    Holding(Role.GUARDIAN, GUARDIAN, waits=False),
    Holding(Role.EMERGENCY, "emergency_gate", waits=False),
    Holding(Role.COUNCIL, "council", waits=False),
    Holding(Role.AUDITOR, GUARDIAN, waits=False),
)

CANCELLERS = {
    Role.LOW: Role.GUARDIAN,
    Role.MEDIUM: Role.GUARDIAN,
    Role.HIGH: Role.GUARDIAN,
    Role.CRITICAL: Role.GUARDIAN,
}
"""Whoever holds the second may cancel what a holder of the first has scheduled."""

SCAFFOLD = (Role.ADMIN, Role.CRITICAL)
"""What the genesis account holds until it lets go, to wire and to enrol the first keys."""


def callable_by(governor: str) -> list[Right]:
    """What a governor's proposals may call: the functions of the roles that it holds, no others."""
    own = {line.role for line in HOLDINGS if line.holder == governor and line.waits}
    return [line for line in RIGHTS if line.role in own]
