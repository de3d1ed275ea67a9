"""The sentence and the next command, for every state."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.governance import (
    Created,
    Mandate,
    Proposal,
    ProposalState,
    Standing,
    Step,
    Tally,
    standing,
)
from pulumi_mandate.governance.lifecycle import duration
from pulumi_mandate.models import ZERO, Address, MandateState, Tier, keccak

NOBODY = Address("0x" + "00" * 20)
NOW = 1_000_000
HOUR, DAY = 3600, 86_400
PLAN = keccak(b"plan")
NO_VOTES = Tally(0, 0, 0)


def mandate(state: MandateState = MandateState.NONE, **changes: int) -> Mandate:
    base = Mandate(PLAN, state, Tier.MEDIUM, 0, 0, 0, 0, 0, NOBODY, 0, ZERO)
    return dataclasses.replace(base, **changes)


def proposal(state: ProposalState, votes: Tally = NO_VOTES, **changes: object) -> Proposal:
    created = Created(
        12, 99, NOBODY, NOBODY, b"", "text", "approveMedium", (PLAN,), PLAN, Tier.MEDIUM,
        None, (), 5, ZERO,
    )  # fmt: skip
    base = Proposal(created, state, NOW + DAY, NOW + 14 * HOUR, 0, False, votes, 400, 10_000)
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def say(state: ProposalState, votes: Tally = NO_VOTES, **changes: object) -> Standing:
    return standing(mandate(), proposal(state, votes, **changes), NOW)


def test_the_sentence_of_the_design() -> None:
    found = say(ProposalState.ACTIVE, Tally(61, 39, 0))

    assert found.sentence == "proposal 12: voting, 61 % for, quorum in 4 % more, ends in 14 h"
    assert found.next_command == "mandate vote 12 for|against|abstain"
    assert (found.step, found.seconds) == (Step.VOTE, 14 * HOUR)


@pytest.mark.parametrize(
    ("state", "votes", "changes", "sentence", "command"),
    [
        ("PENDING", (0, 0, 0), {}, "announced, voting opens in 1 d", "mandate show 12"),
        ("ACTIVE", (0, 0, 0), {}, "voting, no votes yet, ends in 14 h", "mandate vote 12 for|"),
        ("ACTIVE", (400, 1, 0), {}, "voting, 99 % for, quorum reached, ends in 14 h", "mandate v"),
        ("ACTIVE", (0, 0, 9), {}, "voting, only abstentions, quorum in 4 % more", "mandate vote"),
        ("DEFEATED", (0, 0, 0), {}, "defeated, nobody voted", "mandate propose"),
        ("DEFEATED", (1, 600, 400), {}, "defeated, 0 % for, quorum reached", "mandate propose"),
        ("DEFEATED", (9, 0, 0), {}, "defeated, 100 % for, quorum missed by 4 %", "mandate prop"),
        ("CANCELED", (0, 0, 0), {}, "cancelled", "mandate propose"),
        ("SUCCEEDED", (500, 0, 0), {}, "passed, 100 % for, quorum reached", "mandate advance 12"),
        ("QUEUED", (500, 0, 0), {"scheduled": True, "eta": NOW + 60}, "passed, its delay ends in "
         "1 min", "mandate advance 12"),
        ("QUEUED", (500, 0, 0), {"scheduled": True, "eta": NOW}, "passed, its delay is over",
         "mandate advance 12"),
        ("QUEUED", (500, 0, 0), {"scheduled": False, "eta": NOW}, "passed, then dropped from the "
         "queue", "mandate propose"),
    ],
)  # fmt: skip
def test_before_there_is_a_mandate(
    state: str, votes: tuple[int, int, int], changes: dict[str, object], sentence: str, command: str
) -> None:
    found = say(ProposalState[state], Tally(*votes), **changes)

    assert found.sentence.startswith("proposal 12: " + sentence)
    assert found.next_command.startswith(command)


@pytest.mark.parametrize(
    ("state", "changes", "sentence", "command"),
    [
        ("APPROVED", {"expires_at": NOW + 6 * DAY}, "approved, may be used for 6 d more",
         "pulumi up"),
        ("RUNNING", {"begun_at": NOW - 90, "lease_until": NOW + 120}, "running for 1 min, its "
         "lease ends in 2 min", "mandate status --watch"),
        ("RUNNING", {"begun_at": NOW - DAY, "lease_until": NOW}, "running for 1 d, its lease is "
         "over", "mandate resume"),
        ("STOPPING", {}, "revoked while it ran", "mandate status"),
        ("UNCONFIRMED", {}, "done, waits to be confirmed", ""),
        ("CONFIRMED", {}, "done and confirmed", ""),
        ("FAILED", {}, "failed; its mandate is spent", "mandate propose"),
        ("ABANDONED", {}, "abandoned; its mandate is spent", "mandate propose"),
        ("REVOKED", {}, "revoked by the guardian", "mandate propose"),
        ("WITHDRAWN", {}, "withdrawn by its proposer", "mandate propose"),
        ("EXPIRED", {}, "approved, and expired unused", "mandate propose"),
    ],
)  # fmt: skip
def test_once_there_is_a_mandate_the_registry_speaks(
    state: str, changes: dict[str, int], sentence: str, command: str
) -> None:
    told = standing(mandate(MandateState[state], **changes), proposal(ProposalState.ACTIVE), NOW)
    alone = standing(mandate(MandateState[state], **changes), None, NOW)

    assert told.sentence.startswith("proposal 12: " + sentence)
    assert alone.sentence.startswith(sentence)
    assert told.next_command == alone.next_command == command
    assert told.state == state.lower()


def test_every_state_has_its_words() -> None:
    for state in MandateState:
        assert standing(mandate(state), None, NOW).sentence
    for proposed in ProposalState:
        assert standing(mandate(), proposal(proposed), NOW).sentence.startswith("proposal 12: ")


def test_nothing_proposed_yet() -> None:
    assert standing(mandate(), None, NOW) == Standing(
        "no proposal yet", "mandate propose", "unproposed", Step.PROPOSE
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"),
        (3600, "1 h 0 min"), (5400, "1 h 30 min"), (7200, "2 h"), (14 * HOUR, "14 h"),
        (DAY, "1 d"), (DAY + HOUR, "25 h"), (2 * DAY, "2 d"), (2 * DAY + 3 * HOUR, "2 d 3 h"),
    ],
)  # fmt: skip
def test_durations(seconds: int, words: str) -> None:
    assert duration(seconds) == words


@given(st.integers(0, 10**27), st.integers(0, 10**27), st.integers(0, 10**27))
def test_a_percentage_never_flatters(in_favour: int, against: int, abstain: int) -> None:
    votes = Tally(in_favour, against, abstain)
    found = say(ProposalState.ACTIVE, votes, quorum=10**25, supply=10**27).sentence

    assert ("quorum reached" in found) == (in_favour + abstain >= 10**25)
    if " % for" in found:
        shown = int(found.split("voting, ")[1].split(" % for")[0])
        assert shown * (in_favour + against) <= 100 * in_favour
    if "more" in found:
        missing = int(found.split("quorum in ")[1].split(" %")[0])
        assert 1 <= missing <= 1  # a quorum of 1 % lacks at most 1 %, and never 0
