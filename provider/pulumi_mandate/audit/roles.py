"""Every role event of the AccessManager since the beginning, against the one wiring table.

A sealed registry proves that the account that built it let go; it cannot prove that no other
account was given a role on the way. The events can. What counts is everything that ever was, not
only what is left: a role that was granted and taken back before the seal was used in between.

(1) whole      the history begins with the manager's own constructor
(2) holders    only those of the table, and the genesis account's scaffold
(3) rights     no function under another role, none that the table does not name
(4) frozen     no role has another admin, no grant and no target has a delay, no target is closed
(5) obeyed     everything restricted, and every governor, answers to this manager and no other
(6) present    what the table names is held now, after a delay where it says so
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..chain import BlockRef, ChainClient, Log
from ..chain.artifacts import NAMES
from ..errors import Refused
from ..governance.wiring import (
    CANCELLERS,
    GUARDIAN,
    HOLDINGS,
    RIGHTS,
    SCAFFOLD,
    Role,
)
from ..models import Address, to_hex

MANAGER = "access_manager"
_SHOWN = 5
_FREEZING = {
    "RoleAdminChanged": "role {roleId} is administered by role {admin}",
    "RoleGrantDelayChanged": "grants of role {roleId} take effect {delay} s later",
    "TargetAdminDelayUpdated": "the administration of {target} has a delay of {delay} s",
    "TargetClosed": "{target} was closed or opened",
}
"""Events that the wiring never makes, and what each says."""


class Held(NamedTuple):
    """A role in somebody's hand."""

    role: int
    account: Address
    waits: bool

    def __str__(self) -> str:
        when = "after a delay" if self.waits else "at once"
        return f"{self.account} acts {when} in role {_named(self.role)}"


class Restricted(NamedTuple):
    """A function under a role."""

    target: Address
    selector: bytes
    role: int

    def __str__(self) -> str:
        return f"{to_hex(self.selector)} of {self.target} belongs to role {_named(self.role)}"


class Cancelled(NamedTuple):
    """A role whose scheduled calls another role may cancel."""

    role: int
    by: int

    def __str__(self) -> str:
        return f"role {_named(self.by)} cancels what role {_named(self.role)} has scheduled"


Fact = Held | Restricted | Cancelled | str


@dataclass(frozen=True, slots=True)
class History:
    """What the events add up to."""

    ever: frozenset[Fact]
    """Everything that was true at some time."""
    now: frozenset[Fact]
    """What is left of it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the table makes true on one chain."""

    wired: frozenset[Fact]
    scaffold: frozenset[Fact]
    """True until genesis ended."""
    first: Held
    """What the manager's constructor says: without it the history is not whole."""


def replay(events: Iterable[Log]) -> History:
    """Add up the manager's events, in their order. Pure."""
    ever: set[Fact] = set()
    now: dict[tuple[object, ...], Fact] = {}
    for event in events:
        found = event.arguments
        if event.name == "RoleRevoked":
            now.pop(("held", found["roleId"], found["account"]), None)
            continue
        keyed = _fact(event.name, found)
        if keyed is not None:
            key, fact = keyed
            now[key] = fact
            ever.add(fact)
    return History(frozenset(ever), frozenset(now.values()))


def _fact(name: str, found: Mapping[str, Any]) -> tuple[tuple[object, ...], Fact] | None:
    """What an event says, and what a later one must be about to say it anew."""
    if name == "RoleGranted":
        held = Held(found["roleId"], found["account"], found["delay"] > 0)
        return ("held", held.role, held.account), held
    if name == "TargetFunctionRoleUpdated":
        right = Restricted(found["target"], found["selector"], found["roleId"])
        return ("right", right.target, right.selector), right
    if name == "RoleGuardianChanged":
        return ("canceller", found["roleId"]), Cancelled(found["roleId"], found["guardian"])
    if name in _FREEZING:
        said = _FREEZING[name].format_map(found)
        return (name, said), said
    return None  # labels say nothing, and operations are the business of their proposals


def expected(addresses: Mapping[str, Address], deployer: Address) -> Expected:
    """The table, with the addresses of one chain for its words. Pure."""
    wired: set[Fact] = {Held(line.role, addresses[line.holder], line.waits) for line in HOLDINGS}
    wired |= {Restricted(addresses[line.contract], line.selector, line.role) for line in RIGHTS}
    wired |= {Cancelled(role, by) for role, by in CANCELLERS.items()}
    scaffold = frozenset(Held(role, deployer, False) for role in SCAFFOLD)
    return Expected(frozenset(wired), scaffold, Held(Role.ADMIN, deployer, False))


def differences(history: History, table: Expected) -> list[str]:
    """Everything in which the history is not the table's, as sentences. Pure; empty is good."""
    if table.first not in history.ever:
        return [  # (1)
            f"the history does not begin with {table.first}: `deployed_block` in the trust file is "
            "too late, or another account built this"
        ]
    stray = history.ever - table.wired - table.scaffold  # (2) to (4)
    left = history.now & (table.scaffold - table.wired)
    missing = table.wired - history.now  # (6)
    return [
        *sorted(f"{fact}, which nothing in the wiring says" for fact in stray),
        *sorted(f"{fact}, as only genesis may" for fact in left),
        *sorted(f"it is not so that {fact}" for fact in missing),
    ]


def check_roles(client: ChainClient) -> int:
    """(1) to (6) at the newest block that every endpoint has. Returns the number of holders.

    Raises `Refused` with the first differences, `EndpointsDisagree`.
    """
    block = client.newest_block()
    addresses = _addresses(client, block)
    deployer = client.call("registry", "genesis", block=block)
    history = replay(client.history(MANAGER, until=block))
    found = _disobedient(client, block) + differences(history, expected(addresses, deployer))
    if found:
        more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
        raise Refused(
            0,
            "the roles on chain are not those of the wiring",
            meaning="; ".join(found[:_SHOWN]) + more,
            next_step="approve nothing through these contracts: deploy them anew, and compare "
            "with contracts/README.md",
        )
    return len(HOLDINGS)


def _addresses(client: ChainClient, block: BlockRef) -> dict[str, Address]:
    """The table's words on this chain."""
    words = {name: Address(getattr(client.trust, name)) for name in NAMES}
    return words | {GUARDIAN: client.call("critical_governor", "proposalGuardian", block=block)}


def _governors() -> list[str]:
    return sorted({line.holder for line in HOLDINGS if line.waits})


def _disobedient(client: ChainClient, block: BlockRef) -> list[str]:
    """(5): an administrator may hand a contract to another manager, and this one would not say."""
    asked = [(name, "authority", MANAGER) for name in sorted({line.contract for line in RIGHTS})]
    for name in _governors():
        asked += [(name, "accessManager", MANAGER), (name, "registry", "registry")]
    found = [
        (name, function, client.call(name, function, block=block), getattr(client.trust, word))
        for name, function, word in asked
    ]
    guardians = {client.call(name, "proposalGuardian", block=block) for name in _governors()}
    return [
        f"{function}() of the {name} is {answer} and not {expected}"
        for name, function, answer, expected in found
        if answer != expected
    ] + (["the governors have different guardians"] if len(guardians) > 1 else [])


def _named(role: int) -> str:
    return f"{role} ({Role(role).name.lower()})" if role in set(Role) else str(role)
