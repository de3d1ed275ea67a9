"""Genesis of a deployment for tests: the calls of `contracts/README.md`, made with web3.

web3 is the second opinion here: our own encoder is not what puts the contracts under test in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_account import Account as EthAccount
from eth_account.signers.local import LocalAccount

from pulumi_mandate.chain.artifacts import artifact
from pulumi_mandate.chain.client import ChainClient
from pulumi_mandate.chain.trust import CONTRACTS, Governors, Trust
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.models import Address, Digest, Domain, Subject, Tier, keccak, subject_hash

MEDIUM_ROLE, HIGH_ROLE, CRITICAL_ROLE, GUARDIAN_ROLE, REGISTRY_ROLE = 1, 2, 3, 4, 5
LOW_ROLE, COUNCIL_ROLE, EMERGENCY_ROLE, AUDITOR_ROLE, LOG_ROLE = 6, 7, 8, 9, 10
DAY = 86_400
CRITICAL_FUNCTIONS = (
    "approveHigh",
    "approveCritical",
    "configureSubject",
    "enrolExecutor",
    "rotateExecutor",
    "ratify",
)
TOKEN = 10**18
SEATS = ("ana", "ben", "cleo")
"""Of the council, which votes here as well."""
SUBJECT = Subject("test-backend", "acme", "shop", "prod")
RULES = keccak(b"rules of the tests")
GAS_MONEY = 100 * TOKEN


class Person:
    """A local key that signs transactions and digests. For tests only."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.local: LocalAccount = EthAccount.from_key(keccak(f"test person {name}".encode()))

    @property
    def address(self) -> Address:
        return Address(self.local.address)

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        return bytes(self.local.sign_transaction(dict(transaction)).raw_transaction)

    def sign_digest(self, value: Digest) -> bytes:
        """r, s, v with v 27 or 28: what the registry recovers."""
        return bytes(self.local.unsafe_sign_hash(value).signature)


@dataclass(frozen=True)
class Terms:
    """What a test may want otherwise. Seconds."""

    voting_delay: int = 2 * DAY
    voting_period: int = 3 * DAY
    """Of the medium tier; high and critical have two days more, low has one day."""
    low_delay: int = 3600
    medium_delay: int = DAY
    high_delay: int = 7 * DAY
    validity: int = 7 * DAY
    max_lease: int = 4 * 3600
    grace: int = 3600
    high_attestations: int = 0
    high_cosign: bool = False
    confirm_within: int = 3 * DAY
    clear_within: int = 7 * DAY
    cost_cap: int = 2**64 - 1
    holdings: Mapping[str, int] = field(
        default_factory=lambda: {"ana": 500, "ben": 300, "cleo": 200}
    )
    """Whole tokens by name."""
    rules: Digest = RULES
    subject: Subject = SUBJECT
    others: tuple[Subject, ...] = ()
    """Stacks with the same config beside it."""
    two_machines: bool = False
    """Whether `runner-2` with `executor-2` may do what `runner` with `executor` may."""
    secret_key_id: Digest = field(default_factory=lambda: keccak(b"secret key of the tests"))

    def voting_period_of(self, tier: Tier) -> int:
        """The critical governor's votes last two days longer."""
        return self.voting_period + (2 * DAY if tier in (Tier.HIGH, Tier.CRITICAL) else 0)


@dataclass(frozen=True)
class Deployment:
    """A running chain with sealed contracts and people on it."""

    service: ChainService
    trust: Trust
    client: ChainClient
    people: Mapping[str, Person]
    terms: Terms

    @property
    def domain(self) -> Domain:
        return self.trust.domain

    def advance(self, seconds: int) -> None:
        self.service.advance(seconds)


Meanwhile = Callable[["_Deployer", Mapping[str, Any]], None]
"""What a dishonest genesis account does before it lets go."""


def deploy(
    service: ChainService, terms: Terms | None = None, meanwhile: Meanwhile | None = None
) -> Deployment:
    """Deploy, wire, configure, let go, seal."""
    from web3 import HTTPProvider, Web3

    terms = terms or Terms()
    facts = service.facts()
    assert facts is not None
    names = ["deployer", "guardian", "proposer", "runner", "executor", "stranger"]
    names += ["attestor", "observer", "finance"]
    names += ["runner-2", "executor-2"] if terms.two_machines else []
    people = {name: Person(name) for name in [*names, *terms.holdings]}
    for person in people.values():
        if not person.name.startswith("executor"):  # the order key pays for nothing
            service.credit(person.address, GAS_MONEY)
    work = _Deployer(Web3(HTTPProvider(facts["rpc"])), people["deployer"].local)
    first = work.web3.eth.block_number
    contracts = _contracts(work, people, terms)
    contracts |= _governors(work, contracts, people, terms)
    contracts["emergency_gate"] = _gate(work, contracts)
    _wire(work, contracts, people, terms)
    _configure(work, contracts, people, terms)
    if meanwhile is not None:
        meanwhile(work, contracts)
    _let_go(work, contracts)
    trust = Trust(
        chain_id=facts["chainId"],
        rpc=(facts["rpc"],),
        deployed_block=first,
        development=True,
        **{name: Address(contracts[name].address) for name in CONTRACTS},
        governors=Governors(
            *(Address(contracts[f"{name}_governor"].address) for name in Governors._fields)
        ),
    )
    return Deployment(service, trust, ChainClient(trust), people, terms)


