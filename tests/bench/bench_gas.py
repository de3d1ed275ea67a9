"""What governance costs in gas, beside OpenZeppelin's plain Governor on the same chain in one run.

    python -m tests.bench.bench_gas

Whole transactions, as their receipts have them: same compiler, EVM, optimizer runs, electorate,
description and number of calldata bytes on both sides, and fresh voters. The baseline is
`contracts/test/bench/Baseline.sol`: Settings, CountingSimple, Votes, VotesQuorumFraction and
TimelockControl over a registry of one word per plan. Below the table: where the gas of `begin`
goes, from the transaction's trace.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account as EthAccount

from pulumi_mandate.chain import ChainClient, Contract, Receipt
from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.governance import Registry
from pulumi_mandate.governance.registry import solidity
from pulumi_mandate.models import (
    Address,
    Attestation,
    MandateState,
    OutcomeKind,
    Tier,
    keccak,
    signing_digest,
    to_hex,
)
from tests.chain.bare_chain import BareChain
from tests.chain.genesis import DAY, Deployment, Person, Terms, deploy
from tests.governance.cases import a_plan, an_order, an_outcome, hash_of, signed

ROOT = Path(__file__).resolve().parents[2]
DIRECT = ("ana", "ben", "cleo")
SIGNED = "dan"
BATCH = tuple(f"voter {number}" for number in range(25))
VOTERS = (*DIRECT, SIGNED, *BATCH)
LOW_PLANS = 20

GOALS: Mapping[str, int | None] = {
    "propose": 160_000,
    "vote, first voter": None,
    "vote, later voters": 70_000,
    "signed ballot, own transaction": 101_000,
    "signed ballot, one of 25": 70_000,
    "queue": 130_000,
    "execute": 125_000,
    "the whole round": 660_000,
    "one of 20 low plans, their whole round": 60_000,
    "begin": 100_000,
    "complete": 60_000,
}
"""At most, by the design; it says nothing of a first voter, who pays for the late-quorum rule."""


@dataclass(frozen=True, slots=True)
class Electorate:
    """A governor, and what its proposals call."""

    client: ChainClient
    governor: Contract
    target: Contract


def compiled(name: str, folder: Path) -> tuple[Abi, bytes]:
    """Interface and creation code, built in a folder of its own: forge's tests are found again."""
    environment = os.environ | {
        "FOUNDRY_OUT": str(folder / "out"),
        "FOUNDRY_CACHE_PATH": str(folder / "cache"),
    }
    sources = ["test/bench/Baseline.sol", "src/BallotRelay.sol"]
    command = [str(ROOT / "contracts/tools/forge"), "build", "--quiet", *sources]
    subprocess.run(command, env=environment, check=True)
    file = "Baseline" if name.startswith("Plain") else name
    built = json.loads((folder / "out" / f"{file}.sol" / f"{name}.json").read_text())
    return Abi(built["abi"]), bytes.fromhex(built["bytecode"]["object"][2:])


Create = Callable[..., Contract]


def creator(deployment: Deployment, folder: Path) -> Create:
    """Deploys what is compiled for this bench only, by name and constructor arguments."""
    client, payer = deployment.client, deployment.people["deployer"]

    def create(name: str, *arguments: Any) -> Contract:
        abi, code = compiled(name, folder)
        receipt = client.send(payer, None, code + abi.constructor_arguments(arguments))
        assert receipt.contract_address is not None
        return Contract(name, receipt.contract_address, abi)

    return create


def deploy_baseline(deployment: Deployment, create: Create) -> Electorate:
    """The plain contracts, for the electorate that our token has."""
    client, payer = deployment.client, deployment.people["deployer"]
    terms, nobody = deployment.terms, Address("0x" + "00" * 20)
    timelock = create("TimelockController", terms.medium_delay, [], [nobody], payer.address)
    governor = create(
        "PlainGovernor",
        deployment.trust.token,
        timelock.address,
        terms.voting_delay,
        terms.voting_period,
    )
    for role in ("PROPOSER_ROLE", "CANCELLER_ROLE"):
        client.transact(payer, timelock, "grantRole", keccak(role.encode()), governor.address)
    return Electorate(client, governor, create("PlainRegistry", timelock.address))


def ours(deployment: Deployment) -> Electorate:
    client = deployment.client
    return Electorate(client, client.contract("standard_governor"), client.contract("registry"))


