"""What the electorate said: proposals, votes, mandates, and the sentence that sums them up."""

from .consent import Consent, Duty, Obligation
from .emergency import Declared, EmergencyPath, Incident
from .identity import proposal_id
from .lifecycle import Standing, Step, advance, next_step, standing
from .proposals import GOVERNORS, Governor
from .refusals import ProposalState
from .registry import ExecutorStatus, Mandate, Registry, SubjectConfig, Terms
from .values import Created, Proposal, Rule, Support, Tally, Vote

__all__ = [
    "GOVERNORS",
    "Consent",
    "Created",
    "Declared",
    "Duty",
    "EmergencyPath",
    "ExecutorStatus",
    "Governor",
    "Incident",
    "Mandate",
    "Obligation",
    "Proposal",
    "ProposalState",
    "Registry",
    "Rule",
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
