"""Documents, states and hook calls made by hand, for tests without an engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.gate.engine_hooks import HOOK_NAMES
from pulumi_mandate.gate.facts import Evidence
from pulumi_mandate.gate.folder import RunRecord
from pulumi_mandate.gate.wire import HookCall, Options
from pulumi_mandate.models import (
    ZERO,
    Address,
    Digest,
    Domain,
    ExecutionOrder,
    MandateState,
    Subject,
    Tier,
    keccak,
    plan_hash,
    subject_hash,
    to_hex,
)
from pulumi_mandate.plan import merkle, summary
from pulumi_mandate.plan.commitment import SubjectKey
from pulumi_mandate.plan.document import KIND_OF, Document, leaves, order
from pulumi_mandate.plan.values import Reader
from tests.plan.samples import program

SUBJECT = Subject("backend", "acme", "shop", "prod")
DOMAIN = Domain(31337, Address("0x" + "11" * 20))
PROPOSER = Address("0x" + "22" * 20)
EXECUTOR = Address("0x" + "33" * 20)
RUNNER = Address("0x" + "44" * 20)
KEY = SubjectKey(b"k" * 32)
RUN = keccak(b"run")
HOOKS = {f"Before{moment.capitalize()}": [name] for moment, name in HOOK_NAMES.items()}
STACK = "urn:pulumi:prod::shop::pulumi:pulumi:Stack::shop-prod"
TOOLCHAIN: dict[str, Any] = {
    "engine": "v3.259.0", "python": "3.11", "plugins": [], "flags": [],
    "packages": [{"name": "pulumi", "version": "3.272.0", "digest": to_hex(keccak(b"pulumi"))}],
}  # fmt: skip
RULES = Rules.load().about(SUBJECT)
PROGRAM = program("hello")


def urn(name: str, kind: str = "test:index:Thing") -> str:
    return f"urn:pulumi:prod::shop::{kind}::{name}"


def values_of(name: str, values: Any, part: str = "inputs") -> Any:
    return Reader(KEY, name, {}, deployed=True).part(part, values)


def operation(name: str = "a", op: str = "create", **changes: Any) -> dict[str, Any]:
    """One operation with the tier that the default rules give it."""
    has_before = op not in ("create", "import", "read")
    has_after = op not in ("delete", "delete-replaced", "abandon")
    options = {"parent": STACK, "resourceHooks": HOOKS}
    made: dict[str, Any] = {
        "urn": urn(name),
        "type": "test:index:Thing",
        "op": op,
        "kind": int(KIND_OF[op]),
        "tier": int(Tier.MEDIUM),
        "rule": "test",
        "provider": {"before": None, "after": None},
        "id": f"id-{name}" if has_before else None,
        "before": {"inputs": {"text": "old"}} if has_before else None,
        "after": {"inputs": {"text": "new"}} if has_after else None,
        "options": {
            "before": dict(options) if has_before else None,
            "after": dict(options) if has_after else None,
        },
        "dependencies": {"before": [] if has_before else None, "after": [] if has_after else None},
        "propertyDependencies": {
            "before": {} if has_before else None,
            "after": {} if has_after else None,
        },
        "replaceKeys": [],
    } | changes
    judged = {key: value for key, value in made.items() if key not in ("tier", "rule")}
    tier, rule = RULES.judge(judged)
    return made | {"tier": int(changes.get("tier", tier)), "rule": rule}


def document(*operations: dict[str, Any], **changes: Any) -> Document:
    sealed = sorted(operations or (operation(),), key=order)
    tier = summary.highest(sealed)
    content: dict[str, Any] = {
        "schema": "mandate/plan/v1",
        "kind": "up",
        "subject": dataclasses.asdict(SUBJECT),
        "program": PROGRAM.part(None),
        "toolchain": TOOLCHAIN,
        "rules": to_hex(RULES.digest),
        "config": {},
        "secretKeyId": to_hex(KEY.id),
        "operations": sealed,
        "effectRoot": to_hex(merkle.root(leaves(sealed))),
        "unknowns": summary.unknowns(sealed),
        "sensitive": [],
        "base": to_hex(keccak(b"base")) if tier["tier"] == Tier.HIGH else None,
        "source": None,
        "checks": [],
        "tier": tier,
        "rollback": summary.rollback(sealed),
        "window": {"notBefore": 100, "expiresAt": 1000},
        "salt": to_hex(keccak(b"salt")),
        "proposer": PROPOSER,
        "clears": to_hex(ZERO),
    }
    if not changes.keys() >= {"tier", "unknowns"}:  # else judged by other rules
        content |= RULES.state(content)
    return Document.of(content | changes)


def hash_of(plan: Document) -> Digest:
    return plan_hash(DOMAIN, plan.fields())


def evidence(plan: Document | None = None, **changes: Any) -> Evidence:
    """Everything as it should be; a test breaks one thing."""
    plan = plan or document()
    fields = plan.fields()
    found: dict[str, Any] = {
        "domain": DOMAIN,
        "subject": subject_hash(SUBJECT),
        "now": 500,
        "latest": 501,
        "approved": hash_of(plan),
        "granted": MandateState.APPROVED,
        "denied": MandateState.APPROVED,
        "tier": fields.tier,
        "expires_at": 2000,
        "running": ZERO,
        "resumed_run": ZERO,
        "chain_run": ZERO,
        "lease_until": 0,
        "config_version": 1,
        "rules": RULES.digest,
        "secret_key_id": KEY.id,
        "backend": keccak(SUBJECT.backend.encode()),
        "executor": EXECUTOR,
        "executor_active": True,
        "runner": RUNNER,
        "runner_enrolled": True,
        "stored": plan.data,
        "document_digest": plan.digest,
        "misjudged": "",
        "rules_here": RULES.digest,
        "program": fields.program,
        "toolchain": fields.toolchain,
        "toolchain_content": TOOLCHAIN,
    }
    return Evidence(**(found | changes))


def resuming(plan: Document | None = None, **changes: Any) -> Evidence:
    plan = plan or document()
    running = {
        "granted": MandateState.RUNNING,
        "denied": MandateState.RUNNING,
        "running": hash_of(plan),
        "resumed_run": RUN,
        "chain_run": RUN,
        "lease_until": 900,
    }
    return evidence(plan, **(running | changes))


def call(name: str = "a", moment: str = "create", **changes: Any) -> HookCall:
    """What the engine would ask about the operation of `operation(name, …)`."""
    options = Options(provider="", parent=STACK, protect=False, retain_on_delete=False)
    made: dict[str, Any] = {
        "moment": moment,
        "urn": urn(name),
        "id": "" if moment == "create" else f"id-{name}",
        "type": "test:index:Thing",
        "new_inputs": None if moment == "delete" else {"text": "new"},
        "old_inputs": None if moment == "create" else {"text": "old"},
        "new_options": None if moment == "delete" else options,
        "old_options": None if moment == "create" else options,
    }
    return HookCall(**(made | changes))


def record(plan: Document | None = None, **changes: Any) -> RunRecord:
    plan = plan or document()
    order_ = ExecutionOrder(hash_of(plan), RUN, RUNNER, 900, 1, 600)
    made: dict[str, Any] = {
        "order": order_,
        "signature": b"s" * 65,
        "executor": EXECUTOR,
        "subject": SUBJECT,
        "document": plan.digest,
        "workdir": str(Path("program")),
        "stack": "acme/shop/prod",
        "engine_pid": 2**22 + 1,  # above what the kernel gives out
        "engine_started": 1,
        "trust": "trust.toml",
        "before": {},
        "modules": {},
    }
    return RunRecord(**(made | changes))


def resource(name: str = "a", text: str = "new", **changes: Any) -> dict[str, Any]:
    """As a state export shows it."""
    return {
        "urn": urn(name),
        "custom": True,
        "id": f"id-{name}",
        "type": "test:index:Thing",
        "inputs": {"text": text},
        "outputs": {"text": text},
        "parent": STACK,
        "resourceHooks": HOOKS,
    } | changes


def deployment(*resources: dict[str, Any], pending: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "resources": list(resources),
        "pending_operations": [{"resource": {"urn": one}, "type": "creating"} for one in pending],
    }