def signed_ballot(at: Electorate, proposal: int, voter: Person) -> bytes:
    """EIP-712 `Ballot`, as the governor asks for it."""
    _, name, version, chain, contract, _, _ = at.client.call(at.governor, "eip712Domain")
    message = EthAccount.sign_typed_data(
        voter.local.key,
        {"name": name, "version": version, "chainId": chain, "verifyingContract": contract},
        {
            "Ballot": [
                {"name": "proposalId", "type": "uint256"},
                {"name": "support", "type": "uint8"},
                {"name": "voter", "type": "address"},
                {"name": "nonce", "type": "uint256"},
            ]
        },
        {
            "proposalId": proposal,
            "support": 1,
            "voter": voter.address,
            "nonce": at.client.call(at.governor, "nonces(address)", voter.address),
        },
    )
    return bytes(message.signature)


def measure_round(
    deployment: Deployment, at: Electorate, relay: Contract, call: Sequence[Any], text: str
) -> dict[str, int]:
    """Propose, vote, queue and execute one call. Gas by step."""
    people, terms = deployment.people, deployment.terms
    calldata = at.target.abi.encode_call(call[0], call[1:])
    proposal = ([at.target.address], [0], [calldata])

    def send(who: str, function: str, *arguments: Any) -> Receipt:
        return at.client.transact(people[who], at.governor, function, *arguments)

    proposed = send("proposer", "propose", *proposal, text)
    made = next(e for e in proposed.events(at.governor) if e.name == "ProposalCreated")
    number = made.arguments["proposalId"]
    deployment.advance(terms.voting_delay + 1)
    direct = [send(name, "castVote", number, 1).gas_used for name in DIRECT]
    ballot = signed_ballot(at, number, people[SIGNED])
    by_signature = send(
        "stranger", "castVoteBySig", number, 1, people[SIGNED].address, ballot
    ).gas_used
    ballots = [(1, people[name].address, signed_ballot(at, number, people[name])) for name in BATCH]
    relayed = at.client.transact(
        people["stranger"], relay, "relay", at.governor.address, number, ballots
    ).gas_used
    deployment.advance(terms.voting_period + 1)
    digest = keccak(text.encode())
    queued = send("stranger", "queue(address[],uint256[],bytes[],bytes32)", *proposal, digest)
    deployment.advance(terms.medium_delay + 1)
    executed = send("stranger", "execute(address[],uint256[],bytes[],bytes32)", *proposal, digest)
    steps = (proposed.gas_used, *direct, queued.gas_used, executed.gas_used)
    return {
        "propose": proposed.gas_used,
        "vote, first voter": direct[0],
        "vote, later voters": direct[-1],
        "signed ballot, own transaction": by_signature,
        "signed ballot, one of 25": relayed // len(BATCH),
        "queue": queued.gas_used,
        "execute": executed.gas_used,
        "the whole round": sum(steps),
    }


def measure_low_plans(deployment: Deployment) -> int:
    """Gas a plan of one proposal that approves many: no ballots, because silence is a yes.

    Somebody must have reproduced each plan before; what that costs is a matter of each plan.
    """
    client, people = deployment.client, deployment.people
    plans = [a_plan(deployment, f"low {number}", Tier.LOW) for number in range(LOW_PLANS)]
    hashes = [hash_of(deployment, plan) for plan in plans]
    for plan, digest in zip(plans, hashes, strict=True):
        said = Attestation(digest, plan.effect_root, True, plan.program, client.now())
        signature = people["attestor"].sign_digest(signing_digest(deployment.domain, said))
        arguments = (solidity(plan), solidity(said), signature)
        client.transact(people["stranger"], "attestations", "attest", *arguments)
    registry = client.contract("registry")
    call = registry.abi.encode_call("approveLowBatch", [hashes])
    text = _description(deployment)
    proposal = ([registry.address], [0], [call])
    passed = (*proposal, keccak(text.encode()))

    def send(who: str, function: str, *arguments: Any) -> int:
        return client.transact(people[who], "low_governor", function, *arguments).gas_used

    gas = send("proposer", "propose", *proposal, text)
    deployment.advance(3 * DAY)
    gas += send("stranger", "queue(address[],uint256[],bytes[],bytes32)", *passed)
    deployment.advance(deployment.terms.low_delay + 1)
    gas += send("stranger", "execute(address[],uint256[],bytes[],bytes32)", *passed)
    assert client.call("registry", "mandate", hashes[-1])["state"] == MandateState.APPROVED
    return gas // LOW_PLANS


