"""Fetching evidence: the chain, the store and this machine's rules. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..chain import BlockRef, ChainClient, Log, Sent
from ..checks.library import find_rules
from ..errors import Refused, UsageError
from ..governance import EmergencyPath, Governor, Proposal, Registry
from ..models import Digest, Tier, Urn, digest, subject_hash, to_hex
from ..plan.document import Document
from ..store import PlanStore
from .evidence import EmergencyEvidence, ProposalEvidence, RunEvidence
from .trace import operations_on


@dataclass(frozen=True, slots=True)
class Sources:
    """Where evidence comes from."""

    client: ChainClient
    registry: Registry
    governor: Governor
    store: PlanStore


@dataclass(frozen=True, slots=True)
class _Found:
    """A proposal or a declaration, and the block at which every endpoint shows it."""

    proposal: Proposal | None
    block: BlockRef
    final: bool
    emergency: EmergencyEvidence | None = None

    @property
    def since(self) -> int | None:
        """The block in which it was brought forward; None: it was not, yet."""
        if self.proposal is not None:
            return self.proposal.created.block_number
        return self.emergency.declared.block_number if self.emergency else None


def _declared(sources: Sources, plan: Digest) -> _Found:
    """An emergency, at the final block or, where it is too young, at the newest that all have."""
    final = sources.client.final_block()
    emergency = _emergency(sources, plan, final)
    if emergency is not None:
        return _Found(None, final, final=True, emergency=emergency)
    newest = sources.client.newest_block()
    return _Found(None, newest, final=False, emergency=_emergency(sources, plan, newest))


def _find(sources: Sources, plan: Digest, number: int | None) -> _Found:
    """At the final block; a proposal that is too young for it at the newest one that all have.

    No endpoint is believed alone in either case. Raises `UsageError` where there is none,
    `Refused` where proposal `number` approves another plan, `EndpointsDisagree`.
    """
    final = sources.client.final_block()
    found = _proposal_at(sources, plan, number, final)
    if found is not None:
        return _Found(found, final, final=True)
    newest = sources.client.newest_block()
    found = _proposal_at(sources, plan, number, newest)
    if found is None:
        raise UsageError(
            f"nobody proposed {to_hex(plan)} on this chain", next_step="mandate status"
        )
    return _Found(found, newest, final=False)


def _emergency(sources: Sources, plan: Digest, block: BlockRef) -> EmergencyEvidence | None:
    """The council's declaration of a plan, as every endpoint has it at a block."""
    client = sources.client
    declared = EmergencyPath(client).declared(until=block, planHash=plan)
    if not declared:
        return None
    gate = client.contract("emergency_gate")
    return EmergencyEvidence(
        gate.address, gate.abi, declared[-1], client.sent(declared[-1].transaction)
    )


def _proposal_at(
    sources: Sources, plan: Digest, number: int | None, block: BlockRef
) -> Proposal | None:
    if number is None:
        return sources.governor.find(plan, block)
    every = sources.governor.all(block)
    made = next((one for one in every if number in (one.number, one.id)), None)
    if made is None:
        return None
    if made.plan_hash != plan:
        raise Refused(
            4,
            f"proposal {number} approves another plan",
            meaning="An endpoint lies, or the chain was reorganised meanwhile.",
            next_step="mandate status",
            field="plan hash",
            expected=to_hex(plan),
            found=to_hex(made.plan_hash) if made.plan_hash else "none",
        )
    return sources.governor.proposal(made, block)


def fetch_document(sources: Sources, plan: Digest) -> bytes:
    """The stored bytes of a plan's document: by the store's own link, else by the proposal's text.

    Both are claims; whoever asked checks that the bytes make the plan hash. Raises `Refused`.
    """
    named = sources.store.document_of(plan)
    if named is None:
        proposal = sources.governor.find(plan)
        named = proposal.document if proposal else None
    if named is None:
        raise Refused(
            4,
            f"the plan store has no document for {to_hex(plan)}",
            meaning="Without its bytes nobody can check what the hash approves.",
            next_step="ask the proposer for the document; vote against what you cannot read",
        )
    return sources.store.get(named)


