"""Fetching what `verify` judges: the chain's word about each candidate, and the stored document.

Which mandate does a bare `pulumi up` mean? Every approved plan of this stack is a candidate; the
one whose effects are exactly what the program wants is it. Nobody names it, so nobody can name a
wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pulumi_mandate.chain import BlockRef
from pulumi_mandate.checks.judgement import misjudged
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import ZERO, Digest, MandateState, Subject, subject_hash, to_hex
from pulumi_mandate.plan.compare import Difference, differences
from pulumi_mandate.plan.document import Document

from .facts import Evidence
from .machine import Machine
from .prepare import Here
from .verify import verify


@dataclass(frozen=True, slots=True)
class Candidate:
    """One plan of this stack, and what verifying it said."""

    plan_hash: Digest
    evidence: Evidence | None
    """None where not even its document could be had."""
    document: Document | None
    """The verified document; None where a step refused."""
    refusal: MandateError | None

    @property
    def stands(self) -> bool:
        """Steps (2) to (6) hold."""
        return self.document is not None and self.evidence is not None


def approvals(machine: Machine, subject: Subject, final: BlockRef) -> list[Digest]:
    """Plan hashes of this subject that were ever approved, newest first.

    A plan whose document is not in the store cannot be told to be this subject's; `missing` tells
    how many there are.
    """
    wanted = subject_hash(subject)
    found = []
    for log in reversed(machine.client.logs("registry", "Approved", until=final)):
        plan_hash = Digest(bytes(log.arguments["planHash"]))
        document = _document(machine, plan_hash)
        if document is not None and document.fields().subject == wanted:
            found.append(plan_hash)
    return found


def unreadable(machine: Machine, final: BlockRef) -> list[Digest]:
    """Approved and unspent plan hashes whose document the store does not have, or has damaged."""
    found = []
    for log in machine.client.logs("registry", "Approved", until=final):
        plan_hash = Digest(bytes(log.arguments["planHash"]))
        state = machine.registry.mandate(plan_hash).state
        if state is MandateState.APPROVED and _document(machine, plan_hash) is None:
            found.append(plan_hash)
    return found


def _document(machine: Machine, plan_hash: Digest) -> Document | None:
    digest = machine.store.document_of(plan_hash)
    if digest is None:
        return None
    try:
        return Document.load(machine.store.get(digest))
    except MandateError:
        return None


def examine(
    machine: Machine, here: Here, plan_hash: Digest, final: BlockRef, run_id: Digest = ZERO
) -> Candidate:
    """Fetch and verify one candidate; a refusal is part of the answer.

    Raises `ChainError`: without the chain nothing can be said about any candidate.
    """
    evidence = None
    try:
        evidence = fetch_evidence(machine, here, plan_hash, final, run_id)
        return Candidate(plan_hash, evidence, verify(evidence), None)
    except Refused as refusal:
        return Candidate(plan_hash, evidence, None, refusal)


def fetch_evidence(
    machine: Machine, here: Here, plan_hash: Digest, final: BlockRef, run_id: Digest
) -> Evidence:
    """What the chain and the store say, and what is here. Raises as `evidence_about`."""
    found = evidence_about(
        machine, here.subject, here.rules, plan_hash=plan_hash, final=final, run_id=run_id
    )
    return replace(
        found,
        program=here.program.digest,
        toolchain=here.toolchain.digest,
        toolchain_content=here.toolchain.content,
    )


def evidence_about(  # noqa: PLR0913  # which plan of which stack, by which rules, as of when
    machine: Machine,
    about: Subject,
    rules: Rules,
    *,
    plan_hash: Digest,
    final: BlockRef,
    run_id: Digest,
) -> Evidence:
    """Grants at the final block, denials at the newest one of any endpoint.

    No program and no toolchain: nothing is here to compare, so step (6) would refuse. Raises
    `ChainError`, and `Refused` where the document is missing or not what its digest says.
    """
    registry, client = machine.registry, machine.client
    document_digest = machine.store.document_of(plan_hash)
    if document_digest is None:
        raise Refused(
            4,
            f"the document of plan {to_hex(plan_hash)} is not in the store",
            next_step="put it back, or use the store of the proposer",
        )
    stored = machine.store.get(document_digest)
    document = Document.load(stored)
    subject = subject_hash(about)
    granted = registry.mandate(plan_hash, final)
    newest = registry.mandate(plan_hash)
    config = registry.subject_config(subject, final)
    executor, runner = machine.executor_key.address, machine.runner_key.address
    executors = client.call_each("executor_registry", "executor", executor)
    active = registry.executor(executor, final).active and all(each[0] for each in executors)
    return Evidence(
        domain=machine.domain,
        subject=subject,
        now=final.timestamp,
        latest=client.now(),
        approved=plan_hash,
        granted=granted.state,
        denied=registry.denial(plan_hash) or newest.state,
        tier=granted.tier,
        expires_at=granted.expires_at,
        running=registry.running(subject) or ZERO,
        resumed_run=run_id,
        chain_run=newest.run_id,
        lease_until=newest.lease_until,
        config_version=config.version,
        rules=config.rules,
        secret_key_id=config.secret_key_id,
        backend=config.backend,
        executor=executor,
        executor_active=active,
        runner=runner,
        runner_enrolled=runner.lower() in [address.lower() for address in config.runners],
        stored=stored,
        document_digest=document_digest,
        misjudged=misjudged(rules, document.content),
        rules_here=rules.digest,
        program=ZERO,
        toolchain=ZERO,
        toolchain_content={},
    )


def closest(
    candidates: list[Candidate], found: Document, *, resuming: bool = False
) -> tuple[Candidate, list[Difference]]:
    """The candidate that differs least from what the program wants; no difference means it fits."""
    compared = [
        (candidate, differences(candidate.document, found, resuming=resuming))
        for candidate in candidates
        if candidate.document is not None
    ]
    return min(compared, key=lambda pair: len(pair[1]))
