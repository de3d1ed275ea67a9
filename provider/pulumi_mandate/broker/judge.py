"""What the broker decides. It believes the caller's certificate, its own files and the chain.

An order is signed where steps (2) to (5) of the gate hold here too, and it fits the mandate and its
caller. A run is this caller's where `begin` is final, the same steps hold of the running mandate,
and its order named the caller's account. Program and preview (6, 7) are the gate's: the broker has
no copy of either, and a controller's machine is what it trusts for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pulumi_mandate.chain import BlockRef
from pulumi_mandate.chain.trust import Key
from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.evidence import evidence_about
from pulumi_mandate.gate.facts import Evidence
from pulumi_mandate.gate.machine import Machine
from pulumi_mandate.gate.run import DEADLINE_SECONDS, LEASE_SECONDS
from pulumi_mandate.gate.verify import MANDATE_CHECKS, verify, verify_order
from pulumi_mandate.governance.registry import Mandate
from pulumi_mandate.models import (
    ZERO,
    Digest,
    ExecutionOrder,
    Outcome,
    Renewal,
    Subject,
    Tier,
    digest,
    subject_hash,
    to_hex,
)
from pulumi_mandate.plan.document import Document
from pulumi_mandate.svid import SpiffeId

from .settings import Enrolled, Runner, Settings

ATTENDED = (Tier.LOW,)
"""Tiers of which a person's shell may hold the credentials."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is final, its mandate's checks hold, and it is the caller's."""

    subject: Subject
    plan_hash: Digest
    run_id: Digest
    tier: Tier
    seconds: int
    """Until its lease, or its mandate's window, is over by chain time."""
    document: Document