def collect_proposal(sources: Sources, plan: Digest, number: int | None = None) -> ProposalEvidence:
    """Everything `proposal.verify_proposal` looks at, as all endpoints have it at one block.

    `number` is the number or the id of a proposal: that one is looked at. Else it is the one that
    got furthest for the plan hash.

    Raises `UsageError`, `Refused`, `InvalidDocument` (without fields nothing can be asked) and
    `ChainError`.
    """
    data = fetch_document(sources, plan)
    document = Document.load(data)
    urgent = document.tier is Tier.EMERGENCY and number is None
    found = _declared(sources, plan) if urgent else _find(sources, plan, number)
    block = found.block
    subject = subject_hash(document.subject)
    completed = sources.registry.last_completed(subject, block, before=found.since)
    former = _stored(sources, sources.store.document_of(completed) if completed else None)
    config = sources.registry.subject_config(subject, block)
    return ProposalEvidence(
        domain=sources.client.trust.domain,
        registry_abi=sources.client.contract("registry").abi,
        plan_hash=plan,
        document=data,
        voted=found.proposal,
        emergency=found.emergency,
        config=config,
        mandate=sources.registry.mandate(plan, block),
        registry_hash=sources.registry.hash_plan(document.fields(), block),
        rules=find_rules(config.rules, sources.store),
        block=block,
        completed=completed,
        former=former,
        texts=(_texts(sources, former), _texts(sources, data)),
        final=found.final,
    )


def _texts(sources: Sources, document: bytes | None) -> bytes | None:
    """The program's texts that a document names; None where it names none, or they are lost."""
    source = Document.load(document).content["source"] if document is not None else None
    return _stored(sources, digest(source["content"])) if source is not None else None


def _stored(sources: Sources, named: Digest | None) -> bytes | None:
    """Bytes of the store; None where it lacks them, and whoever needs them says what that means."""
    if named is None:
        return None
    try:
        return sources.store.get(named)
    except Refused:
        return None


def collect_run(sources: Sources, plan: Digest, urn: Urn | None) -> RunEvidence:
    """Everything `trace.trace` looks at. Raises what `collect_proposal` raises."""
    proposal = collect_proposal(sources, plan)
    block, voted = proposal.block, proposal.voted
    history = sources.registry.history(plan, block)
    approved = _only(history, "Approved")
    begun = _only(history, "Begun")
    if begun is not None:
        # What people may do since then does not make an old run wrong.
        subject = digest(begun.arguments["subject"])
        config = sources.registry.subject_config_before(subject, begun, block)
        then = config or proposal.config
        rules = find_rules(then.rules, sources.store)
        proposal = replace(proposal, config=then, rules=rules)
    closed = _only(history, "Completed", "RunFailed")
    return RunEvidence(
        proposal=proposal,
        urn=urn,
        votes=tuple(sources.governor.votes(voted.number, block)) if voted else (),
        approved=approved,
        executed=_execution(sources, voted, block) if voted else None,
        approval=_transaction(sources, approved),
        begun=begun,
        begin=_transaction(sources, begun),
        executor_events=_executor_events(sources, begun, block),
        closed=closed,
        close=_transaction(sources, closed),
        receipt=_receipt(sources, closed),
    )


def last_plan_touching(sources: Sources, urn: Urn) -> Digest:
    """The plan of the newest run whose document holds an operation on a resource.

    Raises `UsageError` where no run touched it, `Refused` where a run's document is missing: then
    nobody can say.
    """
    final = sources.client.final_block()
    for begun in reversed(sources.client.logs("registry", "Begun", until=final)):
        document = Document.load(sources.store.get(digest(begun.arguments["document"])))
        if operations_on(document, urn):
            return digest(begun.arguments["planHash"])
    raise UsageError(
        f"no run on this chain touched {urn}",
        meaning="It was made before this registry, by a plan that never ran, or not by a mandate.",
        next_step="pulumi stack --show-urns",
    )


def _only(history: list[Log], *names: str) -> Log | None:
    """The last event of these names: each happens at most once to a hash."""
    found = [event for event in history if event.name in names]
    return found[-1] if found else None


def _transaction(sources: Sources, event: Log | None) -> Sent | None:
    return sources.client.sent(event.transaction) if event else None


def _execution(sources: Sources, proposal: Proposal, block: BlockRef) -> Log | None:
    events = sources.client.logs(proposal.created.governor, "ProposalExecuted", until=block)
    return next((one for one in events if one.arguments["proposalId"] == proposal.id), None)


def _executor_events(sources: Sources, begun: Log | None, block: BlockRef) -> tuple[Log, ...]:
    if begun is None:
        return ()
    where = {"executor": begun.arguments["executor"]}
    found: list[Log] = []
    for name in ("ExecutorEnrolled", "ExecutorRevoked"):
        found += sources.client.logs("executor_registry", name, where, until=block)
    return tuple(sorted(found, key=lambda event: (event.block_number, event.index)))


def _receipt(sources: Sources, closed: Log | None) -> bytes | None:
    if closed is None:
        return None
    named = sources.store.document_of(digest(closed.arguments["receiptRoot"]))
    return sources.store.get(named) if named else None
