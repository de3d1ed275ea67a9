"""The plan registry and the executor registry, as values. They say the truth about a mandate.

Never the Governor's state: a proposal may be executed while its mandate is revoked, and an
operation of the AccessManager expires after a week while the Governor still says Queued.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from pulumi_mandate.chain import Account, BlockRef, ChainClient, Log, Receipt
from pulumi_mandate.governance.refusals import explained
from pulumi_mandate.models import (
    ZERO,
    Address,
    Attestation,
    Digest,
    ExecutionOrder,
    MandateState,
    Mode,
    Observed,
    Outcome,
    OutcomeKind,
    Plan,
    Renewal,
    Tier,
    digest,
)

Block = BlockRef | str
DENYING = frozenset(
    {
        MandateState.STOPPING,
        MandateState.REVOKED,
        MandateState.WITHDRAWN,
        MandateState.ABANDONED,
        MandateState.FAILED,
        MandateState.EXPIRED,
        MandateState.SUPERSEDED,
    }
)
"""States in which nothing may go forward, whoever says so."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """What the registry keeps about a plan hash. Times are chain time in seconds, 0 for never."""

    plan_hash: Digest
    state: MandateState
    tier: Tier
    renewals: int
    approved_at: int
    expires_at: int
    begun_at: int
    lease_until: int
    executor: Address
    """Whose run it is, until it is complete; zero then, and the events say who it was."""
    key_epoch: int
    run_id: Digest
    attestations: int = 0
    """How many of those who are its stack's attestors now have reproduced the plan."""
    cosigner: Address | None = None
    """The council, once it has cosigned."""
    financed: bool = False
    """The subject's finance cosigner said yes to what it costs."""
    hard: bool = False
    """Revoked so that not even the approved inverse is lawful."""
    closed_at: int = 0
    post_state: Digest = ZERO
    """What the outcome of a complete run says; zero before it."""


@dataclass(frozen=True, slots=True)
class SubjectConfig:
    """What a subject is judged by. `version` 0: it was never configured."""

    version: int
    rules: Digest
    mode: Mode
    secret_key_id: Digest
    backend: Digest
    proposers: tuple[Address, ...]
    attestors: tuple[Address, ...]
    runners: tuple[Address, ...]
    finance_cosigner: Address | None
    """Whose yes a plan needs that adds more to the bill than the cap."""
    cost_cap: int
    """US cents a month; `NO_CAP` where there is none."""


class ExecutorStatus(NamedTuple):
    """Whether an executor's key may sign, and the epoch that its orders must name."""

    active: bool
    epoch: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a tier allows. Seconds; `kinds` is the mask of `1 << Kind`."""

    validity: int
    max_lease: int
    kinds: int
    attestations: int
    """How many attestors must have reproduced a plan."""
    cosign: bool
    """Whether the council must cosign."""
    budget_operations: int
    """The low tier's, per stack: no more begins within any window, half of it at once."""
    budget_cost: int
    """US cents a month."""
    budget_window: int


