"""Plans, orders and outcomes for tests on a deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pulumi_mandate.chain import Receipt
from pulumi_mandate.governance import Governor, Proposal, Registry, Support
from pulumi_mandate.governance.council import Agreement, Council
from pulumi_mandate.models import (
    NO_CLEARS,
    Digest,
    ExecutionOrder,
    Outcome,
    OutcomeKind,
    Plan,
    Tier,
    council_digest,
    keccak,
    plan_hash,
    signing_digest,
    subject_hash,
)
from tests.chain.genesis import DAY, SEATS, Deployment, Person


def a_plan(deployment: Deployment, salt: str = "salt", tier: Tier = Tier.MEDIUM) -> Plan:
    now = deployment.client.now()
    return Plan(
        subject=subject_hash(deployment.terms.subject),
        effect_root=keccak(b"effect root"),
        operation_count=3,
        kinds=0b11,
        cost=0,
        program=keccak(b"program"),
        toolchain=keccak(b"toolchain"),
        rules=deployment.terms.rules,
        checks=keccak(b"checks"),
        rollback=keccak(b"rollback"),
        document=keccak(b"document"),
        clears=NO_CLEARS,
        proposer=deployment.people["proposer"].address,
        tier=tier,
        not_before=now,
        expires_at=now + 60 * DAY,
        salt=keccak(salt.encode()),
    )


def hash_of(deployment: Deployment, plan: Plan) -> Digest:
    return plan_hash(deployment.domain, plan)


def propose(deployment: Deployment, plan: Plan) -> Proposal:
    governor = Governor(deployment.client)
    text = "A second bucket\n\n+ aws:s3 bucket logs"
    return governor.propose(plan, hash_of(deployment, plan), text, deployment.people["proposer"])


def pass_the_vote(deployment: Deployment, proposal: Proposal) -> None:
    """Open the voting, vote for, close the voting."""
    governor = Governor(deployment.client)
    deployment.advance(deployment.terms.voting_delay + 1)
    for name in ("ana", "ben"):
        governor.vote(proposal.number, Support.FOR, deployment.people[name])
    deployment.advance(deployment.terms.voting_period_of(proposal.created.tier) + 1)


def approve(deployment: Deployment, plan: Plan) -> Proposal:
    """The whole way of a plan, up to Approved."""
    governor, anybody = Governor(deployment.client), deployment.people["stranger"]
    proposal = propose(deployment, plan)
    pass_the_vote(deployment, proposal)
    governor.queue(proposal.number, anybody)
    delays = {Tier.MEDIUM: deployment.terms.medium_delay, Tier.HIGH: deployment.terms.high_delay}
    deployment.advance(delays[plan.tier] + 1)
    governor.execute(proposal.number, anybody)
    return governor.proposal(proposal.number)


def council_says(
    deployment: Deployment, wanted: Agreement, seats: Sequence[str] = SEATS[:2]
) -> Receipt:
    """These members sign, and somebody carries it."""
    digest = council_digest(wanted.call)
    signatures = {one.address: one.sign_digest(digest) for one in map(Person, seats)}
    agreed = replace(wanted, signatures=signatures)
    return Council(deployment.client).act(agreed, deployment.people["stranger"])


def an_order(deployment: Deployment, plan: Plan) -> ExecutionOrder:
    now = deployment.client.now()
    return ExecutionOrder(
        plan_hash=hash_of(deployment, plan),
        run_id=keccak(b"run" + plan.salt),
        runner=deployment.people["runner"].address,
        lease_until=now + 3600,
        key_epoch=1,
        deadline=now + 600,
    )


def an_outcome(order: ExecutionOrder, kind: OutcomeKind) -> Outcome:
    return Outcome(order.run_id, kind, keccak(b"receipts"), keccak(b"post state"), order.key_epoch)


def signed(deployment: Deployment, message: ExecutionOrder | Outcome) -> bytes:
    executor = deployment.people["executor"]
    return executor.sign_digest(signing_digest(deployment.domain, message))


def begin(deployment: Deployment, plan: Plan) -> ExecutionOrder:
    order = an_order(deployment, plan)
    Registry(deployment.client).begin(
        plan, order, signed(deployment, order), deployment.people["runner"]
    )
    return order


def with_salt(plan: Plan, salt: str) -> Plan:
    return replace(plan, salt=keccak(salt.encode()))
