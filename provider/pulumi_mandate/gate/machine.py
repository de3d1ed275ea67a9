"""Everything this machine is allowed to use, opened from its trust file and from nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_mandate.chain.client import ChainClient
from pulumi_mandate.chain.trust import Key, Trust, load_trust, trust_path
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.errors import UsageError
from pulumi_mandate.governance.registry import Registry
from pulumi_mandate.models import Domain, Subject, subject_hash
from pulumi_mandate.store import PlanStore, open_store

if TYPE_CHECKING:
    from pulumi_mandate.signing import AccountKey, ExecutorKey

    from .folder import RunRecord
    from .state import ValuesOf

JSON = Any


@dataclass
class Machine:
    """Chain, registry, store and keys. Keys are opened when they are used, not before."""

    trust: Trust
    path: Path
    """Of the trust file, so that the watcher opens the same one."""
    client: ChainClient = field(repr=False)
    registry: Registry = field(repr=False)
    store: PlanStore = field(repr=False)

    @property
    def domain(self) -> Domain:
        return self.trust.domain

    @property
    def executor_key(self) -> Key:
        """Where the executor's key is. Raises `UsageError` where this machine names none."""
        return self._named(self.trust.executor, "executor")

    @property
    def runner_key(self) -> Key:
        """Where the runner's account is. Raises `UsageError` where this machine names none."""
        return self._named(self.trust.runner, "runner")

    def executor(self) -> ExecutorKey:
        """Raises `SignerError`; a development key on another chain refuses."""
        return self._opened[0]

    def runner(self) -> AccountKey:
        """Raises `SignerError`; never the executor's key."""
        return self._opened[1]

    def order_key(self) -> ExecutorKey:
        """The executor's key alone, for a machine that runs nothing. Raises `SignerError`."""
        from pulumi_mandate.signing import ExecutorKey, open_signer

        order = self.executor_key
        return ExecutorKey(
            open_signer(order.uri, order.address), development=self.trust.development
        )

    @cached_property
    def _opened(self) -> tuple[ExecutorKey, AccountKey]:
        from pulumi_mandate.signing import AccountKey, open_signer

        account = self.runner_key
        runner = AccountKey(
            open_signer(account.uri, account.address), executor=self.executor_key.address
        )
        return self.order_key(), runner

    def load_signing(self) -> None:
        """Import what the keys are opened with, while something else is waited for."""
        from pulumi_mandate.signing import load_client

        for key in (self.trust.executor, self.trust.runner):
            if key is not None:
                load_client(key.uri)

    def rules_of(self, subject: Subject) -> Rules:
        """The rules that the subject's config on chain names; without a config the shipped ones.

        Raises `ChainError`, `Refused` where the rules are nowhere.
        """
        from pulumi_mandate.checks.library import require_rules

        config = self.registry.subject_config(subject_hash(subject), self.client.final_block())
        if config.version == 0:
            return Rules.load()
        return require_rules(config.rules, self.store)

    def key_epoch(self) -> int:
        """The executor key's epoch now. Raises `ChainError`."""
        return self.registry.executor(self.executor_key.address).epoch

    def lease_over(self, record: RunRecord) -> bool:
        """Whether a run may no longer go forward."""
        found = self.registry.mandate(record.plan_hash)
        return self.client.now() >= found.lease_until

    def final_state(self, record: RunRecord) -> tuple[JSON, ValuesOf]:
        """The state now, and how to make a document's values of it. Raises `EngineError`."""
        from .state import export_state, values_of_stack

        workdir = Path(record.workdir)
        with ThreadPoolExecutor(1) as beside:
            state = beside.submit(export_state, workdir, record.stack)
            values_of = values_of_stack(workdir, record.stack, record.modules)
            return state.result(), values_of

    def _named(self, key: Key | None, name: str) -> Key:
        if key is None:
            raise UsageError(
                f"the trust file {self.path} names no {name}",
                meaning="This machine may look, but it may not run anything.",
                next_step=f"run on a machine that has one, or add [{name}] with uri and address",
            )
        return key


def open_machine(path: Path | None = None) -> Machine:
    """Read the trust file and open what it names; no network yet.

    Raises `UsageError`, `Refused`.
    """
    chosen = trust_path() if path is None else path
    trust = load_trust(chosen)
    if not trust.store_uri:
        raise UsageError(
            f"the trust file {chosen} names no plan store",
            next_step='add [store] with uri = "file:///…"',
        )
    client = ChainClient(trust)
    return Machine(trust, chosen.resolve(), client, Registry(client), open_store(trust.store_uri))
