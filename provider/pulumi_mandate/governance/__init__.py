"""What the electorate said: proposals, votes, mandates, and the sentence that sums them up."""

from .identity import proposal_id
from .lifecycle import Standing, Step, advance, next_step, standing
from .proposals import Governor
from .refusals import ProposalState
from .registry import ExecutorStatus, Mandate, Registry, SubjectConfig, Terms
from .values import Created, Proposal, Support, Tally, Vote

__all__ = [
    "Created",
    "ExecutorStatus",
    "Governor",
    "Mandate",
    "Proposal",
    "ProposalState",
    "Registry",
    "Standing",
    "Step",
    "SubjectConfig",
    "Support",
    "Tally",
    "Terms",
    "Vote",
    "advance",
    "next_step",
    "proposal_id",
    "standing",
]