class _Deployer:
    def __init__(self, web3: Any, account: LocalAccount) -> None:
        self.web3 = web3
        self.account = account

    def create(self, name: str, *arguments: Any) -> Any:
        found = artifact(name)
        factory = self.web3.eth.contract(abi=list(found.abi.entries), bytecode=found.bytecode)
        receipt = self.send(factory.constructor(*arguments))
        return self.web3.eth.contract(address=receipt["contractAddress"], abi=factory.abi)

    def send(self, call: Any) -> Any:
        transaction = call.build_transaction(
            {
                "from": self.account.address,
                "nonce": self.web3.eth.get_transaction_count(self.account.address),
                "maxFeePerGas": 4 * 10**9,
                "maxPriorityFeePerGas": 10**9,
            }
        )
        transaction["gas"] = transaction["gas"] * 5 // 4
        raw = self.account.sign_transaction(transaction).raw_transaction
        receipt = self.web3.eth.wait_for_transaction_receipt(
            self.web3.eth.send_raw_transaction(raw), poll_latency=0.02
        )
        assert receipt["status"] == 1, call
        return receipt


def _contracts(work: _Deployer, people: Mapping[str, Person], terms: Terms) -> dict[str, Any]:
    shares = [(people[name].address, amount * TOKEN) for name, amount in terms.holdings.items()]
    token = work.create("MandateToken", "Mandate", "MAND", shares)
    manager = work.create("AccessManager", people["deployer"].address)
    executors = work.create("ExecutorRegistry", manager.address)
    subjects = work.create("SubjectConfigs", manager.address)
    obligations = work.create("ObligationLedger", manager.address, DAY)
    registry = work.create(
        "PlanRegistry",
        (
            manager.address,
            executors.address,
            subjects.address,
            obligations.address,
            people["deployer"].address,
            *_tiers(terms),
            terms.grace,
            terms.confirm_within,
            terms.clear_within,
            6,
        ),
    )
    attestations = work.create("AttestationLog", registry.address)
    return {
        "token": token,
        "access_manager": manager,
        "executor_registry": executors,
        "subjects": subjects,
        "obligations": obligations,
        "attestations": attestations,
        "ballot_relay": work.create("BallotRelay"),
        "council": work.create("Council", [_seat(Person(name)) for name in SEATS], 2, 2 * DAY),
        "registry": registry,
    }


def _governors(
    work: _Deployer, contracts: Mapping[str, Any], people: Mapping[str, Person], terms: Terms
) -> dict[str, Any]:
    """Times, (quorum, veto, approval, cap, open proposals) and functions of each."""
    delay, period = terms.voting_delay, terms.voting_period
    rules: dict[str, tuple[tuple[int, ...], tuple[int, ...], list[str]]] = {
        "low": (
            (3600, DAY, 0),
            (0, 5, 0, 0, 3),
            ["approveLow", "approveLowBatch"],
        ),
        "standard": ((delay, period, DAY), (4, 0, 0, 0, 0), ["approveMedium"]),
        "critical": (
            (delay, period + 2 * DAY, DAY),
            (10, 0, 60, 20, 0),
            [*CRITICAL_FUNCTIONS, "renew()"],
        ),
    }
    places = [contracts[name].address for name in ("token", "access_manager", "registry")]
    return {
        f"{name}_governor": work.create(
            "MandateGovernor",
            (
                *places,
                people["guardian"].address,
                *times,
                0,
                0,
                *shares,
                [_selector(contracts["registry"], function) for function in functions],
            ),
        )
        for name, (times, shares, functions) in rules.items()
    }


def _gate(work: _Deployer, contracts: Mapping[str, Any]) -> Any:
    """Reports within three days, ratification within three weeks, open for a year."""
    names = ("access_manager", "registry", "obligations", "council", "critical_governor")
    places = [contracts[name].address for name in names]
    return work.create("EmergencyGate", (*places, 3 * DAY, 21 * DAY, 365 * DAY))


def _seat(person: Person) -> bytes:
    """An account as an ERC-7913 signer."""
    return bytes.fromhex(person.address[2:])