@dataclass(frozen=True, slots=True)
class Measured:
    """Gas by step, and what `begin` was spent on."""

    baseline: Mapping[str, int]
    ours: Mapping[str, int]
    begin: Mapping[str, int]


def measure() -> Measured:
    """One chain, both sides, in one run."""
    # The first ballot reaches the quorum: whoever does pays for the rule against late ones.
    holdings = dict.fromkeys(VOTERS, 250) | dict.fromkeys(DIRECT, 5_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with BareChain(folder, tracing=True) as chain:
            deployment = deploy(chain, Terms(holdings=holdings))  # type: ignore[arg-type]
            plan = a_plan(deployment)
            digest = hash_of(deployment, plan)
            text = _description(deployment)
            create = creator(deployment, folder)
            plain, relay = deploy_baseline(deployment, create), create("BallotRelay")
            baseline = measure_round(deployment, plain, relay, ("approve", digest), text)
            approval = ("approveMedium", digest)
            governed = measure_round(deployment, ours(deployment), relay, approval, text)
            registry, runner = Registry(deployment.client), deployment.people["runner"]
            order = an_order(deployment, plan)
            begun = registry.begin(plan, order, signed(deployment, order), runner)
            outcome = an_outcome(order, OutcomeKind.COMPLETED)
            closed = registry.close(digest, outcome, signed(deployment, outcome), runner)
            run = {"begin": begun.gas_used, "complete": closed.gas_used}
            run["one of 20 low plans, their whole round"] = measure_low_plans(deployment)
            return Measured(baseline, governed | run, spent(chain, begun))


def _description(deployment: Deployment) -> str:
    """As long as a real one: the words of a plan, its machine lines, and who proposes."""
    proposer = deployment.people["proposer"].address
    lines = ["A second bucket", "", "+ aws:s3 bucket logs", "", f"plan: {to_hex(keccak(b'plan'))}"]
    return "\n".join([*lines, f"document: {to_hex(keccak(b'document'))}", f"#proposer={proposer}"])


# -- where gas goes ------------------------------------------------------------------------------

_KINDS = {
    "SLOAD": "reading storage",
    "KECCAK256": "hashing",
    "STATICCALL": "calls, and recovering the signer",
    "CALL": "calls, and recovering the signer",
    "DELEGATECALL": "calls, and recovering the signer",
}
NEW_WORD = 20_000


def spent(chain: BareChain, receipt: Receipt) -> dict[str, int]:
    """Gas of a transaction by what it was for; adds up to what the receipt says."""
    trace = chain.call("debug_traceTransaction", to_hex(receipt.transaction), {})
    found: dict[str, int] = defaultdict(int)
    for operation, gas in _own_gas(trace["structLogs"]):
        found[_kind(operation, gas)] += gas
    found["the transaction itself, and its calldata"] = receipt.gas_used - sum(found.values())
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _kind(operation: str, gas: int) -> str:
    if operation == "SSTORE":
        return "storage words written anew" if gas >= NEW_WORD else "storage words changed"
    if operation.startswith("LOG"):
        return "events"
    return _KINDS.get(operation, "everything else: memory, arithmetic, jumps")


def _own_gas(steps: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """Each operation with what it took itself: a call's gas without what the callee spent."""
    calls: list[tuple[int, int]] = []  # (gas before the call, what the callee has spent so far)
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        depth, gas = step["depth"], step["gas"]
        if after is not None and after["depth"] > depth:
            calls.append((gas, after["gas"]))
            continue
        last = gas - step["gasCost"]
        left = after["gas"] if after is not None and after["depth"] == depth else last
        yield step["op"], gas - left
        if after is not None and after["depth"] < depth:
            before, given = calls.pop()
            yield "CALL", before - after["gas"] - (given - last)


def table(found: Measured) -> str:
    """The design's table with both sides."""
    width = max(map(len, GOALS))
    lines = [f"{'gas':<{width}} {'baseline':>9} {'ours':>9} {'goal':>9}"]
    for name, goal in GOALS.items():
        before = f"{found.baseline[name]:,}" if name in found.baseline else ""
        here = found.ours[name]
        wanted = "" if goal is None else f"{goal:,}"
        mark = "" if goal is None or here <= goal else f"  over by {here - goal:,}"
        lines.append(f"{name:<{width}} {before:>9} {here:>9,} {wanted:>9}{mark}")
    lines += ["", f"begin, {found.ours['begin']:,} gas:"]
    lines += [f"  {gas:>8,}  {what}" for what, gas in found.begin.items()]
    return "\n".join(lines)


def main() -> int:
    print(table(measure()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
