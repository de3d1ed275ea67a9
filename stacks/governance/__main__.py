"""Genesis: deploy the contracts, wire their roles, enrol subjects and keys, let go, seal.

The order is the one of contracts/README.md, whose step numbers stand in the comments. This is the
one deployment without a mandate, since nothing can give one before it; whatever it does is replayed
by `mandate doctor` from the chain's own events.
"""

from __future__ import annotations

import pulumi
from settings import EmergencyPath, Settings, Vote, load_settings
from wiring import Contracts, Genesis

from pulumi_mandate import EvmContract
from pulumi_mandate.governance.wiring import callable_by
from pulumi_mandate.models import to_hex


def deploy(settings: Settings) -> Contracts:
    """Steps 1 to 5. Every address is known in the preview."""
    holders = [{"holder": one.holder, "amount": one.amount} for one in settings.holders]
    token = EvmContract(
        "token",
        artifact="MandateToken",
        arguments=[settings.token_name, settings.token_symbol, holders],
    )
    manager = EvmContract("manager", artifact="AccessManager", arguments=[settings.deployer])
    executors = EvmContract("executors", artifact="ExecutorRegistry", arguments=[manager.address])
    subjects = EvmContract("subjects", artifact="SubjectConfigs", arguments=[manager.address])
    obligations = EvmContract(
        "obligations",
        artifact="ObligationLedger",
        arguments=[manager.address, settings.audit_notice],
    )
    registry = EvmContract(
        "registry",
        artifact="PlanRegistry",
        arguments=[
            {
                "authority": manager.address,
                "executors": executors.address,
                "subjects": subjects.address,
                "obligations": obligations.address,
                "genesis": settings.deployer,
                **{tier: terms.as_argument() for tier, terms in settings.tiers().items()},
                "grace": settings.grace,
                "confirmWithin": settings.confirm_within,
                "clearWithin": settings.clear_within,
                "maxRenewals": settings.max_renewals,
            }
        ],
    )
    attestations = EvmContract(
        "attestations", artifact="AttestationLog", arguments=[registry.address]
    )
    found = Contracts(token, manager, executors, subjects, obligations, registry, attestations)
    votes = (
        ("low", settings.low_vote),
        ("standard", settings.standard_vote),
        ("critical", settings.critical_vote),
    )
    for name, vote in votes:
        found.governors[name] = governor(name, vote, found, settings)
    found.others["ballot_relay"] = EvmContract("relay", artifact="BallotRelay", arguments=[])
    seats = settings.council
    found.others["council"] = EvmContract(
        "council",
        artifact="Council",
        arguments=[seats.members, seats.threshold, seats.rotation_delay],
    )
    found.others["emergency_gate"] = emergency_gate(found, settings.emergency_path)
    return found


def emergency_gate(contracts: Contracts, path: EmergencyPath) -> EvmContract:
    """Made after the governor that it proposes ratifications to."""
    return EvmContract(
        "emergency-gate",
        artifact="EmergencyGate",
        arguments=[
            {
                "authority": contracts.manager.address,
                "registry": contracts.registry.address,
                "obligations": contracts.obligations.address,
                "council": contracts.others["council"].address,
                "governor": contracts.governors["critical"].address,
                "reportTerm": path.report_term,
                "ratifyTerm": path.ratify_term,
                "sunset": path.sunset,
            }
        ],
    )


def governor(name: str, vote: Vote, contracts: Contracts, settings: Settings) -> EvmContract:
    """Step 5, three times: one contract, and each electorate's own rules and functions."""
    return EvmContract(
        f"{name}-governor",
        artifact="MandateGovernor",
        arguments=[
            {
                "token": contracts.token.address,
                "accessManager": contracts.manager.address,
                "registry": contracts.registry.address,
                "guardian": settings.guardian,
                "votingDelay": vote.voting_delay,
                "votingPeriod": vote.voting_period,
                "lateQuorumExtension": vote.late_quorum_extension,
                "baseDelay": 0,
                "proposalThreshold": vote.proposal_threshold,
                "quorumPercent": vote.quorum_percent,
                "vetoPercent": vote.veto_percent,
                "approvalPercent": vote.approval_percent,
                "maxVotePercent": vote.max_vote_percent,
                "maxOpenPerProposer": vote.max_open_per_proposer,
                "selectors": [to_hex(one.selector) for one in callable_by(f"{name}_governor")],
            }
        ],
    )


def main() -> None:
    settings = load_settings(pulumi.Config().get)
    contracts = deploy(settings)
    genesis = Genesis(contracts, settings)
    genesis.wire_roles()
    genesis.enrol()
    genesis.let_go_and_seal()
    for name, contract in contracts.by_trust_name().items():
        pulumi.export(name, contract.address)
    pulumi.export("deployed_block", contracts.first_block())


main()
