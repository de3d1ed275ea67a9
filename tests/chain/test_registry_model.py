"""The registry on a real EVM agrees with its model over random histories.

Each step is a signed message or a call, sent as it would be; whether it is accepted, and all that
is kept afterwards, must be what `registry_model.py` says.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pulumi_mandate.governance.registry import solidity
from pulumi_mandate.models import (
    Address,
    Attestation,
    ExecutionOrder,
    MandateState,
    Outcome,
    OutcomeKind,
    Renewal,
    Tier,
    digest,
    keccak,
    signing_digest,
    to_hex,
)
from tests.chain.bare_chain import BareChain
from tests.chain.genesis import DAY, Deployment, Person, Terms, deploy
from tests.chain.registry_model import Key, RegistryModel
from tests.governance.cases import a_plan, hash_of

pytestmark = pytest.mark.chain

HOUR = 3_600
ELECTORATE, SECOND_KEY = Person("electorate"), Person("second executor")
GAS = hex(3_000_000)
OTHER_SUBJECT, OTHER_RULES = keccak(b"another subject"), keccak(b"other rules")


class Anybody(NamedTuple):
    """An account that the node lets send, whatever it is."""

    address: Address


class Chain:
    """One deployment that every history starts from, and calls that may be refused."""

    def __init__(self, folder: Path) -> None:
        self.bare = BareChain(folder)
        self.deployment: Deployment = deploy(
            self.bare,  # type: ignore[arg-type]  # it has what genesis needs
            Terms(high_attestations=1, high_cosign=True),
            meanwhile=_electorate,
        )
        self.bare.call("anvil_autoImpersonateAccount", True)
        self.council = Anybody(self.deployment.client.trust.council)
        """Speaks for itself here; how its seats agree has its own tests."""
        for who in (ELECTORATE, SECOND_KEY, self.council):
            self.bare.credit(who.address, 10**24)
        self._start: Any = None
        client = self.deployment.client
        subject = a_plan(self.deployment).subject
        config, _ = client.call("subjects", "subjectConfig", subject)
        self.config: Mapping[str, Any] = config
        self.now = int(self.bare.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        assert self.does(ELECTORATE, "registry", "configureSubject", OTHER_SUBJECT, config)
        self._start, self._begun = self.bare.call("evm_snapshot"), self.now

    def again(self) -> None:
        assert self.bare.call("evm_revert", self._start)
        self._start, self.now = self.bare.call("evm_snapshot"), self._begun

    def does(self, who: Person | Anybody, contract: str, function: str, *arguments: Any) -> bool:
        """Send it a second later; whether it was accepted."""
        self.now += 1
        self.bare.call("evm_setNextBlockTimestamp", self.now)
        target = self.deployment.client.contract(contract)
        data = to_hex(target.abi.encode_call(function, arguments))
        request = {"from": who.address, "to": target.address, "data": data, "gas": GAS}
        sent = self.bare.call("eth_sendTransaction", request)
        receipt = None
        while receipt is None:  # it is mined at once, and that takes a moment
            receipt = self.bare.call("eth_getTransactionReceipt", sent)
        return bool(int(receipt["status"], 16))

    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.bare.call("evm_setNextBlockTimestamp", self.now)
        self.bare.call("evm_mine")


def _electorate(work: Any, contracts: Mapping[str, Any]) -> None:
    """Holds the tiers' roles without delay: the vote has its own tests. And a second executor."""
    for role in (1, 2, 3, 6):
        work.send(contracts["access_manager"].functions.grantRole(role, ELECTORATE.address, 0))
    work.send(contracts["registry"].functions.enrolExecutor(SECOND_KEY.address))


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with tempfile.TemporaryDirectory() as folder:
        made = Chain(Path(folder))
        yield made
        made.bare.__exit__(None)


