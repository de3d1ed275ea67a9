"""What the pure checks are given: facts as they were fetched, nothing derived."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..chain import BlockRef, Log, Sent
from ..chain.abi import Abi
from ..checks import Rules
from ..governance import Created, Declared, Mandate, Proposal, SubjectConfig, Vote
from ..models import Address, Digest, Domain, Urn
from .links import Broken


@dataclass(frozen=True, slots=True)
class EmergencyEvidence:
    """A declaration of the council."""

    gate: Address
    """From this machine's trust file."""
    gate_abi: Abi = field(repr=False)
    declared: Declared
    """The gate's event."""
    sent: Sent
    """The transaction in which the council's seats said so."""


@dataclass(frozen=True, slots=True)
class ProposalEvidence:
    """A plan hash, the bytes that are said to be its document, and who approves it by what."""

    domain: Domain
    """Chain and registry, from this machine's trust file."""
    registry_abi: Abi = field(repr=False)
    plan_hash: Digest
    """The one that was asked about."""
    document: bytes = field(repr=False)
    """As the store gave them."""
    voted: Proposal | None
    """The proposal to approve it; None: its document is an emergency's."""
    emergency: EmergencyEvidence | None
    """How the council approved it; None: it has not."""
    config: SubjectConfig
    """Of the subject that the document names."""
    mandate: Mandate
    registry_hash: Digest
    """The registry's own hash of the document's fields."""
    rules: Rules | None = field(repr=False)
    """Those that the subject's config names; None where they are nowhere to be had."""
    block: BlockRef
    """Where all endpoints were asked for everything above."""
    completed: Digest | None
    """The plan that completed last on the subject before this was proposed."""
    former: bytes | None = field(repr=False)
    """That plan's document, as the store gave it."""
    texts: tuple[bytes | None, bytes | None] = field(repr=False)
    """The program's texts before and after, as the store gave them."""
    final: bool
    """Whether that block is final; if not, the chain may still undo what was read."""

    @property
    def proposal(self) -> Proposal:
        """Raises `Broken` for an emergency, which has none."""
        if self.voted is None:
            raise Broken("nobody voted on it: it is an emergency")
        return self.voted

    @property
    def created(self) -> Created:
        return self.proposal.created


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """A proposal's evidence, and everything that came of it. None: it has not happened."""

    proposal: ProposalEvidence
    urn: Urn | None
    """The resource that was asked about; None: the whole plan."""
    votes: tuple[Vote, ...]
    approved: Log | None
    """The registry's `Approved`."""
    executed: Log | None
    """The governor's `ProposalExecuted` of this proposal."""
    approval: Sent | None
    """The transaction in which the registry approved."""
    begun: Log | None
    begin: Sent | None
    executor_events: tuple[Log, ...]
    """`ExecutorEnrolled` and `ExecutorRevoked` of the run's executor, in order."""
    closed: Log | None
    """`Completed` or `RunFailed`."""
    close: Sent | None
    receipt: bytes | None = field(repr=False)
    """As the store gave it; None where the run is open, or the store has none."""
