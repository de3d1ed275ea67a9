"""Proposals and votes as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from pulumi_mandate.governance.description import Description
from pulumi_mandate.governance.refusals import ProposalState
from pulumi_mandate.models import Address, Digest, Tier


class Support(IntEnum):
    """How a vote counts. OpenZeppelin's numbers."""

    AGAINST = 0
    FOR = 1
    ABSTAIN = 2


@dataclass(frozen=True, slots=True)
class Created:
    """A proposal as its ProposalCreated event has it: nothing in it ever changes."""

    number: int
    id: int
    proposer: Address
    target: Address
    calldata: bytes = field(repr=False)
    text: str = field(repr=False)
    function: str
    """The registry's function that it calls; empty where that is none we know."""
    arguments: tuple[Any, ...] = field(repr=False)
    plan_hash: Digest | None
    """From the call. None where the proposal does not approve a plan."""
    tier: Tier
    """Of the called function; CRITICAL for configuration."""
    description: Description | None
    """None where the text is not of our form."""
    warnings: tuple[str, ...]
    block_number: int
    transaction: Digest
    governor: str = "standard_governor"
    """Which of the governors holds it, by its name in `chain.artifacts.NAMES`."""


class Tally(NamedTuple):
    """Weights, in the token's smallest unit."""

    in_favour: int
    against: int
    abstain: int


class Rule(NamedTuple):
    """When a governor lets a proposal pass, in percent; fixed when it was deployed."""

    veto: int = 0
    """0: the vote must be won. Else silence passes, and so much Against, of all votes, stops."""
    approval: int = 0
    """The least share of For in For and Against; 0: a simple majority."""
    cap: int = 0
    """The most that one ballot counts, as a share of all votes; 0: no cap."""

    def passes(self, votes: Tally, quorum: int, supply: int) -> bool:
        """What the governor's own counting would say of these votes."""
        if self.veto:
            return 100 * votes.against < supply * self.veto
        cast = votes.in_favour + votes.against
        reached = votes.in_favour + votes.abstain >= quorum
        won = votes.in_favour > votes.against and 100 * votes.in_favour >= cast * self.approval
        return reached and won


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal and where it stands. Weights in the token's smallest unit."""

    created: Created
    state: ProposalState
    snapshot: int
    """Voting opens after this second, with the weights of this second."""
    deadline: int
    eta: int
    """From when it may be executed; 0 before it is queued."""
    scheduled: bool
    """Queued and still alive in the AccessManager: it drops out by expiry or by cancellation."""
    votes: Tally
    quorum: int
    """Weight that For and Abstain must reach together."""
    supply: int
    """All votes there are, at the snapshot."""
    rule: Rule = Rule()  # noqa: RUF009  # frozen

    @property
    def id(self) -> int:
        return self.created.id

    @property
    def number(self) -> int:
        return self.created.number

    @property
    def plan_hash(self) -> Digest | None:
        return self.created.plan_hash

    @property
    def document(self) -> Digest | None:
        """The document's digest as the text names it: a claim, to be checked against the plan."""
        return self.created.description.document if self.created.description else None

    @property
    def description(self) -> str:
        """The text as it was proposed, machine lines included."""
        return self.created.text

    @property
    def proposer(self) -> Address:
        return self.created.proposer

    @property
    def quorum_reached(self) -> bool:
        return self.votes.in_favour + self.votes.abstain >= self.quorum

    @property
    def passes(self) -> bool:
        """Whether it would pass if the voting ended now."""
        return self.rule.passes(self.votes, self.quorum, self.supply)


@dataclass(frozen=True, slots=True)
class Vote:
    """One ballot, as the chain has it."""

    voter: Address
    support: Support
    weight: int
    reason: str
    block_number: int
    transaction: Digest
