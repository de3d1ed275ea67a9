"""Fetching evidence: the chain, the store and this machine's rules. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..chain import ChainClient, Log, Sent
from ..checks.rules import Rules
from ..errors import Refused, UsageError
from ..governance import Governor, Proposal, Registry
from ..models import Digest, Urn, digest, subject_hash, to_hex
from ..plan.document import Document
from ..store import PlanStore
from .evidence import ProposalEvidence, RunEvidence
from .trace import operations_on


@dataclass(frozen=True, slots=True)
class Sources:
    """Where evidence comes from."""

    client: ChainClient
    registry: Registry
    governor: Governor
    store: PlanStore


def find_proposal(sources: Sources, plan: Digest) -> Proposal:
    """The proposal of a plan hash. Raises `UsageError` where there is none."""
    found = sources.governor.find(plan)
    if found is None:
        raise UsageError(
            f"nobody proposed {to_hex(plan)} on this chain", next_step="mandate status"
        )
    return found


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


def collect_proposal(sources: Sources, plan: Digest) -> ProposalEvidence:
    """Everything `proposal.verify_proposal` looks at.

    Raises `UsageError`, `Refused`, `InvalidDocument` (without fields nothing can be asked) and
    `ChainError`.
    """
    data = fetch_document(sources, plan)
    document = Document.load(data)
    rules = Rules.load()
    return ProposalEvidence(
        domain=sources.client.trust.domain,
        registry_abi=sources.client.contract("registry").abi,
        plan_hash=plan,
        document=data,
        proposal=find_proposal(sources, plan),
        config=sources.registry.subject_config(subject_hash(document.subject)),
        mandate=sources.registry.mandate(plan),
        registry_hash=sources.registry.hash_plan(document.fields()),
        rules_here=rules.digest,
        judge=rules.judge,
    )


def collect_run(sources: Sources, plan: Digest, urn: Urn | None) -> RunEvidence:
    """Everything `trace.trace` looks at. Raises what `collect_proposal` raises."""
    proposal = collect_proposal(sources, plan)
    history = sources.registry.history(plan)
    approved = _only(history, "Approved")
    begun = _only(history, "Begun")
    if begun is not None:
        # What people may do since then does not make an old run wrong.
        subject = digest(begun.arguments["subject"])
        config = sources.registry.subject_config_before(subject, begun)
        proposal = replace(proposal, config=config or proposal.config)
    closed = _only(history, "Completed", "RunFailed")
    return RunEvidence(
        proposal=proposal,
        urn=urn,
        votes=tuple(sources.governor.votes(proposal.proposal.number)),
        approved=approved,
        executed=_execution(sources, proposal.proposal.id),
        approval=_transaction(sources, approved),
        begun=begun,
        begin=_transaction(sources, begun),
        executor_events=_executor_events(sources, begun),
        closed=closed,
        close=_transaction(sources, closed),
        receipt=_receipt(sources, closed),
    )


def last_plan_touching(sources: Sources, urn: Urn) -> Digest:
    """The plan of the newest run whose document holds an operation on a resource.

    Raises `UsageError` where no run touched it, `Refused` where a run's document is missing: then
    nobody can say.
    """
    for begun in reversed(sources.client.logs("registry", "Begun")):
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


def _execution(sources: Sources, proposal_id: int) -> Log | None:
    events = sources.client.logs("governor", "ProposalExecuted")
    return next((one for one in events if one.arguments["proposalId"] == proposal_id), None)


def _executor_events(sources: Sources, begun: Log | None) -> tuple[Log, ...]:
    if begun is None:
        return ()
    where = {"executor": begun.arguments["executor"]}
    found: list[Log] = []
    for name in ("ExecutorEnrolled", "ExecutorRevoked"):
        found += sources.client.logs("executor_registry", name, where)
    return tuple(sorted(found, key=lambda event: (event.block_number, event.index)))


def _receipt(sources: Sources, closed: Log | None) -> bytes | None:
    if closed is None:
        return None
    named = sources.store.document_of(digest(closed.arguments["receiptRoot"]))
    return sources.store.get(named) if named else None