class Judge:
    """One broker's judgement. It changes nothing and signs nothing."""

    def __init__(self, machine: Machine, settings: Settings) -> None:
        self._machine, self._settings = machine, settings

    def order(self, caller: SpiffeId, order: ExecutionOrder) -> Subject:
        """The stack whose mandate this order may spend. Raises `Refused`, `ChainError`."""
        machine, final = self._machine, self._machine.client.final_block()
        known = machine.store.document_of(order.plan_hash)
        if known is None:
            raise Refused(
                4,
                f"the document of plan {to_hex(order.plan_hash)} is not in the broker's store",
                next_step="give it to the store that the broker reads",
            )
        subject = Document.load(machine.store.get(known)).subject
        runner, _ = self._settings.enrolled(caller, subject)
        evidence = self._evidence(runner, subject, order.plan_hash, final, ZERO)
        document = verify(evidence, MANDATE_CHECKS)
        _check_attended(runner, document)
        verify_order(evidence, order, machine.key_epoch())
        self._check_lease(order.lease_until, order.deadline, document.fields().tier)
        return subject

    def renewal(self, caller: SpiffeId, renewal: Renewal) -> Subject:
        """The stack whose run may go on for longer. Raises `Refused`, `ChainError`."""
        for enrolled in self._of(caller):
            run = self.run(caller, enrolled.subject)
            if run is not None and run.run_id == renewal.run_id:
                self._check_lease(renewal.lease_until, renewal.deadline, run.tier)
                return enrolled.subject
        raise _no_such_run(renewal.run_id)

    def outcome(self, caller: SpiffeId, outcome: Outcome) -> Subject:
        """The stack whose run ended so. It may be told of a run that was stopped, or whose lease is
        over: it is a fact. Raises `Refused`, `ChainError`."""
        for enrolled in self._of(caller):
            runner, _ = self._settings.enrolled(caller, enrolled.subject)
            standing = self._final_run(runner, enrolled.subject, self._machine.client.final_block())
            if standing is not None and standing.run_id == outcome.run_id:
                return enrolled.subject
        raise _no_such_run(outcome.run_id)

    def run(self, caller: SpiffeId, subject: Subject) -> Run | None:
        """The run of this caller on a stack; None where nothing final runs, or it is another's.

        Raises `Refused` where his run may not go forward, `ChainError`.
        """
        runner, _ = self._settings.enrolled(caller, subject)
        final = self._machine.client.final_block()
        mandate = self._final_run(runner, subject, final)
        if mandate is None:
            return None
        evidence = self._evidence(runner, subject, mandate.plan_hash, final, mandate.run_id)
        document = verify(evidence, MANDATE_CHECKS)
        _check_attended(runner, document)
        self._check_key(mandate)
        # A renewal counts once it is final: what is given must not outlive what stays.
        ends = min(mandate.lease_until, mandate.expires_at)
        seconds = ends - self._machine.client.now()
        tier = document.fields().tier
        return Run(subject, mandate.plan_hash, mandate.run_id, tier, seconds, document)

    # -- inside -----------------------------------------------------------------------------

    def _of(self, caller: SpiffeId) -> list[Enrolled]:
        return [one for one in self._settings.subjects if caller in one.runners]

    def _final_run(self, runner: Runner, subject: Subject, final: BlockRef) -> Mandate | None:
        """The mandate that a final block says is being run, by an order that named this runner."""
        registry, client = self._machine.registry, self._machine.client
        plan_hash = registry.running(subject_hash(subject), final)
        if plan_hash is None:
            return None
        mandate = registry.mandate(plan_hash, final)
        where = {"planHash": plan_hash, "runId": mandate.run_id}
        begun = [
            log
            for event in ("Begun", "TakenOver")
            for log in client.logs("registry", event, where, until=final)
        ]
        if [str(log.arguments["runner"]).lower() for log in begun] != [runner.address.lower()]:
            return None
        return mandate  # also one that is being stopped: `verify` says what that forbids

    def _evidence(
        self, runner: Runner, subject: Subject, plan_hash: Digest, final: BlockRef, run: Digest
    ) -> Evidence:
        """As the gate would fetch it on the caller's machine, but read from here."""
        trust = replace(self._machine.trust, runner=Key("", runner.address))
        machine = replace(self._machine, trust=trust)
        rules = machine.rules_of(subject).about(subject)
        return evidence_about(machine, subject, rules, plan_hash=plan_hash, final=final, run_id=run)

    def _check_key(self, mandate: Mandate) -> None:
        """The run's order was signed under a key that is still in force, on every endpoint."""
        each = self._machine.client.call_each("executor_registry", "executor", mandate.executor)
        if any(not active or epoch != mandate.key_epoch for active, epoch in each):
            raise Refused(10, "the executor's key was revoked or rotated since the run began")

    def _check_lease(self, lease_until: int, deadline: int, tier: Tier) -> None:
        """No signature that is good for longer than the gate would ask for."""
        now = self._machine.client.now()
        longest = min(LEASE_SECONDS, self._machine.registry.terms(tier).max_lease)
        if lease_until > now + longest + DEADLINE_SECONDS or deadline > now + 2 * DEADLINE_SECONDS:
            raise Refused(
                8,
                "the lease or the deadline is later than a run of this tier may have",
                field="lease",
                expected=f"until {now + longest}",
                found=f"until {lease_until}, deadline {deadline}",
            )


def _check_attended(runner: Runner, document: Document) -> None:
    tier = document.fields().tier
    if not runner.controller and tier not in ATTENDED:
        raise Refused(
            5,
            f"a plan of tier {tier.name.lower()} is run by a controller, never from a shell",
            field="runner",
            expected="a controller",
            found=f"{runner.id}, a shell",
            meaning="Whoever sits at a shell could use its credentials for something else.",
            next_step="have an enrolled controller run it",
        )


def _no_such_run(run_id: Digest) -> Refused:
    return Refused(
        9,
        "no final run of this caller has this id",
        field="run",
        expected="a run that a final block knows",
        found=to_hex(digest(run_id)),
        next_step="mandate status",
    )