def _tiers(terms: Terms) -> list[tuple[Any, ...]]:
    """Low, medium, high, critical, emergency, in the order of the registry's struct."""
    no_budget = (0, 0, 0)
    high = (terms.validity, terms.max_lease, 0xFF, terms.high_attestations, terms.high_cosign)
    return [
        (3 * DAY, terms.max_lease, 0xC3, 1, False, 50, 100_00, 7 * DAY),
        (terms.validity, terms.max_lease, 0xCF, 0, False, *no_budget),
        (*high, *no_budget),
        (*high, *no_budget),
        (6 * 3600, terms.max_lease, 0xC7, 0, False, *no_budget),
    ]


def _wire(
    work: _Deployer,
    contracts: Mapping[str, Any],
    people: Mapping[str, Person],
    terms: Terms,
) -> None:
    manager = contracts["access_manager"].functions
    for contract, names, role in (
        ("registry", ["approveLow", "approveLowBatch"], LOW_ROLE),
        ("registry", ["approveMedium"], MEDIUM_ROLE),
        ("registry", ["approveHigh"], HIGH_ROLE),
        ("registry", list(CRITICAL_FUNCTIONS[1:]), CRITICAL_ROLE),
        ("registry", ["approveEmergency"], EMERGENCY_ROLE),
        ("registry", ["cosign"], COUNCIL_ROLE),
        ("registry", ["recordAttestation", "confirm"], LOG_ROLE),
        ("registry", ["revoke", "revokeHard"], GUARDIAN_ROLE),
        ("subjects", ["configureSubject", "recordAttestation"], REGISTRY_ROLE),
        ("executor_registry", ["enrol", "rotate"], REGISTRY_ROLE),
        ("executor_registry", ["admit"], COUNCIL_ROLE),
        ("executor_registry", ["revoke"], GUARDIAN_ROLE),
        ("obligations", ["open", "clear"], REGISTRY_ROLE),
        ("obligations", ["openEmergency"], EMERGENCY_ROLE),
        ("obligations", ["openAudit"], AUDITOR_ROLE),
        ("emergency_gate", ["renew"], CRITICAL_ROLE),
    ):
        target = contracts[contract]
        selectors = [_selector(target, name) for name in names]
        work.send(manager.setTargetFunctionRole(target.address, selectors, role))
    guardian, critical = people["guardian"].address, contracts["critical_governor"].address
    for role, holder, delay in (
        (REGISTRY_ROLE, contracts["registry"].address, 0),
        (LOG_ROLE, contracts["attestations"].address, 0),
        (LOW_ROLE, contracts["low_governor"].address, terms.low_delay),
        (MEDIUM_ROLE, contracts["standard_governor"].address, terms.medium_delay),
        (HIGH_ROLE, critical, terms.high_delay),
        (CRITICAL_ROLE, critical, terms.high_delay),
        (GUARDIAN_ROLE, guardian, 0),
        (EMERGENCY_ROLE, contracts["emergency_gate"].address, 0),
        (COUNCIL_ROLE, contracts["council"].address, 0),
        (AUDITOR_ROLE, guardian, 0),
    ):
        work.send(manager.grantRole(role, holder, delay))
    for role in (LOW_ROLE, MEDIUM_ROLE, HIGH_ROLE, CRITICAL_ROLE):
        work.send(manager.setRoleGuardian(role, GUARDIAN_ROLE))


def _configure(
    work: _Deployer, contracts: Mapping[str, Any], people: Mapping[str, Person], terms: Terms
) -> None:
    manager, registry = contracts["access_manager"].functions, contracts["registry"].functions
    machines = ("", "-2") if terms.two_machines else ("",)
    work.send(manager.grantRole(CRITICAL_ROLE, work.account.address, 0))
    config = (
        terms.rules,
        2,
        terms.secret_key_id,
        keccak(terms.subject.backend.encode()),
        [people["proposer"].address],
        [people["attestor"].address, people["observer"].address],
        [people[f"runner{machine}"].address for machine in machines],
        people["finance"].address,
        terms.cost_cap,
    )
    for subject in (terms.subject, *terms.others):
        work.send(registry.configureSubject(subject_hash(subject), config))
    for machine in machines:
        work.send(registry.enrolExecutor(people[f"executor{machine}"].address))


def _let_go(work: _Deployer, contracts: Mapping[str, Any]) -> None:
    manager = contracts["access_manager"].functions
    work.send(manager.revokeRole(CRITICAL_ROLE, work.account.address))
    work.send(manager.renounceRole(0, work.account.address))
    work.send(contracts["registry"].functions.seal())


def _selector(contract: Any, name: str) -> bytes:
    signature = name if "(" in name else contract.get_function_by_name(name).signature
    return bytes(keccak(signature.encode())[:4])
