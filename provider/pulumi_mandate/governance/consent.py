"""Who else says yes beside vote and council: attestors, finance cosigner; and what is owed.

The registry keeps what they said; attestation log and obligation ledger check who they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pulumi_mandate.chain import Account, ChainClient, Receipt
from pulumi_mandate.governance.refusals import explained
from pulumi_mandate.governance.registry import solidity
from pulumi_mandate.models import ZERO, Address, Attestation, Digest, Observed, Plan, Tier, digest


class Duty(IntEnum):
    """Why something is owed. The numbers are on chain."""

    ABANDONED = 0
    UNCONFIRMED = 1
    EMERGENCY = 2
    AUDIT = 3


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something that is owed on a stack. Times are chain time in seconds."""

    id: Digest
    """What a plan names in `clears` to cure it."""
    subject: Digest
    cause: Digest
    """The plan, the incident or the finding that it comes from."""
    duty: Duty
    tier: Tier
    """A plan of a lower tier does not clear it."""
    opened_at: int
    due_at: int
    """From then on nothing else begins on the stack."""
    cleared_by: Digest | None
    """The plan whose result was confirmed; the obligation's own id where a vote let it go."""


class Consent:
    """Reads and writes of everybody's yes but the electorate's and the council's."""

    def __init__(self, client: ChainClient) -> None:
        self._client = client

    def cosign_finance(self, plan: Plan, account: Account) -> Receipt:
        """The finance cosigner's yes to what a plan costs."""
        return self._transact(account, "registry", "cosignFinance", solidity(plan))

    def revoke_executor(self, executor: Address, account: Account) -> Receipt:
        """The guardian's no to an executor's key, at once."""
        return self._transact(account, "executor_registry", "revoke", executor)

    def attest(self, plan: Plan, said: Attestation, signature: bytes, account: Account) -> Receipt:
        """Carry an attestor's word about a plan; anybody may."""
        message = (solidity(plan), solidity(said), signature)
        return self._transact(account, "attestations", "attest", *message)

    def observe(self, plan: Plan, seen: Observed, signature: bytes, account: Account) -> Receipt:
        """Carry an attestor's word about a result; anybody may."""
        message = (solidity(plan), solidity(seen), signature)
        return self._transact(account, "attestations", "observe", *message)

    def report_unconfirmed(self, plan: Plan, account: Account) -> Receipt:
        """Make an obligation of a result that nobody has confirmed in time; anybody may."""
        return self._transact(account, "registry", "reportUnconfirmed", solidity(plan))

    def obligations(self, subject: Digest | None = None) -> list[Obligation]:
        """Everything that was ever owed, oldest first; on one subject where it is named."""
        where = {"subject": subject} if subject is not None else {}
        opened = self._client.logs("obligations", "Opened", where)
        return [self.obligation(digest(log.arguments["id"])) for log in opened]

    def obligation(self, found: Digest) -> Obligation:
        """One obligation by its id."""
        answer = self._client.call("obligations", "obligation", found)
        cleared = digest(answer["clearedBy"])
        return Obligation(
            id=found,
            subject=digest(answer["subject"]),
            cause=digest(answer["cause"]),
            duty=Duty(answer["duty"]),
            tier=Tier(answer["tier"]),
            opened_at=answer["openedAt"],
            due_at=answer["dueAt"],
            cleared_by=None if cleared == ZERO else cleared,
        )

    def _transact(self, account: Account, contract: str, function: str, *words: Any) -> Receipt:
        with explained():
            return self._client.transact(account, contract, function, *words)
