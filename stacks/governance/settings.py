"""The deployment's parameters, with the values for production as defaults. Times in seconds.

Every one of them is fixed for good once the registry is sealed: changing one is a new deployment.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

MINUTE, HOUR, DAY = 60, 3_600, 86_400
CREATE_UPDATE = 0xC3
"""And what changes no resource: reading, and the state's metadata."""
CREATE_UPDATE_REPLACE = 0xC7
ALL_BUT_ABANDON_AND_IMPORT = 0xCF
ALL_KINDS = 0xFF

NOBODY = "0x" + "00" * 20
NO_CAP = str(2**64 - 1)

Address = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]
Bytes32 = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
Amount = Annotated[str, Field(pattern=r"^[1-9][0-9]*$")]
"""Of the token's smallest unit, as decimal text."""
Seconds = Annotated[int, Field(ge=1)]
"""At least one: what has no delay is executed without being queued."""
Percent = Annotated[int, Field(ge=0, le=100)]
Quorum = Annotated[int, Field(ge=1, le=100)]


class Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Holder(Part):
    holder: Address
    amount: Amount


class Subject(Part):
    """One governed stack and what its plans are judged by."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """Of the Pulumi resource that enrols it."""
    hash: Bytes32
    """`pulumi_mandate.models.subject_hash`."""
    rules_digest: Bytes32
    mode: Annotated[int, Field(ge=0, le=2)] = 2
    """0 observe, 1 warn, 2 enforce."""
    secret_key_id: Bytes32
    backend: Bytes32
    """Keccak of the backend's id."""
    proposers: Annotated[list[Address], Field(min_length=1)]
    attestors: list[Address] = Field(default_factory=list)
    """Who may say that he reproduced a plan, or saw its result."""
    runners: Annotated[list[Address], Field(min_length=1)]
    finance_cosigner: Address = NOBODY
    cost_cap: Annotated[str, Field(pattern=r"^[0-9]+$")] = NO_CAP
    """US cents a month, as decimal text; what adds more needs the finance cosigner."""


class TierTerms(Part):
    """How long an approval and a run may last, what a plan may hold, and who else must say yes."""

    validity: Seconds = 7 * DAY
    max_lease: Seconds = 4 * HOUR
    kinds: Annotated[int, Field(ge=1, le=ALL_KINDS)]
    attestations: Annotated[int, Field(ge=0, le=255)] = 0
    """How many attestors must have reproduced a plan."""
    cosign: bool = False
    """Whether the council must cosign."""
    budget_operations: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """The low tier's, per subject: no more begins within any window, half of it at once."""
    budget_cost: Annotated[str, Field(pattern=r"^[0-9]+$")] = "0"
    """US cents a month, as decimal text."""
    budget_window: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def as_argument(self) -> dict[str, int | str | bool]:
        return {_camel(name): value for name, value in self.model_dump().items()}


class Vote(Part):
    """One governor: how long its votes last, and when they pass. Percents are of all votes."""

    voting_delay: Seconds
    """From the proposal to the count of who holds what: time to read, and to delegate."""
    voting_period: Seconds
    late_quorum_extension: Annotated[int, Field(ge=0)] = 0
    """Voting goes on at least this long after the quorum is met."""
    proposal_threshold: Annotated[str, Field(pattern=r"^[0-9]+$")] = "0"
    """Of the token's smallest unit. 0: who may propose is enrolled per subject anyway."""
    quorum_percent: Percent = 0
    veto_percent: Percent = 0
    """0: the vote must be won. Else silence passes, and so much Against stops."""
    approval_percent: Percent = 0
    """The least share of For in For and Against; 0: a simple majority."""
    max_vote_percent: Percent = 0
    """The most that one ballot counts; 0: no cap."""
    max_open_per_proposer: Annotated[int, Field(ge=0, le=255)] = 0
    """Proposals of one account whose vote is not over; 0: any number."""


