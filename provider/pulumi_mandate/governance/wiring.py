"""Who may call what on chain, as one table: genesis writes it, `mandate doctor` checks it.

Nothing of it can change once the registry is sealed, because nobody administers the AccessManager
from then on (stacks/governance, contracts/README.md). A new role, right or holder is a new line
here; the deployment and the check both follow.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Role(IntEnum):
    """Roles of the AccessManager. 0 is its own, and held by nobody after genesis."""

    ADMIN = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3
    GUARDIAN = 4
    ENROLLER = 5


class Right(NamedTuple):
    """A function that only holders of the role may call."""

    contract: str
    """The trust file's word."""
    function: str
    role: Role


class Holding(NamedTuple):
    """Who holds a role for good."""

    role: Role
    holder: str
    """A contract by the trust file's word, or `GUARDIAN`."""
    waits: bool
    """Whether its calls are queued and come true after the role's delay."""


GUARDIAN = "guardian"
"""Holder that the trust file does not name: the address that the governor's guardian is."""

RIGHTS = (
    Right("registry", "approveMedium", Role.MEDIUM),
    Right("registry", "approveHigh", Role.HIGH),
    Right("registry", "configureSubject", Role.CRITICAL),
    Right("registry", "enrolExecutor", Role.CRITICAL),
    Right("registry", "revoke", Role.GUARDIAN),
    Right("executor_registry", "enrol", Role.ENROLLER),
    Right("executor_registry", "revoke", Role.GUARDIAN),
)

HOLDINGS = (
    Holding(Role.ENROLLER, "registry", waits=False),
    Holding(Role.MEDIUM, "governor", waits=True),
    Holding(Role.HIGH, "governor", waits=True),
    Holding(Role.CRITICAL, "governor", waits=True),
    Holding(Role.GUARDIAN, GUARDIAN, waits=False),
)

CANCELLERS = {
    Role.MEDIUM: Role.GUARDIAN,
    Role.HIGH: Role.GUARDIAN,
    Role.CRITICAL: Role.GUARDIAN,
}
"""Whoever holds the second may cancel what a holder of the first has scheduled."""

SCAFFOLD = (Role.ADMIN, Role.CRITICAL)
"""What the genesis account holds until it lets go, to wire and to enrol the first keys."""
