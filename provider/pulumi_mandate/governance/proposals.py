"""Proposals of the governors: make, find, read, vote, queue, execute.

A tier has its governor, and a called function belongs to one tier, so which governor a proposal is
on is never in doubt. It has that governor's id (a 256-bit hash) and a number for people: its place
among the ProposalCreated events of all governors, from 1. What it would do is read from its call,
never from its text; where the two differ, `Proposal.warnings` says so.
"""

from __future__ import annotations

from typing import Any

from pulumi_mandate.chain import Account, BlockRef, ChainClient, Log, Receipt
from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.governance.description import (
    Description,
    build_description,
    parse_description,
)
from pulumi_mandate.governance.identity import require_own_id
from pulumi_mandate.governance.refusals import ProposalState, explained
from pulumi_mandate.governance.values import Created, Proposal, Rule, Support, Tally, Vote
from pulumi_mandate.models import Address, Digest, Plan, Tier, digest, keccak, to_hex
from pulumi_mandate.models import plan_hash as hash_of

Block = BlockRef | str
APPROVALS = {
    Tier.LOW: "approveLow",
    Tier.MEDIUM: "approveMedium",
    Tier.HIGH: "approveHigh",
    Tier.CRITICAL: "approveCritical",
}
"""The registry's function by which each tier's electorate approves."""
GOVERNORS = {
    Tier.LOW: "low_governor",
    Tier.MEDIUM: "standard_governor",
    Tier.HIGH: "critical_governor",
    Tier.CRITICAL: "critical_governor",
}
"""The governor of each tier, by its name in the trust file's [governors]."""
RENEWAL = "renew"
"""The only call of a proposal that is not the registry's: the emergency path for another year."""
_TIER_OF = {function: tier for tier, function in APPROVALS.items()}


