"""What one command has open: trust file, chain, store and keys; each is opened when first used."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..models import Domain

if TYPE_CHECKING:
    from ..audit.collect import Sources
    from ..chain import ChainClient, Trust
    from ..gate.machine import Machine
    from ..governance import Consent, Governor, Registry
    from ..models import Address
    from ..signing import AccountKey, AttestorKey, ReleaseKey
    from ..store import PlanStore


class Session:
    """The connections of one command. Every attribute may raise what its layer raises."""

    def __init__(self, trust_file: Path | None, account_name: str | None) -> None:
        self.trust_file = trust_file
        """As named by `--trust`; None: the machine's own."""
        self._account_name = account_name or os.environ.get("MANDATE_AS") or None

    @cached_property
    def trust(self) -> Trust:
        """The machine's trust file. Raises `UsageError` where there is none or it is not safe."""
        from ..chain.trust import load_trust

        return load_trust(self.trust_file)

    @cached_property
    def domain(self) -> Domain:
        """The EIP-712 domain of this chain and registry."""
        return self.trust.domain

    @cached_property
    def machine(self) -> Machine:
        """Chain, registry, store and keys, as the gate opens them. Raises `UsageError`."""
        from ..gate.machine import open_machine

        return open_machine(self.trust_file)

    @cached_property
    def client(self) -> ChainClient:
        """The chain, after its id and its contracts were checked. Raises `ChainError`."""
        from ..chain import ChainClient

        client = ChainClient(self.trust)
        client.check()
        return client

    @cached_property
    def registry(self) -> Registry:
        from ..governance import Registry

        return Registry(self.client)

    @cached_property
    def governor(self) -> Governor:
        from ..governance import Governor

        return Governor(self.client)

    @cached_property
    def consent(self) -> Consent:
        from ..governance import Consent

        return Consent(self.client)

    @cached_property
    def store(self) -> PlanStore:
        """Where the documents are."""
        from ..store import open_store

        if not self.trust.store_uri:
            raise UsageError(
                "the trust file names no plan store",
                next_step='add [store] with uri = "file:///…"',
            )
        return open_store(self.trust.store_uri)

    @cached_property
    def sources(self) -> Sources:
        """What the audit reads from."""
        from ..audit.collect import Sources

        return Sources(self.client, self.registry, self.governor, self.store)

    @property
    def account_name(self) -> str:
        """The name given with `--as`, or the only one there is.

        Raises `UsageError`.
        """
        known = sorted(self.trust.accounts)
        if self._account_name in known:
            return str(self._account_name)
        if self._account_name is None and len(known) == 1:
            return known[0]
        happened = (
            f"the trust file has no account {self._account_name!r}"
            if self._account_name
            else "no account was named"
        )
        raise UsageError(
            happened,
            meaning=f"Known accounts: {', '.join(known) or 'none'}.",
            next_step="add --as NAME, or enrol one: mandate keys enrol URI",
        )

    @cached_property
    def account(self) -> AccountKey:
        """The key that signs this command's transactions. Raises `UsageError`, `SignerError`."""
        from ..signing import AccountKey, open_signer

        key = self.trust.accounts[self.account_name]
        executor = self.trust.executor.address if self.trust.executor else None
        return AccountKey(open_signer(key.uri, key.address), executor=executor)

    def attestor(self, parties: tuple[Address, ...]) -> AttestorKey:
        """The same account's key, for an attestation. Raises `UsageError`, `SignerError`."""
        from ..signing import AttestorKey, open_signer

        key = self.trust.accounts[self.account_name]
        return AttestorKey(open_signer(key.uri, key.address), parties=parties)

    @property
    def releaser(self) -> ReleaseKey:
        """The same account's key, for a release. Raises `UsageError`, `SignerError`."""
        from ..signing import ReleaseKey, open_signer

        key = self.trust.accounts[self.account_name]
        return ReleaseKey(open_signer(key.uri, key.address))
