"""The registry as a few lines of Python: what it must say yes and no to, without looking at it.

Written from `contracts/README.md`, not from the Solidity; `test_registry_model.py` lets both live
through the same random histories. A new rule of the registry is a line here, or the two disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pulumi_mandate.governance.consent import Duty
from pulumi_mandate.models import (
    NO_CLEARS,
    ZERO,
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
    """Budget of a subject within any `window`, half of it at once; None: no budget."""
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
    """What low plans took from half a subject's budget; it comes back evenly over the window."""

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
    subject: Digest | None = None
    """Known once somebody has attested it."""
    attestors: set[str] = field(default_factory=set)
    cosigned: bool = False
    financed: bool = False
    expires_at: int = 0
    lease_until: int = 0
    renewals: int = 0
    epoch: int = 0
    executor: str = ""
    run_id: bytes = bytes(32)
    closed_at: int = 0
    post_state: bytes = bytes(32)


@dataclass
class Key:
    """An executor's key."""

    active: bool
    epoch: int


@dataclass
class Debt:
    """An open obligation."""

    tier: Tier
    due: int
    cause: Digest
    id: Digest | None = None
    """Whoever lets the registry open one tells what it called it."""


@dataclass
class RegistryModel:
    """Every method says whether the registry must accept, and if so does it."""

    terms: Terms
    rules: dict[Digest, Digest]
    """By subject."""
    keys: dict[str, Key]
    runner: str
    attestors: dict[Digest, frozenset[str]]
    """By subject, as its config names them now."""
    finance: str
    now: int = 0
    mandates: dict[Digest, Mandate] = field(default_factory=dict)
    last: dict[Digest, Digest] = field(default_factory=dict)
    """The last run of each subject."""
    spent: dict[Digest, Spent] = field(default_factory=dict)
    """By subject."""
    debts: dict[tuple[Digest, Duty], Debt] = field(default_factory=dict)
    """By subject and duty."""
    reserved: dict[Digest, tuple[Digest, int]] = field(default_factory=dict)
    """By subject: for which plan, until when."""

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
        attested = tier is not Tier.LOW or self.attested(plan) >= rules.attestations
        if self.state(plan) is not State.NONE or not attested:
            return False
        found.state, found.tier = State.APPROVED, tier
        found.expires_at = self.now + rules.validity
        return True

    def attested(self, plan: Digest) -> int:
        """How many of those who are attestors now have reproduced it."""
        found = self.of(plan)
        return len(found.attestors & self.attestors[found.subject]) if found.subject else 0

    def attest(self, plan: Digest, subject: Digest, attestor: str, *, same_root: bool) -> bool:
        """Whether or not he had the secrets: the root must be the plan's."""
        found = self.of(plan)
        allowed = (
            same_root
            and self.state(plan) in (State.NONE, State.APPROVED)
            and attestor in self.attestors[subject]
            and attestor not in found.attestors
        )
        if allowed:
            found.subject = subject
            found.attestors.add(attestor)
        return allowed

    def cosign_finance(self, plan: Digest, by: str) -> bool:
        allowed = by == self.finance and self.state(plan) in (State.NONE, State.APPROVED)
        self.of(plan).financed |= allowed
        return allowed

    def supersede(self, plan: Digest, successor: Digest, *, by_proposer: bool) -> bool:
        allowed = (
            by_proposer
            and plan != successor
            and self.state(plan) in (State.NONE, State.APPROVED)
            and self.state(successor) is State.APPROVED
        )
        if allowed:
            self.of(plan).state = State.SUPERSEDED
        return allowed

    def reservation(self, subject: Digest) -> Digest | None:
        """For which plan low ones wait: until it begins, is burned, or has expired."""
        plan, until = self.reserved.get(subject, (ZERO, 0))
        waits = self.now < until and self.state(plan) in (State.NONE, State.APPROVED)
        return plan if waits else None

    def reserve(self, digest: Digest, plan: Plan) -> bool:
        """For an approved plan; what a governor has queued has its own tests."""
        found = self.of(digest)
        allowed = (
            plan.tier in (Tier.HIGH, Tier.CRITICAL)
            and self.reservation(plan.subject) in (None, digest)
            and self.state(digest) is State.APPROVED
            and found.tier is plan.tier
        )
        if allowed:
            self.reserved[plan.subject] = digest, found.expires_at
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
            and (plan.tier is not Tier.LOW or self.reservation(plan.subject) is None)
            and plan.not_before <= self.now < plan.expires_at
            and self._fits_its_tier(found, plan)
            and plan.rules == self.rules.get(plan.subject)
            and sender == order.runner == self.runner
            and self.running(plan.subject) is None
            and (plan.cost <= self.terms.cost_cap or found.financed)
            and self._owes_nothing_else(plan)
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
            found.state, found.closed_at = after, self.now
            if after is State.UNCONFIRMED:
                found.post_state = outcome.post_state
        return allowed

    def observe(self, digest: Digest, plan: Plan, observer: str, post_state: Digest) -> bool:
        """Who is an attestor, and never was an executor, sees what the outcome says."""
        found = self.of(digest)
        allowed = (
            found.state is State.UNCONFIRMED
            and observer in self.attestors[plan.subject]
            and observer not in self.keys
            and post_state == found.post_state
        )
        if allowed:
            found.state = State.CONFIRMED
            unconfirmed = self.debts.get((plan.subject, Duty.UNCONFIRMED))
            if unconfirmed is not None and unconfirmed.cause == digest:
                del self.debts[plan.subject, Duty.UNCONFIRMED]
            self.debts = {key: debt for key, debt in self.debts.items() if debt.id != plan.clears}
        return allowed

    def report_unconfirmed(self, digest: Digest, subject: Digest) -> bool:
        found = self.of(digest)
        allowed = (
            found.state is State.UNCONFIRMED
            and self.now > found.closed_at + self.terms.confirm_within
        )
        if allowed:
            self._owe(subject, Duty.UNCONFIRMED, digest)
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
            self._owe(subject, Duty.ABANDONED, digest)
        return allowed

    def revoke_key(self, account: str) -> bool:
        key = self.keys[account]
        was, key.active = key.active, False
        return was

    def _owe(self, subject: Digest, duty: Duty, cause: Digest) -> None:
        """One at a time of a duty; a further one joins, and its cure needs the higher tier."""
        tier = self.of(cause).tier
        assert tier is not None
        debt = self.debts.setdefault(
            (subject, duty), Debt(tier, self.now + self.terms.clear_within, cause)
        )
        debt.tier = max(debt.tier, tier)

    def _owes_nothing_else(self, plan: Plan) -> bool:
        """What is overdue stops every plan but its cure, and a cure has at least its tier."""
        own = [debt for (subject, _), debt in self.debts.items() if subject == plan.subject]
        if plan.clears != NO_CLEARS:
            return any(debt.id == plan.clears and plan.tier >= debt.tier for debt in own)
        return all(self.now < debt.due for debt in own)

    def _fits_its_tier(self, found: Mandate, plan: Plan) -> bool:
        if found.tier is None or plan.tier is not found.tier:
            return False
        rules = tier_rules(self.terms)[found.tier]
        fits = (
            plan.kinds & ~rules.kinds == 0
            and self._of_its_attestors(found, plan) >= rules.attestations
            and (found.cosigned or not rules.cosign)
        )
        if rules.operations is None:
            return fits
        spent = self.spent.setdefault(plan.subject, Spent())
        operations, cost = spent.left_over(self.now, rules.window)
        return (
            fits
            and plan.operation_count <= max(0, rules.operations // 2 - operations)
            and plan.cost <= max(0, rules.cost // 2 - cost)
        )

    def _of_its_attestors(self, found: Mandate, plan: Plan) -> int:
        return len(found.attestors & self.attestors[plan.subject])

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
