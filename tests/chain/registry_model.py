"""The registry as a few lines of Python: what it must say yes and no to, without looking at it.

Written from `contracts/README.md`, not from the Solidity; `test_registry_model.py` lets both live
through the same random histories. A new rule of the registry is a line here, or the two disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pulumi_mandate.models import (
    Digest,
    ExecutionOrder,
    MandateState,
    Outcome,
    Plan,
    Renewal,
    Tier,
)
from tests.chain.genesis import DAY, Terms

State = MandateState
_MOST_RENEWALS = 6


@dataclass(frozen=True)
class TierRules:
    """What a tier asks for. Seconds, operations, cents."""

    validity: int
    kinds: int
    attestations: int = 0
    cosign: bool = False
    operations: int | None = None
    """Budget of a subject over `window`; None: no budget."""
    cost: int = 0
    window: int = 7 * DAY


def tier_rules(terms: Terms) -> dict[Tier, TierRules]:
    """As `tests.chain.genesis` deploys them."""
    return {
        Tier.LOW: TierRules(3 * DAY, 0xC3, 1, operations=50, cost=100_00),
        Tier.MEDIUM: TierRules(terms.validity, 0xCF),
        Tier.HIGH: TierRules(terms.validity, 0xFF, terms.high_attestations, terms.high_cosign),
    }


@dataclass
class Spent:
    """What low plans took from a subject's budget; it comes back evenly over the window."""

    operations: int = 0
    cost: int = 0
    at: int = 0

    def left_over(self, now: int, window: int) -> tuple[int, int]:
        """What has not come back yet, rounded up."""
        part = max(0, window - (now - self.at))
        return -(-self.operations * part // window), -(-self.cost * part // window)


@dataclass
class Mandate:
    """What is kept about one plan hash."""

    state: State = State.NONE
    tier: Tier | None = None
    attestors: set[str] = field(default_factory=set)
    cosigned: bool = False
    expires_at: int = 0
    lease_until: int = 0
    renewals: int = 0
    epoch: int = 0
    executor: str = ""
    run_id: bytes = bytes(32)


@dataclass
class Key:
    """An executor's key."""

    active: bool
    epoch: int


@dataclass
class RegistryModel:
    """Every method says whether the registry must accept, and if so does it."""

    terms: Terms
    rules: dict[Digest, Digest]
    """By subject."""
    keys: dict[str, Key]
    runner: str
    attestors: frozenset[str] = frozenset()
    now: int = 0
    mandates: dict[Digest, Mandate] = field(default_factory=dict)
    last: dict[Digest, Digest] = field(default_factory=dict)
    """The last run of each subject."""
    spent: dict[Digest, Spent] = field(default_factory=dict)
    """By subject."""
    due: dict[Digest, int] = field(default_factory=dict)
    """When what an abandoned run left on a subject is due."""

    def of(self, plan: Digest) -> Mandate:
        return self.mandates.setdefault(plan, Mandate())

    def state(self, plan: Digest) -> State:
        found = self.of(plan)
        over = found.state is State.APPROVED and self.now >= found.expires_at
        return State.EXPIRED if over else found.state

    def running(self, subject: Digest) -> Digest | None:
        last = self.last.get(subject)
        runs = last is not None and self.of(last).state in (State.RUNNING, State.STOPPING)
        return last if runs else None

    # -- what people do ----------------------------------------------------------------------------

    def approve(self, plan: Digest, tier: Tier) -> bool:
        found, rules = self.of(plan), tier_rules(self.terms)[tier]
        attested = tier is not Tier.LOW or len(found.attestors) >= rules.attestations
        if self.state(plan) is not State.NONE or not attested:
            return False
        found.state, found.tier = State.APPROVED, tier
        found.expires_at = self.now + rules.validity
        return True

    def attest(self, plan: Digest, attestor: str) -> bool:
        found = self.of(plan)
        allowed = (
            self.state(plan) in (State.NONE, State.APPROVED)
            and attestor in self.attestors
            and attestor not in found.attestors
        )
        if allowed:
            found.attestors.add(attestor)
        return allowed

    def cosign(self, plan: Digest, *, by_council: bool) -> bool:
        allowed = by_council and self.state(plan) in (State.NONE, State.APPROVED)
        self.of(plan).cosigned |= allowed
        return allowed

    def revoke(self, plan: Digest) -> bool:
        after = {
            State.NONE: State.REVOKED,
            State.APPROVED: State.REVOKED,
            State.RUNNING: State.STOPPING,
        }.get(self.state(plan))
        if after is None:
            return False
        self.of(plan).state = after
        return True

    def revoke_hard(self, plan: Digest) -> bool:
        """As `revoke`, and for a run that is stopping already: its way back ends, too."""
        return self.revoke(plan) or self.state(plan) is State.STOPPING

    def withdraw(self, plan: Digest, *, by_proposer: bool) -> bool:
        if not by_proposer or self.state(plan) not in (State.NONE, State.APPROVED):
            return False
        self.of(plan).state = State.WITHDRAWN
        return True

    def begin(
        self, digest: Digest, plan: Plan, order: ExecutionOrder, signer: str, sender: str
    ) -> bool:
        found = self.of(digest)
        allowed = (
            self.state(digest) is State.APPROVED
            and plan.not_before <= self.now < plan.expires_at
            and self._fits_its_tier(found, plan)
            and plan.rules == self.rules.get(plan.subject)
            and sender == order.runner == self.runner
            and self.running(plan.subject) is None
            and self.now < self.due.get(plan.subject, self.now + 1)
            and order.plan_hash == digest
            and self._in_time(order.lease_until, self.now, order.deadline)
            and self._stands(signer, order.key_epoch)
        )
        if allowed:
            found.state, found.lease_until = State.RUNNING, order.lease_until
            found.expires_at = min(found.expires_at, plan.expires_at)
            found.executor, found.epoch = signer, order.key_epoch
            found.run_id = order.run_id
            self.last[plan.subject] = digest
            self._spend(plan)
        return allowed

    def take_over(
        self, digest: Digest, plan: Plan, order: ExecutionOrder, signer: str, previous: bytes
    ) -> bool:
        """Another key, another run id, after lease and grace; the mandate is the same."""
        found = self.of(digest)
        allowed = (
            found.state is State.RUNNING
            and plan.rules == self.rules.get(plan.subject)
            and self.now < found.expires_at
            and self.now > found.lease_until + self.terms.grace
            and previous == found.run_id != order.run_id
            and self._in_time(order.lease_until, self.now, order.deadline)
            and self._stands(signer, order.key_epoch)
            and signer != found.executor
        )
        if allowed:
            found.lease_until, found.executor = order.lease_until, signer
            found.epoch, found.run_id = order.key_epoch, order.run_id
        return allowed

    def renew(self, digest: Digest, renewal: Renewal, signer: str) -> bool:
        found = self.of(digest)
        allowed = (
            self.state(digest) is State.RUNNING
            and renewal.run_id == found.run_id
            and self.now < found.expires_at
            and self.now <= found.lease_until
            and found.renewals < _MOST_RENEWALS
            and self._in_time(renewal.lease_until, found.lease_until, renewal.deadline)
            and self._stands(signer, renewal.key_epoch)
            and signer == found.executor
            and renewal.key_epoch == found.epoch
        )
        if allowed:
            found.lease_until = renewal.lease_until
            found.renewals += 1
        return allowed

    def close(self, digest: Digest, outcome: Outcome, after: State, signer: str) -> bool:
        """A fact: no window, no lease; another key's word only once the run's own is gone."""
        found = self.of(digest)
        allowed = (
            found.state in (State.RUNNING, State.STOPPING)
            and outcome.run_id == found.run_id
            and self._stands(signer, outcome.key_epoch)
            and (signer == found.executor or not self.keys[found.executor].active)
        )
        if allowed:
            found.state = after
        return allowed

    def abandon(self, digest: Digest, subject: Digest) -> bool:
        found = self.of(digest)
        allowed = (
            found.state in (State.RUNNING, State.STOPPING)
            and self.last[subject] == digest
            and self.now > found.lease_until + self.terms.grace
        )
        if allowed:
            found.state = State.ABANDONED
            self.due.setdefault(subject, self.now + self.terms.clear_within)
        return allowed

    def revoke_key(self, account: str) -> bool:
        key = self.keys[account]
        was, key.active = key.active, False
        return was

    def _fits_its_tier(self, found: Mandate, plan: Plan) -> bool:
        if found.tier is None or plan.tier is not found.tier:
            return False
        rules = tier_rules(self.terms)[found.tier]
        fits = (
            plan.kinds & ~rules.kinds == 0
            and len(found.attestors) >= rules.attestations
            and (found.cosigned or not rules.cosign)
        )
        if rules.operations is None:
            return fits
        spent = self.spent.setdefault(plan.subject, Spent())
        operations, cost = spent.left_over(self.now, rules.window)
        return (
            fits
            and plan.operation_count <= max(0, rules.operations - operations)
            and plan.cost <= max(0, rules.cost - cost)
        )

    def _spend(self, plan: Plan) -> None:
        if plan.tier is Tier.LOW:
            rules, spent = tier_rules(self.terms)[Tier.LOW], self.spent[plan.subject]
            operations, cost = spent.left_over(self.now, rules.window)
            self.spent[plan.subject] = Spent(
                operations + plan.operation_count, cost + plan.cost, self.now
            )

    def _in_time(self, lease_until: int, earliest: int, deadline: int) -> bool:
        latest = self.now + self.terms.max_lease
        return earliest < lease_until <= latest and self.now <= deadline

    def _stands(self, signer: str, epoch: int) -> bool:
        key = self.keys.get(signer)
        return key is not None and key.active and key.epoch == epoch