class LowVote(Vote):
    voting_delay: Seconds = HOUR
    voting_period: Seconds = DAY
    veto_percent: Annotated[int, Field(ge=1, le=100)] = 5
    max_open_per_proposer: Annotated[int, Field(ge=0, le=255)] = 3


class StandardVote(Vote):
    voting_delay: Seconds = 2 * DAY
    voting_period: Seconds = 3 * DAY
    late_quorum_extension: Seconds = DAY
    quorum_percent: Quorum = 4


class CriticalVote(Vote):
    voting_delay: Seconds = 2 * DAY
    voting_period: Seconds = 5 * DAY
    late_quorum_extension: Seconds = DAY
    quorum_percent: Quorum = 10
    approval_percent: Percent = 60
    max_vote_percent: Percent = 20


class Council(Part):
    """Who approves in an emergency; its seats change only by its own announced call."""

    members: Annotated[list[Address], Field(min_length=1)]
    threshold: Annotated[int, Field(ge=1)]
    """How many act for it. In an emergency it takes two thirds of the seats, whatever this is."""
    rotation_delay: Seconds = 2 * DAY


class EmergencyPath(Part):
    """What is owed for an emergency, and how long the path stays open without a vote."""

    report_term: Seconds = 3 * DAY
    ratify_term: Seconds = 21 * DAY
    """A vote takes two to three weeks."""
    sunset: Seconds = 365 * DAY


class Settings(Part):
    deployer: Address
    guardian: Address
    holders: Annotated[list[Holder], Field(min_length=1)]
    executors: Annotated[list[Address], Field(min_length=1)]
    council: Council
    subjects: list[Subject] = Field(default_factory=list)

    token_name: str = "Mandate"  # noqa: S105  # the name of a currency
    token_symbol: str = "MAND"  # noqa: S105

    low_vote: LowVote = LowVote()
    standard_vote: StandardVote = StandardVote()
    """The medium tier's."""
    critical_vote: CriticalVote = CriticalVote()
    """Of the high and the critical tier."""

    low_delay: Seconds = HOUR
    """From the end of the vote to the approval: time to object, and for the guardian to cancel."""
    medium_delay: Seconds = DAY
    high_delay: Seconds = 7 * DAY
    critical_delay: Seconds = 7 * DAY
    """For subject configs and executor keys."""

    low: TierTerms = TierTerms(
        validity=3 * DAY,
        kinds=CREATE_UPDATE,
        attestations=1,
        budget_operations=50,
        budget_cost="10000",
        budget_window=7 * DAY,
    )
    medium: TierTerms = TierTerms(kinds=ALL_BUT_ABANDON_AND_IMPORT)
    high: TierTerms = TierTerms(kinds=ALL_KINDS, attestations=1, cosign=True)
    critical: TierTerms = TierTerms(kinds=ALL_KINDS, attestations=1, cosign=True)
    emergency: TierTerms = TierTerms(validity=6 * HOUR, kinds=CREATE_UPDATE_REPLACE)
    emergency_path: EmergencyPath = EmergencyPath()
    grace: Seconds = HOUR
    """After a lease ends, until anybody may call the run abandoned."""
    confirm_within: Seconds = 3 * DAY
    """After a run, until its unconfirmed result may be made an obligation."""
    clear_within: Seconds = 7 * DAY
    """From an obligation until it is due: then only what cures it begins."""
    audit_notice: Seconds = DAY
    """At least so long before it is due an auditor opens an obligation."""
    max_renewals: Annotated[int, Field(ge=0, le=255)] = 6

    def tiers(self) -> dict[str, TierTerms]:
        """By the registry's words."""
        names = ("low", "medium", "high", "critical", "emergency")
        return {name: getattr(self, name) for name in names}


def load_settings(get: Callable[[str], str | None]) -> Settings:
    """Read every setting that the stack's configuration holds; numbers and lists are JSON.

    Raises pydantic's `ValidationError`, which names each wrong one.
    """
    found: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        text = get(_camel(name))
        if text is not None:
            found[name] = text if field.annotation is str else json.loads(text)
    return Settings.model_validate(found)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