class Registry:
    """Reads and writes of the registry. `at` a `BlockRef` asks every endpoint, for grants."""

    HISTORY: ClassVar = (
        "AttestationRecorded",
        "Cosigned",
        "Financed",
        "Approved",
        "Skipped",
        "Reserved",
        "Begun",
        "TakenOver",
        "Renewed",
        "Completed",
        "RunFailed",
        "Confirmed",
        "Revoked",
        "Withdrawn",
        "Superseded",
        "RunAbandoned",
    )

    def __init__(self, client: ChainClient) -> None:
        self._client = client

    # -- reading ----------------------------------------------------------------------------

    def mandate(self, plan_hash: Digest, at: Block = "latest") -> Mandate:
        """What stands about a plan hash. An unknown hash is a mandate in state NONE."""
        return _mandate(plan_hash, self._client.call("registry", "mandate", plan_hash, block=at))

    def each_mandate(self, plan_hash: Digest) -> list[Mandate]:
        """What every endpoint says at its newest block, for denials."""
        answers = self._client.call_each("registry", "mandate", plan_hash)
        return [_mandate(plan_hash, answer) for answer in answers]

    def denial(self, plan_hash: Digest) -> MandateState | None:
        """The state by which any endpoint, at its newest block, denies; None where none does."""
        states = [mandate.state for mandate in self.each_mandate(plan_hash)]
        return next((state for state in states if state in DENYING), None)

    def subject_config(self, subject: Digest, at: Block = "latest") -> SubjectConfig:
        """The config of a subject hash."""
        config, version = self._client.call("subjects", "subjectConfig", subject, block=at)
        return _config(config, version)

    def subject_config_before(
        self, subject: Digest, event: Log, until: BlockRef | None = None
    ) -> SubjectConfig | None:
        """The config that stood when an event happened; None where there was none.

        From the events: nodes forget old states, and nobody can change a config without one.
        """
        before = [
            log
            for log in self._client.logs(
                "subjects", "SubjectConfigured", {"subject": subject}, until=until
            )
            if (log.block_number, log.index) < (event.block_number, event.index)
        ]
        if not before:
            return None
        return _config(before[-1].arguments["config"], before[-1].arguments["version"])

    def executor(self, address: Address, at: Block = "latest") -> ExecutorStatus:
        """Whether a key is enrolled."""
        active, epoch = self._client.call("executor_registry", "executor", address, block=at)
        return ExecutorStatus(active, epoch)

    def running(self, subject: Digest, at: Block = "latest") -> Digest | None:
        """The plan hash that runs, or is stopping, on a subject."""
        found = digest(self._client.call("registry", "running", subject, block=at))
        return None if found == ZERO else found

    def terms(self, tier: Tier, at: Block = "latest") -> Terms:
        """What a tier allows; all zero where it has no electorate here."""
        answer = self._client.call("registry", "terms", int(tier), block=at)
        return Terms(**{_snake(name): value for name, value in answer.items()})

    def hash_plan(self, plan: Plan, at: Block = "latest") -> Digest:
        """The registry's own opinion of a plan's hash; must be `models.plan_hash`."""
        return digest(self._client.call("registry", "hashPlan", solidity(plan), block=at))

    def history(self, plan_hash: Digest, until: BlockRef | None = None) -> list[Log]:
        """Every event about a plan hash, oldest first."""
        found: list[Log] = []
        for event in self.HISTORY:
            found += self._client.logs("registry", event, {"planHash": plan_hash}, until=until)
        return sorted(found, key=lambda log: (log.block_number, log.index))

    def newest_block(self) -> BlockRef:
        """The newest block that every endpoint has."""
        return self._client.newest_block()

    def last_completed(
        self, subject: Digest, until: BlockRef, before: int | None = None
    ) -> Digest | None:
        """The plan whose run completed last on a subject; None where none ever did.

        `before` is a number of a block: what completed in it or later does not count.
        """
        completed = [
            log
            for log in self._completions(subject, until)
            if before is None or log.block_number < before
        ]
        return digest(completed[-1].arguments["planHash"]) if completed else None

    def completed(self, subject: Digest, until: BlockRef) -> list[Digest]:
        """Every plan whose run completed on a subject, oldest first."""
        return [digest(log.arguments["planHash"]) for log in self._completions(subject, until)]

    def _completions(self, subject: Digest, until: BlockRef) -> list[Log]:
        """The event of a completion does not name the subject; that of its beginning does."""
        where = {"subject": subject}
        begun = {
            bytes(log.arguments["planHash"])
            for log in self._client.logs("registry", "Begun", where, until=until)
        }
        completed = self._client.logs("registry", "Completed", until=until)
        return [log for log in completed if bytes(log.arguments["planHash"]) in begun]

    # -- runs -------------------------------------------------------------------------------

    def begin(
        self, plan: Plan, order: ExecutionOrder, signature: bytes, account: Account
    ) -> Receipt:
        """Spend the mandate. `account` is the runner that the order names.

        Raises `ContractRefused` with the registry's reason, explained.
        """
        return self._transact(account, "begin", solidity(plan), solidity(order), signature)

    def renew(
        self, plan_hash: Digest, renewal: Renewal, signature: bytes, account: Account
    ) -> Receipt:
        """Extend the lease of a run."""
        return self._transact(account, "renew", plan_hash, solidity(renewal), signature)

    def close(
        self, plan_hash: Digest, outcome: Outcome, signature: bytes, account: Account
    ) -> Receipt:
        """State what became of a run: `complete` or `fail`, as the outcome says."""
        function = "complete" if outcome.kind is OutcomeKind.COMPLETED else "fail"
        return self._transact(account, function, plan_hash, solidity(outcome), signature)

    def complete(
        self, plan_hash: Digest, outcome: Outcome, signature: bytes, account: Account
    ) -> Receipt:
        """State that everything was done."""
        return self._transact(account, "complete", plan_hash, solidity(outcome), signature)

    def fail(
        self, plan_hash: Digest, outcome: Outcome, signature: bytes, account: Account
    ) -> Receipt:
        """State that the run ended without doing everything."""
        return self._transact(account, "fail", plan_hash, solidity(outcome), signature)

    def abandon(self, plan_hash: Digest, account: Account) -> Receipt:
        """Free the subject of a run whose lease and grace are over. Anybody may."""
        begun = self._client.logs("registry", "Begun", {"planHash": plan_hash})
        subject = digest(begun[-1].arguments["subject"]) if begun else ZERO
        return self._transact(account, "abandon", plan_hash, subject)

    # -- saying no --------------------------------------------------------------------------

    def revoke(self, plan_hash: Digest, account: Account, *, hard: bool = False) -> Receipt:
        """Burn a plan hash, or stop its run; `hard`: not even its inverse runs. The guardian's."""
        return self._transact(account, "revokeHard" if hard else "revoke", plan_hash)

    def withdraw(self, plan: Plan, account: Account) -> Receipt:
        """Burn one's own plan."""
        return self._transact(account, "withdraw", solidity(plan))

    def _transact(self, account: Account, function: str, *arguments: Any) -> Receipt:
        with explained():
            return self._client.transact(account, "registry", function, *arguments)


