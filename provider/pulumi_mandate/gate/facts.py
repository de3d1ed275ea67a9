"""What `verify` judges, as one frozen value. `evidence` fetches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_mandate.models import ZERO, Address, Digest, Domain, MandateState, Tier


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the gate fetched about one candidate before it previews. Times are chain time."""

    domain: Domain
    """Chain and registry from the machine's trust file."""
    subject: Digest
    """Hash of the subject whose program runs here."""
    now: int
    """Timestamp of the final block."""
    latest: int
    """Timestamp of the latest block: a window that has ended there has ended."""
    approved: Digest
    """The candidate's plan hash, as the registry has it."""
    granted: MandateState
    """Its state at the final block: what may be believed."""
    denied: MandateState
    """Its state at the latest block, the worst of all endpoints: what may stop us."""
    tier: Tier
    """The tier whose electorate approved it."""
    expires_at: int
    """The registry's own end of the approval."""
    running: Digest
    """The plan hash that runs on the subject at the latest block, or zero."""
    resumed_run: Digest
    """The run id we hold for this plan, or zero for a first run."""
    chain_run: Digest
    """The run id the registry has for this plan, or zero."""
    lease_until: int
    """End of the lease of `chain_run`, or 0."""
    config_version: int
    """Version of the subject's config; 0 means there is none."""
    rules: Digest
    """Digest of the rules that the subject's config names."""
    secret_key_id: Digest
    """Id of the commitment key that the subject's config names."""
    backend: Digest
    """Keccak of the backend id that the subject's config names."""
    executor: Address
    executor_active: bool
    runner: Address
    runner_enrolled: bool
    stored: bytes
    """The document's bytes, as the store gave them."""
    document_digest: Digest
    """The digest under which they were asked for."""
    misjudged: str
    """What the rules of `rules_here` put otherwise than the document; empty where nothing."""
    rules_here: Digest
    """Digest of the rule set that judged."""
    program: Digest
    """Of the source tree here."""
    toolchain: Digest
    """Of the engine, packages and bound environment here."""
    toolchain_content: Mapping[str, Any] = field(repr=False)
    """The same as parts, only to say what differs."""

    @property
    def resuming(self) -> bool:
        return self.resumed_run != ZERO
