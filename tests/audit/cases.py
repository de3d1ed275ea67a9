"""A whole history on a real chain, made of one small document: what the audit's tests read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mandate.audit.collect import Sources
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.governance import Governor, Registry
from pulumi_mandate.governance.registry import NO_CAP
from pulumi_mandate.models import (
    Address,
    Digest,
    ExecutionOrder,
    Mode,
    Outcome,
    OutcomeKind,
    keccak,
    plan_hash,
    signing_digest,
    to_hex,
)
from pulumi_mandate.plan import merkle, summary
from pulumi_mandate.plan.document import KIND_OF, Document, leaves
from pulumi_mandate.plan.receipt import DONE, OperationResult, Receipt
from pulumi_mandate.plan.source import Source, source_part
from pulumi_mandate.store import DirectoryStore
from tests.chain.genesis import DAY, SUBJECT, Deployment, Terms, deploy
from tests.governance.cases import an_order, pass_the_vote, signed
from tests.plan.samples import program

URN = "urn:pulumi:prod::shop::mandate:S3Bucket::{}"
ORDERS = URN.format("orders")
PROGRAM = program("hello")
SOURCE = Source(PROGRAM.files, {"__main__.py": "hello"})
ZERO_HASH = "0x" + "00" * 32


def operation(name: str, op: str, rules: Rules) -> dict[str, Any]:
    values = {"inputs": {"bucket": name}}
    made: dict[str, Any] = {
        "urn": URN.format(name),
        "type": "mandate:S3Bucket",
        "op": op,
        "kind": int(KIND_OF[op]),
        "provider": {"before": None, "after": None},
        "id": None if op == "create" else name,
        "before": None if op == "create" else values,
        "after": None if op == "delete" else values,
        "options": _sides(op, {}),
        "dependencies": _sides(op, []),
        "propertyDependencies": _sides(op, {}),
        "replaceKeys": [],
    }
    tier, rule = rules.judge(made)
    return made | {"tier": int(tier), "rule": rule}


def _sides(op: str, value: object) -> dict[str, object]:
    return {"before": None if op == "create" else value, "after": None if op == "delete" else value}


def document(proposer: str, window: tuple[int, int], **changes: Any) -> Document:
    """Three operations on three buckets."""
    rules = Rules.load().about(SUBJECT)
    operations = [
        operation("carts", "create", rules),
        operation("orders", "create", rules),
        operation("stock", "delete", rules),
    ]
    content = {
        "schema": "mandate/plan/v1",
        "kind": "up",
        "subject": {
            "backend": SUBJECT.backend,
            "organisation": SUBJECT.organisation,
            "project": SUBJECT.project,
            "stack": SUBJECT.stack,
        },
        "program": PROGRAM.part(None),
        "toolchain": {"engine": "v3.259.0"},
        "rules": to_hex(rules.digest),
        "config": {},
        "secretKeyId": ZERO_HASH,
        "operations": operations,
        "effectRoot": to_hex(merkle.root(leaves(operations))),
        "unknowns": [],
        "sensitive": [],
        "base": to_hex(keccak(b"base")),
        "source": source_part(SOURCE, None),
        "checks": [],
        "tier": summary.highest(operations),
        "rollback": summary.rollback(operations),
        "window": {"notBefore": window[0], "expiresAt": window[1]},
        "salt": to_hex(keccak(b"salt")),
        "proposer": proposer,
        "clears": ZERO_HASH,
    }
    return Document.of(content | rules.state(content) | changes)


def receipt_of(found: Document, plan: Digest, run_id: Digest) -> Receipt:
    return Receipt(
        plan_hash=plan,
        run_id=run_id,
        results=tuple(
            OperationResult(index, one["urn"], one["op"], found.leaves[index], (), DONE)
            for index, one in enumerate(found.operations)
        ),
        post_state=keccak(b"post state"),
    )


@dataclass
class History:
    """One plan from proposal to receipt, step by step."""

    deployment: Deployment
    sources: Sources
    document: Document

    @property
    def plan(self) -> Digest:
        return plan_hash(self.deployment.domain, self.document.fields())

    @classmethod
    def start(cls, service: ChainService, folder: Path) -> History:
        deployment = deploy(service, Terms(rules=Rules.load().digest))
        client = deployment.client
        now = client.now()
        return cls(
            deployment,
            Sources(client, Registry(client), Governor(client), DirectoryStore(folder)),
            document(deployment.people["proposer"].address, (now, now + 60 * DAY)),
        )

    def propose(self) -> None:
        self.sources.store.put(SOURCE.data)
        self.sources.store.link(self.plan, self.sources.store.put(self.document.data))
        self.sources.governor.propose(
            self.document.fields(), self.plan, "Buckets", self.deployment.people["proposer"]
        )

    def approve(self) -> None:
        governor, anybody = self.sources.governor, self.deployment.people["stranger"]
        proposal = governor.find(self.plan)
        assert proposal is not None
        pass_the_vote(self.deployment, proposal)
        governor.queue(proposal.number, anybody)
        self.deployment.advance(self.deployment.terms.high_delay + 1)
        governor.execute(proposal.number, anybody)

    def begin(self) -> ExecutionOrder:
        fields = self.document.fields()
        order = an_order(self.deployment, fields)
        self.sources.registry.begin(
            fields, order, signed(self.deployment, order), self.deployment.people["runner"]
        )
        return order

    def complete(self, order: ExecutionOrder) -> Receipt:
        receipt = receipt_of(self.document, self.plan, order.run_id)
        store = self.sources.store
        store.link(receipt.root, store.put(receipt.data))
        outcome = Outcome(
            order.run_id,
            OutcomeKind.COMPLETED,
            receipt.root,
            receipt.post_state,
            order.key_epoch,
        )
        signature = self.deployment.people["executor"].sign_digest(
            signing_digest(self.deployment.domain, outcome)
        )
        self.sources.registry.complete(
            self.plan, outcome, signature, self.deployment.people["runner"]
        )
        return receipt


def configure(made: History, *, rules: Digest) -> None:
    """Give the subject other rules, by a vote."""
    governor, people = made.sources.governor, made.deployment.people
    parties = [people["proposer"].address], [], [people["runner"].address]
    nobody = Address("0x" + "00" * 20)
    config = (rules, Mode.ENFORCE, keccak(b"key"), keccak(b"backend"), *parties, nobody, NO_CAP)
    proposal = governor.propose_call(
        "configureSubject",
        made.document.fields().subject,
        config,
        description="Other rules",
        account=people["proposer"],
    )
    pass_the_vote(made.deployment, proposal)
    governor.queue(proposal.number, people["stranger"])
    made.deployment.advance(made.deployment.terms.high_delay + 1)
    governor.execute(proposal.number, people["stranger"])
