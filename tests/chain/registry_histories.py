"""What people may try on a registry, and what its model says comes of it.

Each step is a signed message or a call, sent as it would be; whether it is accepted, and all that
is kept afterwards, must be what `registry_model.py` says.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pulumi_mandate.governance.consent import Duty
from pulumi_mandate.governance.registry import solidity
from pulumi_mandate.models import (
    NO_CLEARS,
    Attestation,
    Digest,
    ExecutionOrder,
    MandateState,
    Observed,
    Outcome,
    OutcomeKind,
    Renewal,
    Tier,
    digest,
    keccak,
    signing_digest,
)
from tests.chain.genesis import DAY, Person
from tests.chain.registry_chain import COST_CAP, ELECTORATE, OTHER_SUBJECT, SECOND_KEY, Chain
from tests.chain.registry_model import Key, RegistryModel
from tests.governance.cases import a_plan, hash_of

HOUR = 3_600
OTHER_RULES = keccak(b"other rules")
PLANS = 10
CURE = PLANS
"""The place of the plan that cures what is owed now; another one each time."""
plans = st.integers(0, PLANS)
keys = st.integers(0, 1)
RUNNABLE = st.sampled_from([0, 1, 2, 6, 7, 8, 9, CURE])
leases = st.sampled_from([-1, 0, 1, HOUR, 4 * HOUR - 1, 4 * HOUR, 4 * HOUR + 2])
"""Seconds from now; the step itself takes one."""
CURES = [Tier.MEDIUM, Tier.MEDIUM, Tier.HIGH]
APPROVALS = {
    Tier.LOW: "approveLow",
    Tier.MEDIUM: "approveMedium",
    Tier.HIGH: "approveHigh",
}
seldom = st.sampled_from([False, False, True])
epochs = st.sampled_from([1, 1, 1, 0, 2])


class Histories(RuleBasedStateMachine):
    """People may try anything; the model says what comes of it."""

    chain: Chain
    seen: Counter[str]

    start: RegistryModel | None = None
    """What every history begins with: plans that are approved, so that it gets somewhere."""

    @initialize()
    def begin_anew(self) -> None:
        self.chain.again()
        self.turn = 0
        self.write_plans()
        if type(self).start is None:
            self.prepare()
            self.chain.keep()
            type(self).start = self.model
        self.model = copy.deepcopy(type(self).start)

    def write_plans(self) -> None:
        deployment = self.chain.deployment
        base = dataclasses.replace(
            a_plan(deployment),
            not_before=self.chain.genesis,
            expires_at=self.chain.genesis + 60 * DAY,
        )
        later = base.not_before + DAY
        self.plans = [
            base,
            dataclasses.replace(base, salt=keccak(b"1")),
            dataclasses.replace(base, subject=OTHER_SUBJECT),
            dataclasses.replace(base, kinds=0x10),  # not for this tier
            dataclasses.replace(base, not_before=later),
            dataclasses.replace(base, expires_at=base.not_before + 2 * HOUR),
            dataclasses.replace(base, tier=Tier.HIGH),
            dataclasses.replace(base, tier=Tier.LOW, operation_count=15, cost=20_00),
            dataclasses.replace(base, tier=Tier.LOW, operation_count=11, cost=35_00),
            dataclasses.replace(base, cost=COST_CAP + 1),
            dataclasses.replace(base, salt=keccak(b"cure")),
        ]
        self.hashes = [hash_of(deployment, plan) for plan in self.plans]
        self.signers = [self.person("executor"), SECOND_KEY]

    def prepare(self) -> None:
        deployment, base = self.chain.deployment, self.plans[0]
        self.model = RegistryModel(
            deployment.terms,
            {base.subject: deployment.terms.rules, OTHER_SUBJECT: deployment.terms.rules},
            {person.address: Key(True, 1) for person in self.signers},
            self.person("runner").address,
            dict.fromkeys((base.subject, OTHER_SUBJECT), self.addresses("attestor", "observer")),
            self.person("finance").address,
            self.chain.now,
        )
        for which in (6, 7, 8):
            self.attest(which, "attestor", secrets=True, same_root=True)
        for which in (0, 1, 2, 6, 7, 8, 9):
            self.approve(which, self.plans[which].tier)

    def agree(self, what: str, expected: bool, accepted: bool) -> None:
        self.seen[f"{what}: {'yes' if expected else 'no'}"] += 1
        assert accepted is expected, what

    def addresses(self, *names: str) -> frozenset[str]:
        return frozenset(self.person(name).address for name in names)

    def person(self, name: str) -> Person:
        return self.chain.deployment.people[name]

    def sign(self, key: int, message: ExecutionOrder | Renewal | Outcome) -> bytes:
        domain = self.chain.deployment.domain
        return self.signers[key].sign_digest(signing_digest(domain, message))

    def tick(self) -> None:
        """Every transaction is in a block of its own second."""
        self.model.now = self.chain.now + 1

    @rule(which=plans, tier=st.sampled_from(list(APPROVALS)))
    def approve(self, which: int, tier: Tier) -> None:
        self.tick()
        expected = self.model.approve(self.hashes[which], tier)
        done = self.chain.does(ELECTORATE, "registry", APPROVALS[tier], self.hashes[which])
        self.agree("approve", expected, done)

    @rule(
        which=plans,
        who=st.sampled_from(["attestor", "observer", "proposer", "stranger"]),
        secrets=st.booleans(),
        same_root=st.sampled_from([True, True, True, False]),
    )
    def attest(self, which: int, who: str, *, secrets: bool, same_root: bool) -> None:
        self.tick()
        plan, digest_, person = self.plans[which], self.hashes[which], self.person(who)
        root = plan.effect_root if same_root else keccak(b"root modulo secrets")
        said = Attestation(digest_, root, secrets, plan.program, self.model.now)
        expected = self.model.attest(digest_, plan.subject, person.address, same_root=same_root)
        signature = person.sign_digest(signing_digest(self.chain.deployment.domain, said))
        arguments = (solidity(plan), solidity(said), signature)
        done = self.chain.does(self.person("stranger"), "attestations", "attest", *arguments)
        self.agree("attest", expected, done)

    @rule(which=plans, by_council=st.sampled_from([True, True, False]))
    def cosign(self, which: int, by_council: bool) -> None:
        self.tick()
        expected = self.model.cosign(self.hashes[which], by_council=by_council)
        who = self.chain.council if by_council else self.person("guardian")
        done = self.chain.does(who, "registry", "cosign", self.hashes[which])
        self.agree("cosign", expected, done)

    @rule(which=plans, who=st.sampled_from(["finance", "finance", "guardian", "stranger"]))
    def cosign_finance(self, which: int, who: str) -> None:
        self.tick()
        expected = self.model.cosign_finance(self.hashes[which], self.person(who).address)
        plan = solidity(self.plans[which])
        done = self.chain.does(self.person(who), "registry", "cosignFinance", plan)
        self.agree("finance", expected, done)

    @rule(which=st.sampled_from([6, 6, 6, 0, 7]))
    def reserve(self, which: int) -> None:
        self.tick()
        plan, stranger = self.plans[which], self.person("stranger")
        expected = self.model.reserve(self.hashes[which], plan)
        arguments = (solidity(plan), ELECTORATE.address)
        done = self.chain.does(stranger, "registry", "reserve", *arguments)
        self.agree("reserve", expected, done)

    @rule(which=plans, by=plans, who=st.sampled_from(["proposer", "proposer", "stranger"]))
    def supersede(self, which: int, by: int, who: str) -> None:
        self.tick()
        expected = self.model.supersede(
            self.hashes[which], self.hashes[by], by_proposer=who == "proposer"
        )
        arguments = (solidity(self.plans[which]), self.hashes[by])
        done = self.chain.does(self.person(who), "registry", "supersede", *arguments)
        self.agree("supersede", expected, done)

    @rule(
        which=RUNNABLE,
        who=st.sampled_from(["attestor", "observer", "proposer", "executor"]),
        truly=st.sampled_from([True, True, False]),
    )
    def observe(self, which: int, who: str, truly: bool) -> None:
        self.tick()
        plan, digest_, person = self.plans[which], self.hashes[which], self.person(who)
        state = keccak(b"after") if truly else keccak(b"something else")
        expected = self.model.observe(digest_, plan, person.address, state)
        seen = Observed(digest_, state, self.model.now)
        signature = person.sign_digest(signing_digest(self.chain.deployment.domain, seen))
        arguments = (solidity(plan), solidity(seen), signature)
        done = self.chain.does(self.person("stranger"), "attestations", "observe", *arguments)
        self.agree("observe", expected, done)

    @rule(which=RUNNABLE, late=st.booleans())
    def report_unconfirmed(self, which: int, late: bool) -> None:
        if late:
            self.wait(HOUR)
        self.tick()
        plan = self.plans[which]
        expected = self.model.report_unconfirmed(self.hashes[which], plan.subject)
        stranger = self.person("stranger")
        done = self.chain.does(stranger, "registry", "reportUnconfirmed", solidity(plan))
        self.agree("report", expected, done)
        self.learn(plan.subject, Duty.UNCONFIRMED)

    def learn(self, subject: Digest, duty: Duty) -> None:
        """What the registry calls what it has opened."""
        debt = self.model.debts.get((subject, duty))
        if debt is not None and debt.id is None:
            debt.id = self.chain.owed(subject, duty)

    @rule(duty=st.sampled_from([Duty.ABANDONED, Duty.UNCONFIRMED]), tier=st.sampled_from(CURES))
    def propose_a_cure(self, duty: Duty, tier: Tier) -> None:
        """Of what is owed on the first subject, approved and with all that it needs."""
        debt = self.model.debts.get((self.plans[0].subject, duty))
        if debt is None or debt.id is None:
            return
        salt = keccak(debt.id + self.chain.now.to_bytes(8))
        self.plans[CURE] = dataclasses.replace(self.plans[0], tier=tier, clears=debt.id, salt=salt)
        self.hashes[CURE] = hash_of(self.chain.deployment, self.plans[CURE])
        if tier is Tier.HIGH:
            self.attest(CURE, "observer", secrets=True, same_root=True)
            self.cosign(CURE, by_council=True)
        self.approve(CURE, tier)

    @rule(duty=st.sampled_from([Duty.ABANDONED, Duty.UNCONFIRMED]), tier=st.sampled_from(CURES))
    def cure(self, duty: Duty, tier: Tier) -> None:
        """To its end."""
        self.propose_a_cure(duty=duty, tier=tier)
        if self.plans[CURE].clears != NO_CLEARS:
            self.run_well(which=CURE, completed=True)
            self.observe(which=CURE, who="observer", truly=True)
            self.seen["cure"] += 1

    @rule(which=plans)
    def approve_uncalled(self, which: int) -> None:
        self.tick()
        stranger = self.person("stranger")
        done = self.chain.does(stranger, "registry", "approveMedium", self.hashes[which])
        self.agree("approve by a stranger", False, done)

    @rule(which=plans, hard=st.booleans(), chance=seldom)
    def revoke(self, which: int, hard: bool, chance: bool) -> None:
        if not chance:
            return
        self.tick()
        digest_ = self.hashes[which]
        expected = self.model.revoke_hard(digest_) if hard else self.model.revoke(digest_)
        function = "revokeHard" if hard else "revoke"
        done = self.chain.does(self.person("guardian"), "registry", function, digest_)
        self.agree("revoke", expected, done)

    @rule(which=RUNNABLE, key=keys, lease=leases, same=st.booleans(), late=st.booleans())
    def take_over(self, which: int, key: int, lease: int, same: bool, late: bool) -> None:
        if late:
            self.wait(6 * HOUR)
        self.tick()
        now, plan, digest_ = self.model.now, self.plans[which], self.hashes[which]
        previous = digest(self.model.of(digest_).run_id)
        order = ExecutionOrder(
            plan_hash=digest_,
            run_id=previous if same else keccak(digest_ + now.to_bytes(8)),
            runner=self.person("runner").address,
            lease_until=max(0, now + lease),
            key_epoch=1,
            deadline=now + 600,
        )
        if order.run_id == bytes(32):
            return
        signer = self.signers[key].address
        expected = self.model.take_over(digest_, plan, order, signer, previous)
        arguments = (solidity(plan), solidity(order), self.sign(key, order), previous)
        done = self.chain.does(self.person("runner"), "registry", "takeOver", *arguments)
        self.agree("take over", expected, done)

    @rule(which=plans, who=st.sampled_from(["proposer", "stranger"]), chance=seldom)
    def withdraw(self, which: int, who: str, chance: bool) -> None:
        if not chance:
            return
        self.tick()
        expected = self.model.withdraw(self.hashes[which], by_proposer=who == "proposer")
        plan = solidity(self.plans[which])
        done = self.chain.does(self.person(who), "registry", "withdraw", plan)
        self.agree("withdraw", expected, done)

    @rule(
        which=plans,
        other=st.sampled_from([False, False, False, True]),
        key=keys,
        lease=leases,
        epoch=epochs,
        deadline=st.sampled_from([600, 600, 1, 0]),
        who=st.sampled_from(["runner", "runner", "runner", "stranger"]),
    )
    def begin(
        self, *, which: int, other: bool, key: int, lease: int, epoch: int, deadline: int, who: str
    ) -> None:
        self.tick()
        now, plan, digest_ = self.model.now, self.plans[which], self.hashes[which]
        order = ExecutionOrder(
            plan_hash=self.hashes[which - 1] if other else digest_,
            run_id=keccak(digest_ + now.to_bytes(8)),
            runner=self.person(who).address,
            lease_until=max(0, now + lease),
            key_epoch=epoch,
            deadline=now + deadline - 1,
        )
        signer = self.signers[key].address
        expected = self.model.begin(digest_, plan, order, signer, self.person(who).address)
        arguments = (solidity(plan), solidity(order), self.sign(key, order))
        done = self.chain.does(self.person(who), "registry", "begin", *arguments)
        self.agree("begin", expected, done)
        self.seen[f"begin of {plan.tier.name}: {'yes' if done else 'no'}"] += 1

    @rule(which=RUNNABLE, completed=st.booleans())
    def run_well(self, which: int, completed: bool) -> None:
        """The honest way, or as much of it as still can be gone."""
        self.begin(which=which, other=False, key=0, lease=HOUR, epoch=1, deadline=600, who="runner")
        self.renew(which=which, key=0, lease=2 * HOUR, epoch=1)
        self.close(which=which, key=0, completed=completed, epoch=1)

    @rule(which=RUNNABLE)
    def run_and_confirm(self, which: int) -> None:
        """And somebody looks."""
        self.run_well(which=which, completed=True)
        self.observe(which=which, who="observer", truly=True)

    @rule(which=RUNNABLE)
    def run_and_owe(self, which: int) -> None:
        """And nobody looks."""
        self.run_well(which=which, completed=True)
        self.report_unconfirmed(which=which, late=True)

    @rule(which=RUNNABLE)
    def begin_well(self, which: int) -> None:
        """And leave it running."""
        self.begin(which=which, other=False, key=0, lease=HOUR, epoch=1, deadline=600, who="runner")

    @rule(which=RUNNABLE)
    def begin_and_vanish(self, which: int) -> None:
        self.begin_well(which=which)
        self.wait(6 * HOUR)
        self.abandon(which=which)

    @rule(which=RUNNABLE)
    def begin_and_leave_it_to_another(self, which: int) -> None:
        self.begin_well(which=which)
        self.take_over(which=which, key=1, lease=HOUR, same=False, late=True)

    @rule(which=plans, key=keys, lease=leases, epoch=epochs)
    def renew(self, which: int, key: int, lease: int, epoch: int) -> None:
        self.tick()
        now, digest_ = self.model.now, self.hashes[which]
        run_id = digest(self.model.of(digest_).run_id)
        renewal = Renewal(run_id, max(0, now + lease), epoch, now + 600)
        expected = self.model.renew(digest_, renewal, self.signers[key].address)
        arguments = (digest_, solidity(renewal), self.sign(key, renewal))
        done = self.chain.does(self.person("stranger"), "registry", "renew", *arguments)
        self.agree("renew", expected, done)

    @rule(which=plans, key=keys, completed=st.booleans(), epoch=epochs)
    def close(self, which: int, key: int, completed: bool, epoch: int) -> None:
        self.tick()
        digest_ = self.hashes[which]
        kind = OutcomeKind.COMPLETED if completed else OutcomeKind.FAILED
        after = MandateState.UNCONFIRMED if completed else MandateState.FAILED
        run_id = digest(self.model.of(digest_).run_id)
        outcome = Outcome(run_id, kind, keccak(b"receipts"), keccak(b"after"), epoch)
        signer = self.signers[key].address
        expected = self.model.close(digest_, outcome, after, signer)
        function = "complete" if completed else "fail"
        arguments = (digest_, solidity(outcome), self.sign(key, outcome))
        done = self.chain.does(self.person("stranger"), "registry", function, *arguments)
        self.agree(function, expected, done)

    @rule(which=plans)
    def abandon(self, which: int) -> None:
        self.tick()
        digest_, subject = self.hashes[which], self.plans[which].subject
        expected = self.model.abandon(digest_, subject)
        done = self.chain.does(self.person("stranger"), "registry", "abandon", digest_, subject)
        self.agree("abandon", expected, done)
        self.learn(subject, Duty.ABANDONED)

    @rule(key=keys, chance=seldom)
    def revoke_key(self, key: int, chance: bool) -> None:
        if not chance:
            return
        self.tick()
        account = self.signers[key].address
        expected = self.model.revoke_key(account)
        done = self.chain.does(self.person("guardian"), "executor_registry", "revoke", account)
        self.agree("revoke a key", expected, done)

    @rule(
        rules=st.sampled_from([None, OTHER_RULES]),
        first=st.booleans(),
        names=st.sampled_from([("observer",), ("attestor", "observer"), ("observer", "executor")]),
        chance=seldom,
    )
    def configure(
        self, *, rules: bytes | None, first: bool, names: tuple[str, ...], chance: bool
    ) -> None:
        """The first subject keeps its rules, or too little would run there; attestors change."""
        if not chance:
            return
        self.tick()
        subject = self.plans[0].subject if first else OTHER_SUBJECT
        chosen = digest(self.model.terms.rules if first or rules is None else rules)
        self.model.rules[subject] = chosen
        self.model.attestors[subject] = self.addresses(*names)
        attestors = sorted(self.addresses(*names))
        config = {**self.chain.config, "rulesDigest": chosen, "attestors": attestors}
        done = self.chain.does(ELECTORATE, "registry", "configureSubject", subject, config)
        self.agree("configure", True, done)

    @rule(seconds=st.sampled_from([1, 60, 60, HOUR, 2 * HOUR, 6 * HOUR, DAY]))
    def wait(self, seconds: int) -> None:
        self.chain.wait(seconds)
        self.model.now = self.chain.now

    @invariant()
    def both_say_the_same(self) -> None:
        """Of one plan after each step, in turn, and of all of them at the end."""
        self.turn = (self.turn + 1) % len(self.plans)
        self.compare(self.turn)

    def teardown(self) -> None:
        for which in range(len(getattr(self, "plans", ()))):
            self.compare(which)

    def compare(self, which: int) -> None:
        call, digest_ = self.chain.deployment.client.call, self.hashes[which]
        kept, found = self.model.of(digest_), call("registry", "mandate", digest_)
        state = self.model.state(digest_)
        assert MandateState(found["state"]) is state
        assert (found["expiresAt"], found["leaseUntil"]) == (kept.expires_at, kept.lease_until)
        assert (found["renewals"], found["financed"]) == (kept.renewals, kept.financed)
        assert found["attestations"] == self.model.attested(digest_)
        assert found["runId"] == kept.run_id
        complete = state in (MandateState.UNCONFIRMED, MandateState.CONFIRMED)
        assert found["keyEpoch"] == (0 if complete else kept.epoch)
        assert found["postState"] == (kept.post_state if complete else bytes(32))
        subject = self.plans[which].subject
        assert call("registry", "running", subject) == (self.model.running(subject) or bytes(32))
        holder = self.model.reservation(subject) or bytes(32)
        assert call("registry", "reservation", subject) == holder