plans = st.integers(0, 8)
keys = st.integers(0, 1)
RUNNABLE = st.sampled_from([0, 1, 2, 6, 7, 8])
leases = st.sampled_from([-1, 0, 1, HOUR, 4 * HOUR - 1, 4 * HOUR, 4 * HOUR + 2])
"""Seconds from now; the step itself takes one."""
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

    @initialize()
    def begin_anew(self) -> None:
        self.chain.again()
        deployment = self.chain.deployment
        base = dataclasses.replace(
            a_plan(deployment), not_before=self.chain.now, expires_at=self.chain.now + 60 * DAY
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
            dataclasses.replace(base, tier=Tier.LOW, operation_count=30, cost=40_00),
            dataclasses.replace(base, tier=Tier.LOW, operation_count=21, cost=70_00),
        ]
        self.hashes = [hash_of(deployment, plan) for plan in self.plans]
        people = deployment.people
        self.signers = [people["executor"], SECOND_KEY]
        self.model = RegistryModel(
            deployment.terms,
            {base.subject: deployment.terms.rules, OTHER_SUBJECT: deployment.terms.rules},
            {person.address: Key(True, 1) for person in self.signers},
            people["runner"].address,
            frozenset(people[name].address for name in ("attestor", "observer")),
            self.chain.now,
        )

        for which in (6, 7, 8):  # so that histories get somewhere
            self.attest(which, "attestor")
        for which in (0, 1, 2, 6, 7, 8):
            self.approve(which, self.plans[which].tier)

    def agree(self, what: str, expected: bool, accepted: bool) -> None:
        self.seen[f"{what}: {'yes' if expected else 'no'}"] += 1
        assert accepted is expected, what

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

    @rule(which=plans, who=st.sampled_from(["attestor", "observer", "proposer", "stranger"]))
    def attest(self, which: int, who: str) -> None:
        self.tick()
        plan, digest_, person = self.plans[which], self.hashes[which], self.person(who)
        said = Attestation(digest_, plan.effect_root, True, plan.program, self.model.now)
        expected = self.model.attest(digest_, person.address)
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
    def begin_well(self, which: int) -> None:
        """And leave it running."""
        self.begin(which=which, other=False, key=0, lease=HOUR, epoch=1, deadline=600, who="runner")

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

    @rule(key=keys, chance=seldom)
    def revoke_key(self, key: int, chance: bool) -> None:
        if not chance:
            return
        self.tick()
        account = self.signers[key].address
        expected = self.model.revoke_key(account)
        done = self.chain.does(self.person("guardian"), "executor_registry", "revoke", account)
        self.agree("revoke a key", expected, done)

    @rule(rules=st.sampled_from([None, OTHER_RULES]), chance=seldom)
    def configure(self, rules: bytes | None, chance: bool) -> None:
        if not chance:
            return
        self.tick()
        chosen = digest(rules or self.model.terms.rules)
        self.model.rules[OTHER_SUBJECT] = chosen
        config = {**self.chain.config, "rulesDigest": chosen}
        done = self.chain.does(ELECTORATE, "registry", "configureSubject", OTHER_SUBJECT, config)
        self.agree("configure", True, done)

    @rule(seconds=st.sampled_from([1, 60, 60, HOUR, 2 * HOUR, 6 * HOUR, DAY]))
    def wait(self, seconds: int) -> None:
        self.chain.wait(seconds)
        self.model.now = self.chain.now

    @invariant()
    def both_say_the_same(self) -> None:
        client = self.chain.deployment.client
        for digest_ in self.hashes:
            kept, found = self.model.of(digest_), client.call("registry", "mandate", digest_)
            assert MandateState(found["state"]) is self.model.state(digest_)
            assert (found["expiresAt"], found["leaseUntil"]) == (kept.expires_at, kept.lease_until)
            assert (found["renewals"], found["keyEpoch"]) == (kept.renewals, kept.epoch)
            assert found["runId"] == kept.run_id
        for subject in {plan.subject for plan in self.plans}:
            running = self.model.running(subject) or bytes(32)
            assert client.call("registry", "running", subject) == running


def test_the_registry_does_what_its_model_says(chain: Chain) -> None:
    seen: Counter[str] = Counter()

    class Told(Histories):
        pass

    Told.chain, Told.seen = chain, seen
    Told.TestCase.settings = settings(
        max_examples=100,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    Told.TestCase("runTest").runTest()

    # A history that never gets anywhere would agree with anything.
    never = {
        f"{what}: {answer}"
        for what in (
            *("approve", "attest", "cosign", "revoke", "withdraw"),
            *("begin", "renew", "take over", "complete", "fail"),
        )
        for answer in ("yes", "no")
    } - set(seen)
    assert not never, seen
    low = sum(seen[f"begin of {tier.name}: yes"] for tier in (Tier.LOW, Tier.HIGH))
    assert low > 0
    assert seen["abandon: yes"] + seen["abandon: no"] > 10
