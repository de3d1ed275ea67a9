"""A run that does all it was asked: one resource is made, one goes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.folder import RunFolder
from pulumi_mandate.gate.journal import ALLOWED, Entry
from pulumi_mandate.gate.state import resource_digests
from pulumi_mandate.models import MandateState, OutcomeKind, keccak
from tests.gate.cases import (
    DOMAIN,
    EXECUTOR,
    RUN,
    deployment,
    document,
    operation,
    record,
    resource,
    urn,
    values_of,
)

PLAN = document(operation("a"), operation("b", "delete"))
BEFORE = deployment(resource("b", "old"))
AFTER = deployment(resource("a"))
ASKED = [Entry(ALLOWED, "create", urn("a"), 0), Entry(ALLOWED, "delete", urn("b"), 1)]


def left_by_the_run(path: Path) -> RunFolder:
    """Its folder, as it is when the engine has ended."""
    found = RunFolder(path)
    found.write_record(record(PLAN, before=resource_digests(BEFORE, values_of)))
    for entry in ASKED:
        found.journal.append(entry)
    return found


class Machine:
    """A machine whose chain remembers what was stated."""

    domain = DOMAIN

    def __init__(self, after: Any, state=MandateState.RUNNING, run=RUN) -> None:
        self.after, self.state, self.run, self.is_over = after, state, run, False
        self.said: list[Any] = []
        self.kept: dict[bytes, bytes] = {PLAN.digest: PLAN.data}
        self.links: dict[bytes, bytes] = {}
        self.registry = self.store = self

    def mandate(self, _):
        return SimpleNamespace(run_id=self.run, state=self.state)

    def get(self, key):
        if key not in self.kept:
            raise Refused(4, "the store has no such bytes")
        return self.kept[key]

    def put(self, data):
        self.kept[keccak(data)] = data
        return keccak(data)

    def link(self, key, value):
        self.links[key] = value

    def final_state(self, _):
        return self.after, values_of

    def lease_over(self, _):
        return self.is_over

    def key_epoch(self):
        return 3

    def executor(self):
        return SimpleNamespace(address=EXECUTOR, sign_outcome=lambda domain, outcome: b"s" * 65)

    def runner(self):
        return "runner"

    def close(self, plan, outcome, signature, account):
        assert outcome.receipt_root in self.links  # the receipt lies there before its root is said
        self.said.append(outcome)
        completed = outcome.kind is OutcomeKind.COMPLETED
        self.state = MandateState.UNCONFIRMED if completed else MandateState.FAILED
        return SimpleNamespace(transaction=keccak(b"transaction"))
