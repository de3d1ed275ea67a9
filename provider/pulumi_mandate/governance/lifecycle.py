"""Where a mandate stands, as one sentence and the next command; and the next step on chain.

The sentence is pure; `advance` is the only thing here that acts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pulumi_mandate.chain import Account, Receipt
from pulumi_mandate.governance.proposals import Governor
from pulumi_mandate.governance.refusals import ProposalState
from pulumi_mandate.governance.registry import Mandate
from pulumi_mandate.governance.values import Proposal
from pulumi_mandate.models import MandateState

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


class Step(Enum):
    """What has to happen next on chain."""

    PROPOSE = "propose"
    WAIT = "wait"
    VOTE = "vote"
    QUEUE = "queue"
    EXECUTE = "execute"
    RUN = "run"
    CLOSE = "close"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Standing:
    """One line for people, one command, and one word for machines."""

    sentence: str
    """For example: proposal 12: voting, 61 % for, quorum in 3 % more, ends in 14 h."""
    next_command: str
    """Empty where there is nothing to type."""
    state: str
    """The mandate's state in lower case; before there is one, the proposal's, else `unproposed`."""
    step: Step
    seconds: int = 0
    """Until the next step is possible, or until the present one ends; 0 where that is not known."""


def standing(mandate: Mandate, proposal: Proposal | None, now: int) -> Standing:
    """What to tell. `now` is chain time. The registry's word goes before the governor's."""
    if mandate.state is not MandateState.NONE:
        return _MANDATE[mandate.state](mandate, proposal, now)
    if proposal is None:
        return Standing("no proposal yet", "mandate propose", "unproposed", Step.PROPOSE)
    return _PROPOSAL[proposal.state](proposal, now)


def next_step(proposal: Proposal, now: int) -> Step:
    """What the governor needs next: only QUEUE and EXECUTE are `advance`'s to do."""
    return _PROPOSAL[proposal.state](proposal, now).step


def advance(
    governor: Governor, reference: int, account: Account, now: int
) -> tuple[Step, Receipt | None]:
    """Do the proposal's next step on chain, if it is one that anybody may do now.

    Returns the step, and the receipt where something was done. Raises `ContractRefused`.
    """
    proposal = governor.proposal(reference)
    step = next_step(proposal, now)
    if step is Step.QUEUE:
        return step, governor.queue(reference, account)
    if step is Step.EXECUTE:
        return step, governor.execute(reference, account)
    return step, None


def duration(seconds: int) -> str:
    """`2 d 3 h`, `14 h`, `5 min`, `40 s`: two units at most, rounded down."""
    if seconds >= 2 * _DAY or (seconds >= _DAY and seconds % _DAY < _HOUR):
        days, hours = seconds // _DAY, seconds % _DAY // _HOUR
        return f"{days} d {hours} h" if hours else f"{days} d"
    if seconds >= 2 * _HOUR:
        return f"{seconds // _HOUR} h"
    if seconds >= _HOUR:
        return f"1 h {seconds % _HOUR // _MINUTE} min"
    if seconds >= _MINUTE:
        return f"{seconds // _MINUTE} min"
    return f"{max(seconds, 0)} s"


# -- before there is a mandate --------------------------------------------------------------


def _pending(proposal: Proposal, now: int) -> Standing:
    left = proposal.snapshot - now
    return Standing(
        f"proposal {proposal.number}: announced, voting opens in {duration(left)}",
        f"mandate show {proposal.number}",
        "pending",
        Step.WAIT,
        max(left, 0),
    )


def _active(proposal: Proposal, now: int) -> Standing:
    left = proposal.deadline - now
    return Standing(
        f"proposal {proposal.number}: voting, {_tally(proposal)}, ends in {duration(left)}",
        f"mandate vote {proposal.number} for|against|abstain",
        "active",
        Step.VOTE,
        max(left, 0),
    )


def _defeated(proposal: Proposal, now: int) -> Standing:
    return Standing(
        f"proposal {proposal.number}: defeated, {_tally(proposal)}",
        "mandate propose",
        "defeated",
        Step.PROPOSE,
    )


def _canceled(proposal: Proposal, now: int) -> Standing:
    return Standing(
        f"proposal {proposal.number}: cancelled", "mandate propose", "cancelled", Step.PROPOSE
    )


def _succeeded(proposal: Proposal, now: int) -> Standing:
    return Standing(
        f"proposal {proposal.number}: passed, {_tally(proposal)}, its delay has not begun",
        f"mandate advance {proposal.number}",
        "succeeded",
        Step.QUEUE,
    )


def _queued(proposal: Proposal, now: int) -> Standing:
    if not proposal.scheduled:
        return Standing(
            f"proposal {proposal.number}: passed, then dropped from the queue "
            "(a guardian cancelled it, or it waited longer than a week)",
            "mandate propose",
            "dropped",
            Step.PROPOSE,
        )
    left = proposal.eta - now
    if left > 0:
        return Standing(
            f"proposal {proposal.number}: passed, its delay ends in {duration(left)}",
            f"mandate advance {proposal.number}",
            "queued",
            Step.WAIT,
            left,
        )
    return Standing(
        f"proposal {proposal.number}: passed, its delay is over, it can be executed",
        f"mandate advance {proposal.number}",
        "queued",
        Step.EXECUTE,
    )


