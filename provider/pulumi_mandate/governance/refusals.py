"""What a contract's refusal means to a person, and what to do next. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from enum import IntEnum

from pulumi_mandate.errors import ContractRefused
from pulumi_mandate.models import MandateState, Tier


class ProposalState(IntEnum):
    """OpenZeppelin's numbers."""

    PENDING = 0
    ACTIVE = 1
    CANCELED = 2
    DEFEATED = 3
    SUCCEEDED = 4
    QUEUED = 5
    EXPIRED = 6
    EXECUTED = 7


_STATUS = "`mandate status` shows where the mandate stands"
_MEANINGS: Mapping[str, tuple[str, str]] = {
    "PlanRegistryNotSealed": (
        "genesis is not over, so nothing can be approved yet",
        "ask whoever deploys the contracts to seal the registry",
    ),
    "PlanRegistryUnexpectedState": ("the mandate is {current}; this needs {expected}", _STATUS),
    "PlanRegistryWrongTier": (
        "the plan says tier {planned}, and the electorate of tier {approved} approved it",
        "propose the plan again; its tier chooses the electorate",
    ),
    "PlanRegistryOutsideWindow": (
        "the plan may begin from {notBefore} and before {expiresAt}; chain time is {time}",
        "wait for the window, or propose the change again",
    ),
    "PlanRegistryUnknownSubject": (
        "this stack was never configured on chain",
        "propose a subject config first",
    ),
    "PlanRegistryWrongRules": (
        "the plan was judged under other rules than the subject has now",
        "preview and propose again under the current rules",
    ),
    "PlanRegistryNotProposer": (
        "{account} is not enrolled as a proposer of this stack, or is not this plan's",
        "propose with an enrolled account, or have this one enrolled by a vote",
    ),
    "PlanRegistryNotRunner": (
        "{account} is not enrolled as a runner of this stack",
        "run with an enrolled runner, or have this one enrolled by a vote",
    ),
    "PlanRegistryWrongRunner": (
        "the order names the runner {ordered}, and {sender} sent it",
        "send it from the runner of the trust file",
    ),
    "PlanRegistrySubjectBusy": (
        "another plan of this stack is running: {running}",
        "wait until it is closed; if it hangs, `mandate abandon` after its lease and grace",
    ),
    "PlanRegistryNotAttested": (
        "{attestations} attestors have reproduced the plan; its tier needs {needed}",
        "mandate verify PROPOSAL --rebuild --attest FILE, then mandate attest FILE",
    ),
    "PlanRegistryNotCosigned": (
        "the council has not cosigned the plan, or its proposer sits there alone",
        "ask the council: mandate cosign PROPOSAL",
    ),
    "PlanRegistryNotFinanced": (
        "the plan adds {cost} US cents a month to the bill, and the stack's cap is {cap}",
        "ask the finance cosigner: mandate cosign PROPOSAL --finance",
    ),
    "PlanRegistryNotFinance": (
        "{account} is not the stack's finance cosigner, or proposed this plan",
        "mandate subjects",
    ),
    "PlanRegistryOverBudget": (
        "low plans may begin {left} more of this now, and the plan asks for {asked}",
        "wait until the budget comes back, or propose it for another tier",
    ),
    "PlanRegistryReserved": (
        "a high plan has reserved the stack: {planHash}",
        "wait until it has begun or has expired",
    ),
    "PlanRegistryOverdue": (
        "something is overdue on this stack, and this plan does not cure it",
        "mandate obligations",
    ),
    "PlanRegistryNotClearable": (
        "this plan cannot clear {obligation}: it is cleared, another stack's, or needs tier {tier}",
        "mandate obligations",
    ),
    "PlanRegistryOtherState": (
        "what was seen is {observed}, and the run says {stated}",
        "do not confirm it; what nobody confirms becomes an obligation",
    ),
    "AttestationLogNotAttestor": (
        "{account} is no attestor of this stack, or proposed the plan",
        "mandate subjects",
    ),
    "SubjectConfigsAttested": ("this attestation is counted already", _STATUS),
    "ExecutorRegistryNotAwaited": (
        "no vote for {executor} awaits the council, or it has waited too long",
        "mandate executors add",
    ),
    "PlanRegistryOrderExpired": ("the signed message is too old", "type the same command again"),
    "PlanRegistryExecutorNotActive": (
        "{signer} is not an enrolled executor under key epoch {keyEpoch}",
        "check [executor] in the trust file; enrolling a key takes a vote",
    ),
    "PlanRegistryExecutorConflict": (
        "the executor may not also be the proposer or the runner",
        "use separate keys",
    ),
    "PlanRegistryLeaseRunning": (
        "the run still holds its lease and grace, until {until} (chain time)",
        "wait until then",
    ),
    "PlanRegistryTooManyRenewals": ("the lease was renewed as often as is allowed", _STATUS),
    "GovernorUnexpectedProposalState": (
        "the proposal is {current}; this needs {expectedStates}",
        "`mandate status` shows what comes next",
    ),
    "GovernorAlreadyCastVote": ("{voter} has voted on it already", "a vote cannot be changed"),
    "GovernorInsufficientProposerVotes": (
        "{proposer} holds {votes} votes and proposing takes {threshold}",
        "propose with an account that has enough votes, or get them delegated",
    ),
    "GovernorNonexistentProposal": (
        "there is no such proposal on this governor",
        "`mandate status` lists the proposals",
    ),
    "GovernorRestrictedProposer": (
        "the text names another proposer than the sender",
        "propose from the account that the text names",
    ),
    "GovernorUnmetDelay": (
        "its delay is not over: it may be executed from {neededTimestamp} (chain time)",
        "wait until then, and type the same command again",
    ),
    "AccessManagerNotReady": ("its delay is not over", "wait, and type the same command again"),
    "AccessManagerExpired": (
        "it waited too long in the queue and has expired",
        "propose the change again",
    ),
    "AccessManagerAlreadyScheduled": (
        "another proposal with the same call is queued already",
        "advance that one instead: `mandate status` lists the proposals",
    ),
    "AccessManagerNotScheduled": (
        "it was cancelled in the queue, by a guardian or by its proposer",
        "ask why, and propose again",
    ),
    "AccessManagedUnauthorized": ("{caller} may not do this", "ask whoever holds the role"),
    "MandateGovernorTooManyOpen": (
        "{proposer} has {most} proposals before the voters already",
        "wait until one of their votes is over, or take one back: `mandate withdraw`",
    ),
    "EmergencyGateOff": (
        "the emergency path is off: its year is over, or something was overdue",
        "propose to switch it on: mandate emergency renew",
    ),
    "EmergencyGateOverdue": (
        "a report or a ratification is overdue or came too late",
        "mandate emergency show; then a critical vote: mandate emergency renew",
    ),
    "EmergencyGateOtherIncident": (
        "another incident is open, and only it may take another plan",
        "mandate emergency show",
    ),
    "EmergencyGateSpentIncident": (
        "this incident is closed, or has taken three plans already",
        "propose it to the voters: mandate propose, without --emergency",
    ),
    "EmergencyGateTooFewSeats": (
        "{signed} seats have signed, and it takes {needed}",
        "give the file to another seat: mandate emergency declare",
    ),
    "EmergencyGateOrderExpired": (
        "the signatures are too old",
        "sign anew, with a file that does not exist yet",
    ),
    "EmergencyGateNothingToPropose": (
        "nothing is owed under it, or its ratification is before the voters already or lost there",
        "mandate ratify",
    ),
    "EmergencyGateCannotReport": (
        "there is no incident to report, it is reported, or {caller} has no seat in the council",
        "mandate emergency show",
    ),
    "EmergencyGateOutOfGas": (
        "too little gas for the ratification",
        "type the same command again",
    ),
    "CouncilRotationWaits": (
        "the rotation may be made from {readyAt} (chain time)",
        "wait until then, and type the same command again",
    ),
    "BallotRelayOutOfGas": ("too little gas for the ballots", "type the same command again"),
    "MandateGovernorForbiddenCall": (
        "this electorate may not call that function",
        "propose to the governor of the plan's tier",
    ),
}
"""By custom error: what it means and what to do; names in braces are the error's own values."""
_STATES: Mapping[str, type[IntEnum]] = {
    "PlanRegistryUnexpectedState": MandateState,
    "PlanRegistryWrongTier": Tier,
    "PlanRegistryNotClearable": Tier,
    "GovernorUnexpectedProposalState": ProposalState,
}


def explain(error: ContractRefused) -> ContractRefused:
    """The same refusal with meaning and next step, where the custom error is a known one."""
    known = _MEANINGS.get(error.error)
    if known is None:
        return error
    meaning, next_step = known
    words = {name: _word(error.error, name, value) for name, value in error.arguments.items()}
    return ContractRefused(
        error.happened,
        error=error.error,
        arguments=error.arguments,
        meaning=meaning.format_map(words),
        next_step=next_step,
    )


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Explain whatever contract refuses inside."""
    try:
        yield
    except ContractRefused as error:
        raise explain(error) from error


def _word(error: str, name: str, value: object) -> str:
    states = _STATES.get(error)
    if states is not None and isinstance(value, int) and value in states._value2member_map_:
        return states(value).name.lower()
    if isinstance(value, bytes):
        if states is not None and name.startswith("expected"):
            mask = int.from_bytes(value)
            return " or ".join(s.name.lower() for s in states if mask >> s & 1)
        return "0x" + value.hex()
    return str(value)
