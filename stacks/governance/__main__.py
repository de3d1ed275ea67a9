"""Genesis: deploy the contracts, wire their roles, enrol subjects and keys, let go, seal.

The order is the one of contracts/README.md, whose step numbers stand in the comments. This is the
one deployment without a mandate, since nothing can give one before it; whatever it does is replayed
by `mandate doctor` from the chain's own events.
"""

from __future__ import annotations

import pulumi
from settings import Settings, load_settings
from wiring import Contracts, Genesis

from pulumi_mandate import EvmContract


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
    registry = EvmContract(
        "registry",
        artifact="PlanRegistry",
        arguments=[
            {
                "authority": manager.address,
                "executors": executors.address,
                "genesis": settings.deployer,
                "medium": settings.medium.as_argument(),
                "high": settings.high.as_argument(),
                "grace": settings.grace,
                "maxRenewals": settings.max_renewals,
            }
        ],
    )
    governor = EvmContract(
        "governor",
        artifact="MandateGovernor",
        arguments=[
            {
                "token": token.address,
                "accessManager": manager.address,
                "registry": registry.address,
                "guardian": settings.guardian,
                "votingDelay": settings.voting_delay,
                "votingPeriod": settings.voting_period,
                "lateQuorumExtension": settings.late_quorum_extension,
                "baseDelay": 0,
                "proposalThreshold": settings.proposal_threshold,
                "quorumPercent": settings.quorum_percent,
                "selectors": Contracts.governed_selectors(),
            }
        ],
    )
    return Contracts(token, manager, executors, registry, governor)


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