def _executed(proposal: Proposal, now: int) -> Standing:
    # Executed, yet the registry knows nothing: configuration, or a governor that is not our own.
    what = proposal.created.function or "something unknown"
    return Standing(f"proposal {proposal.number}: executed ({what})", "", "executed", Step.NOTHING)


# -- once there is one ----------------------------------------------------------------------


def _approved(mandate: Mandate, proposal: Proposal | None, now: int) -> Standing:
    left = mandate.expires_at - now
    sentence = f"{_name(proposal)}approved, may be used for {duration(left)} more"
    return Standing(sentence, "pulumi up", "approved", Step.RUN, max(left, 0))


def _running(mandate: Mandate, proposal: Proposal | None, now: int) -> Standing:
    left = mandate.lease_until - now
    lease = f"its lease ends in {duration(left)}" if left > 0 else "its lease is over"
    since = duration(now - mandate.begun_at)
    return Standing(
        f"{_name(proposal)}running for {since}, {lease}",
        "mandate status --watch" if left > 0 else "mandate resume",
        "running",
        Step.CLOSE,
        max(left, 0),
    )


def _stopping(mandate: Mandate, proposal: Proposal | None, now: int) -> Standing:
    return Standing(
        f"{_name(proposal)}revoked while it ran: nothing goes forward any more",
        "mandate status",
        "stopping",
        Step.CLOSE,
    )


def _ended(state: MandateState, words: str, command: str) -> _Renderer:
    def render(mandate: Mandate, proposal: Proposal | None, now: int) -> Standing:
        step = Step.PROPOSE if command == "mandate propose" else Step.NOTHING
        return Standing(_name(proposal) + words, command, state.name.lower(), step)

    return render


def _name(proposal: Proposal | None) -> str:
    return f"proposal {proposal.number}: " if proposal else ""


def _tally(proposal: Proposal) -> str:
    if proposal.rule.veto:
        return _objections(proposal)
    cast = proposal.votes.in_favour + proposal.votes.against
    if not cast and not proposal.votes.abstain:
        return "no votes yet" if proposal.state is ProposalState.ACTIVE else "nobody voted"
    # Rounded against the outcome that is claimed: 49.9 % is never shown as 50.
    share = f"{100 * proposal.votes.in_favour // cast} % for" if cast else "only abstentions"
    if cast and proposal.rule.approval:
        share += f" of the {proposal.rule.approval} % it needs"
    if proposal.quorum_reached:
        return f"{share}, quorum reached"
    missing = proposal.quorum - proposal.votes.in_favour - proposal.votes.abstain
    more = -(-100 * missing // proposal.supply) if proposal.supply else 100
    if proposal.state is ProposalState.ACTIVE:
        return f"{share}, quorum in {more} % more"
    return f"{share}, quorum missed by {more} %"


def _objections(proposal: Proposal) -> str:
    """Of an optimistic vote: rounded down, so that what stops a proposal is never shown early."""
    against = 100 * proposal.votes.against // proposal.supply if proposal.supply else 0
    if not proposal.passes:
        return f"vetoed by {against} % of all votes"
    said = f"{against} % against" if proposal.votes.against else "nobody is against"
    return f"{said}, {proposal.rule.veto} % would stop it"


_Renderer = Callable[[Mandate, Proposal | None, int], Standing]
_PROPOSAL: dict[ProposalState, Callable[[Proposal, int], Standing]] = {
    ProposalState.PENDING: _pending,
    ProposalState.ACTIVE: _active,
    ProposalState.CANCELED: _canceled,
    ProposalState.DEFEATED: _defeated,
    ProposalState.SUCCEEDED: _succeeded,
    ProposalState.QUEUED: _queued,
    ProposalState.EXPIRED: _defeated,
    ProposalState.EXECUTED: _executed,
}
_S = MandateState
_MANDATE: dict[MandateState, _Renderer] = {
    _S.APPROVED: _approved,
    _S.RUNNING: _running,
    _S.STOPPING: _stopping,
    _S.UNCONFIRMED: _ended(_S.UNCONFIRMED, "done, waits to be confirmed by an observer", ""),
    _S.CONFIRMED: _ended(_S.CONFIRMED, "done and confirmed", ""),
    _S.FAILED: _ended(_S.FAILED, "failed; its mandate is spent", "mandate propose"),
    _S.ABANDONED: _ended(_S.ABANDONED, "abandoned; its mandate is spent", "mandate propose"),
    _S.REVOKED: _ended(_S.REVOKED, "revoked by the guardian", "mandate propose"),
    _S.WITHDRAWN: _ended(_S.WITHDRAWN, "withdrawn by its proposer", "mandate propose"),
    _S.SUPERSEDED: _ended(_S.SUPERSEDED, "superseded by another plan", "mandate status"),
    _S.EXPIRED: _ended(_S.EXPIRED, "approved, and expired unused", "mandate propose"),
}