class Governor:
    """Reads and writes of all governors as one."""

    def __init__(self, client: ChainClient) -> None:
        self._client = client
        self._rules: dict[tuple[str, bool], Rule] = {}

    # -- making -----------------------------------------------------------------------------

    def propose(
        self, plan: Plan, plan_hash: Digest, description: str, account: Account
    ) -> Proposal:
        """Propose a plan to the electorate of its tier.

        `plan_hash` is the one that was shown to people; it must be this plan's. `description` is a
        title, an empty line and a summary; the lines for machines are added, and checked where
        they are there already. Raises `Refused` and `UsageError` before anything is sent.
        """
        found = hash_of(self._client.trust.domain, plan)
        _must_equal("plan hash", to_hex(plan_hash), to_hex(found))
        _must_equal("proposer", plan.proposer, account.address)
        if plan.tier not in APPROVALS:
            raise Refused(
                0,
                f"no electorate here approves plans of tier {plan.tier.name.lower()}",
                meaning="An emergency is declared by the council, and its document says so.",
                next_step="mandate emergency declare PLAN-HASH --file FILE",
            )
        text = _text(description, account.address, plan_hash=found, document=plan.document)
        return self._propose(account, APPROVALS[plan.tier], (found,), text)

    def propose_call(
        self, function: str, *arguments: Any, description: str, account: Account
    ) -> Proposal:
        """Propose what is no plan: `configureSubject`, `enrolExecutor`, the gate's `renew`."""
        if function in _TIER_OF:
            raise UsageError("a plan is proposed by `propose`, which checks its hash")
        text = _text(description, account.address)
        return self._propose(account, function, arguments, text)

    def _propose(
        self, account: Account, function: str, arguments: tuple[Any, ...], text: str
    ) -> Proposal:
        target = self._client.contract("emergency_gate" if function == RENEWAL else "registry")
        name = GOVERNORS[_TIER_OF.get(function, Tier.CRITICAL)]
        calldata = target.abi.encode_call(function, arguments)
        with explained():
            receipt = self._client.transact(
                account, name, "propose", [target.address], [0], [calldata], text
            )
        governor = self._client.contract(name)
        made = next(e for e in receipt.events(governor) if e.name == "ProposalCreated")
        return self.proposal(made.arguments["proposalId"])

    # -- reading ----------------------------------------------------------------------------

    def all(self, until: BlockRef | None = None) -> list[Created]:
        """Every proposal there ever was, in order. With `until` every endpoint must agree."""
        events = [
            (event, name)
            for name in dict.fromkeys(GOVERNORS.values())
            for event in self._client.logs(name, "ProposalCreated", until=until)
        ]
        events.sort(key=lambda found: (found[0].block_number, found[0].index))
        return [
            self._created(number, name, event)
            for number, (event, name) in enumerate(events, start=1)
        ]

    def created(self, reference: int, at: Block = "latest") -> Created:
        """By number or by id; with a `BlockRef` as every endpoint has it there.

        Raises `UsageError` where there is none.
        """
        for one in self.all(_until(at)):
            if reference in (one.number, one.id):
                return one
        raise UsageError(
            f"there is no proposal {reference} on this chain",
            next_step="`mandate status` lists the proposals",
        )

    def agreed(self, reference: int) -> Created:
        """A proposal to sign a ballot for: all endpoints show the same, and its id is its own.

        Raises `UsageError` where there is none, `EndpointsDisagree`, `Refused`.
        """
        made = self.created(reference, self._client.newest_block())
        require_own_id(made)
        return made

    def proposal(self, reference: int | Created, at: Block = "latest") -> Proposal:
        """Where a proposal stands. Raises `UsageError` where there is none."""
        made = reference if isinstance(reference, Created) else self.created(reference, at)
        ask, governor = self._client.call, made.governor
        snapshot = ask(governor, "proposalSnapshot", made.id, block=at)
        against, in_favour, abstain = ask(governor, "proposalVotes", made.id, block=at)
        eta = ask(governor, "proposalEta", made.id, block=at)
        quorum, supply = self._quorum(governor, snapshot, at)
        return Proposal(
            created=made,
            state=ProposalState(ask(governor, "state", made.id, block=at)),
            snapshot=snapshot,
            deadline=ask(governor, "proposalDeadline", made.id, block=at),
            eta=eta,
            scheduled=bool(eta) and self._scheduled(made, at),
            votes=Tally(in_favour, against, abstain),
            quorum=quorum,
            supply=supply,
            rule=self._rule(governor, at),
        )

    def find(self, wanted: Digest, at: Block = "latest") -> Proposal | None:
        """The proposal that matters for a plan hash: the one that got furthest, else the newest.

        There may be several: anybody may propose the same plan with another text.
        """
        made = [one for one in self.all(_until(at)) if one.plan_hash == wanted]
        found = [self.proposal(one, at) for one in made]
        return max(found, key=lambda p: (_PROGRESS.index(p.state), p.number), default=None)

    def votes(self, reference: int, until: BlockRef | None = None) -> list[Vote]:
        """All ballots on a proposal, in order."""
        made = self.created(reference, until or "latest")
        events = self._client.logs(made.governor, "VoteCast", until=until)
        return [_vote(e) for e in events if e.arguments["proposalId"] == made.id]

    def weight(self, voter: Address, reference: int | Proposal) -> int:
        """What a voter's ballot counts; by what he has now while the voting is not open."""
        one = reference if isinstance(reference, Proposal) else self.proposal(reference)
        if one.state is ProposalState.PENDING:
            held = int(self._client.call("token", "getVotes", voter))
        else:
            held = int(self._client.call(one.created.governor, "getVotes", voter, one.snapshot))
        return min(held, one.supply * one.rule.cap // 100) if one.rule.cap else held

    # -- moving -----------------------------------------------------------------------------

    def vote(self, reference: int, support: Support, account: Account, reason: str = "") -> Receipt:
        """Cast a ballot for the proposal that `agreed` gives; raises what that raises.

        Raises `ContractRefused` where the voting is not open or one has voted.
        """
        made = self.agreed(reference)
        arguments: tuple[Any, ...] = (made.id, int(support))
        if reason:
            return self._transact(account, made, "castVoteWithReason", *arguments, reason)
        return self._transact(account, made, "castVote", *arguments)

    def queue(self, reference: int, account: Account) -> Receipt:
        """Start the delay of a proposal that has passed. Anybody may."""
        return self._move(account, "queue", reference)

    def execute(self, reference: int, account: Account) -> Receipt:
        """Carry out a proposal whose delay is over. Anybody may."""
        return self._move(account, "execute", reference)

    def cancel(self, reference: int, account: Account) -> Receipt:
        """Take a proposal back: its proposer before the voting, the guardian at any time."""
        return self._move(account, "cancel", reference)

    # -- inside -----------------------------------------------------------------------------

    def _transact(self, account: Account, made: Created, function: str, *arguments: Any) -> Receipt:
        with explained():
            return self._client.transact(account, made.governor, function, *arguments)

    def _move(self, account: Account, function: str, reference: int) -> Receipt:
        made = self.created(reference)
        call = [made.target], [0], [made.calldata], keccak(made.text.encode())
        return self._transact(account, made, function, *call)

    def _rule(self, governor: str, at: Block) -> Rule:
        """Read once, and once more where all endpoints must agree: it never changes."""
        key = (governor, isinstance(at, BlockRef))
        if key not in self._rules:
            names = ("vetoPercent", "approvalPercent", "maxVotePercent")
            ask = self._client.call
            self._rules[key] = Rule(*(ask(governor, name, block=at) for name in names))
        return self._rules[key]

    def _quorum(self, governor: str, snapshot: int, at: Block) -> tuple[int, int]:
        """(quorum, supply) at the snapshot; by today's supply while the snapshot is to come."""
        ask = self._client.call
        if snapshot < ask(governor, "clock", block=at):
            return (
                ask(governor, "quorum", snapshot, block=at),
                ask("token", "getPastTotalSupply", snapshot, block=at),
            )
        supply = ask("token", "totalSupply", block=at)
        share = ask(governor, "quorumNumerator()", block=at)
        return supply * share // ask(governor, "quorumDenominator", block=at), supply

    def _scheduled(self, made: Created, at: Block) -> bool:
        caller = getattr(self._client.trust, made.governor)
        operation = self._client.call(
            "access_manager", "hashOperation", caller, made.target, made.calldata, block=at
        )
        return bool(self._client.call("access_manager", "getSchedule", operation, block=at))

    def _created(self, number: int, governor: str, event: Log) -> Created:
        values = event.arguments
        target, calldata = values["targets"][0], values["calldatas"][0]
        function, arguments = self._decoded(target, calldata)
        tier = _TIER_OF.get(function, Tier.CRITICAL)
        approved = digest(arguments[0]) if function in _TIER_OF else None
        text, proposer = values["description"], values["proposer"]
        description, warnings = _read(text, approved, proposer)
        return Created(
            number=number,
            id=values["proposalId"],
            proposer=proposer,
            target=target,
            calldata=calldata,
            text=text,
            function=function,
            arguments=arguments,
            plan_hash=approved,
            tier=tier,
            description=description,
            warnings=warnings,
            block_number=event.block_number,
            transaction=event.transaction,
            governor=governor,
        )

    def _decoded(self, target: Address, calldata: bytes) -> tuple[str, tuple[Any, ...]]:
        gate = target.lower() == self._client.trust.emergency_gate.lower()
        contract = self._client.contract("emergency_gate" if gate else "registry")
        try:
            found = contract.abi.decode_call(calldata)
        except Exception:  # eth_abi has no common root for arguments that are not the function's
            found = None
        return ("", ()) if found is None else (found[0], tuple(found[1].values()))


_PROGRESS = (
    ProposalState.CANCELED,
    ProposalState.EXPIRED,
    ProposalState.DEFEATED,
    ProposalState.PENDING,
    ProposalState.ACTIVE,
    ProposalState.SUCCEEDED,
    ProposalState.QUEUED,
    ProposalState.EXECUTED,
)
"""From dead to done."""


def _until(at: Block) -> BlockRef | None:
    return at if isinstance(at, BlockRef) else None


def _must_equal(what: str, expected: str, found: str) -> None:
    if expected != found:
        raise Refused(
            0,
            f"the plan to propose has another {what} than was said",
            field=what,
            expected=expected,
            found=found,
        )


def _text(
    description: str,
    proposer: Address,
    plan_hash: Digest | None = None,
    document: Digest | None = None,
) -> str:
    """The whole text. One that has its machine lines already must have the right ones."""
    try:
        if "#proposer=" in description:
            given = parse_description(description)
            expected = (plan_hash, document, proposer)
            if (given.plan_hash, given.document, given.proposer) != expected:
                raise ValueError("its last lines are about another plan or proposer")
            return description
        title, _, summary = description.partition("\n")
        return build_description(title, summary, proposer, plan_hash=plan_hash, document=document)
    except ValueError as error:
        raise UsageError(f"the proposal's text cannot be used: {error}") from error


def _read(
    text: str, approved: Digest | None, proposer: Address
) -> tuple[Description | None, tuple[str, ...]]:
    """The text, and where it says something else than the chain."""
    try:
        description = parse_description(text)
    except ValueError as error:
        return None, (f"the text is not of the usual form: {error}",)
    warnings = []
    if description.plan_hash != approved:
        warnings.append("the text names another plan than the one it would approve")
    if description.proposer.lower() != proposer.lower():
        warnings.append("the text names another proposer than the one who proposed")
    return description, tuple(warnings)


def _vote(event: Log) -> Vote:
    values = event.arguments
    return Vote(
        voter=values["voter"],
        support=Support(values["support"]),
        weight=values["weight"],
        reason=values["reason"],
        block_number=event.block_number,
        transaction=event.transaction,
    )