def solidity(
    value: Plan | ExecutionOrder | Renewal | Outcome | Attestation | Observed,
) -> dict[str, Any]:
    """A typed message as the mapping that the ABI names: `effect_root` becomes `effectRoot`."""
    return {_camel(field.name): getattr(value, field.name) for field in dataclasses.fields(value)}


NO_CAP = 2**64 - 1
"""A cost cap that nothing exceeds: the finance cosigner is never asked."""


def _somebody(address: Address) -> Address | None:
    return Address(address) if int(address, 16) else None


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _mandate(plan_hash: Digest, answer: dict[str, Any]) -> Mandate:
    return Mandate(
        plan_hash=plan_hash,
        state=MandateState(answer["state"]),
        tier=Tier(answer["tier"]),
        renewals=answer["renewals"],
        approved_at=answer["approvedAt"],
        expires_at=answer["expiresAt"],
        begun_at=answer["begunAt"],
        lease_until=answer["leaseUntil"],
        executor=answer["executor"],
        key_epoch=answer["keyEpoch"],
        run_id=digest(answer["runId"]),
        attestations=answer["attestations"],
        cosigner=_somebody(answer["cosigner"]),
        financed=answer["financed"],
        hard=answer["hard"],
        closed_at=answer["closedAt"],
        post_state=digest(answer["postState"]),
    )


def _config(config: Any, version: int) -> SubjectConfig:
    return SubjectConfig(
        version=version,
        rules=digest(config["rulesDigest"]),
        mode=Mode(config["mode"]),
        secret_key_id=digest(config["secretKeyId"]),
        backend=digest(config["backend"]),
        proposers=tuple(config["proposers"]),
        attestors=tuple(config["attestors"]),
        runners=tuple(config["runners"]),
        finance_cosigner=_somebody(config["financeCosigner"]),
        cost_cap=config["costCap"],
    )
