"""Why does this resource look like this? Every link from it to the votes and the key. Pure.

(1) resource    the plan holds an operation on it
(2) operation   its canonical bytes make this leaf
(3) proof       the leaf is under the effect root that was run
(…) document … source: the ten links of `proposal`
(4) votes       the ballots add up to the tally, and the tally passed
(5) approval    the registry approved the hash when the governor executed the proposal
(6) order       the executor's order is about this plan, this run and this runner, and was in time
(7) signature   it was signed by a key that was enrolled, under its epoch at that time
(8) begin       the transaction went to the registry, from the runner, and succeeded; events agree
(9) outcome     signed by the same key, about the same run
(10) receipt    the stored receipt hashes to the root on chain, and fits the plan leaf by leaf

The list ends where history ends: a proposal that was never executed has no link 5 and later. Nobody
votes on an emergency: it has no link 4, and the council's declaration stands among the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..governance import Support
from ..models import (
    Digest,
    ExecutionOrder,
    Kind,
    OutcomeKind,
    Plan,
    Tier,
    keccak,
    plan_hash,
    signing_digest,
    to_hex,
)
from ..plan import merkle
from ..plan.canonical import canonical_bytes
from ..plan.document import Document
from ..plan.receipt import DONE, Receipt
from ..signing import recover
from .calldata import BeginCall, CloseCall, decode_begin, decode_close
from .evidence import RunEvidence
from .links import Broken, Finding, Link, require, require_equal, run_checks
from .proposal import verify_proposal

_Look = Callable[[RunEvidence], Finding]


def trace(evidence: RunEvidence) -> list[Link]:
    """Every link of what has happened so far. `links.broken` finds the first that does not hold."""
    return [
        *run_checks(_subject_checks(evidence), evidence),
        *verify_proposal(evidence.proposal),
        *run_checks(_history_checks(evidence), evidence),
    ]


def progress_of(evidence: RunEvidence) -> str:
    """How far history goes: `proposed`, `approved`, `running`, `completed`, `failed`."""
    if evidence.closed is not None:
        return "completed" if evidence.closed.name == "Completed" else "failed"
    if evidence.begun is not None:
        return "running"
    return "approved" if evidence.approved is not None else "proposed"


def _subject_checks(evidence: RunEvidence) -> list[tuple[str, _Look]]:
    if evidence.urn is None:
        return []
    return [("resource", _resource), ("operation", _operation), ("proof", _proof)]


def _history_checks(evidence: RunEvidence) -> list[tuple[str, _Look]]:
    checks: list[tuple[str, _Look]] = []
    if evidence.proposal.voted is not None:
        checks.append(("votes", _votes))
    if evidence.approved is not None or evidence.begun is not None:
        checks.append(("approval", _approval))
    if evidence.begun is not None:
        checks += [("order", _order), ("signature", _signature), ("begin", _begin)]
    if evidence.closed is not None:
        checks += [("outcome", _outcome), ("receipt", _receipt)]
    return checks


# -- the resource ---------------------------------------------------------------------------


def operations_on(document: Document, urn: str) -> list[int]:
    """Positions of a resource's operations: one, or several where it is replaced."""
    return [i for i, operation in enumerate(document.operations) if operation["urn"] == urn]


def _positions(evidence: RunEvidence) -> tuple[Document, list[int]]:
    document = Document.load(evidence.proposal.document)
    found = operations_on(document, str(evidence.urn))
    require(bool(found), "the plan holds no operation on this resource", urn=str(evidence.urn))
    return document, found


def _resource(evidence: RunEvidence) -> Finding:
    # (1)
    document, found = _positions(evidence)
    steps = ", ".join(str(document.operations[index]["op"]) for index in found)
    return f"{steps} in a plan of {len(document.operations)} operations", {"urn": str(evidence.urn)}


def _operation(evidence: RunEvidence) -> Finding:
    # (2)
    document, found = _positions(evidence)
    compared = {f"leaf {index}": to_hex(_leaf(document, index)) for index in found}
    tiers = {Tier(document.operations[index]["tier"]).name.lower() for index in found}
    return f"tier {', '.join(sorted(tiers))}", compared


def _proof(evidence: RunEvidence) -> Finding:
    # (3) against the root in the transaction that ran; before there is one, the plan's own.
    document, found = _positions(evidence)
    root = _begin_call(evidence).plan.effect_root if evidence.begin else document.effect_root
    steps = 0
    for index in found:
        siblings = merkle.proof(document.leaves, index)
        steps = max(steps, len(siblings))
        require(
            merkle.verify(_leaf(document, index), siblings, root),
            f"leaf {index} is not under the effect root",
            expected=to_hex(root),
        )
    return f"{steps} hashes from the leaf to the effect root", {"effectRoot": to_hex(root)}


def _leaf(document: Document, index: int) -> Digest:
    operation = document.operations[index]
    return merkle.leaf(
        index,
        Kind(operation["kind"]),
        Tier(operation["tier"]),
        operation["urn"],
        keccak(canonical_bytes(operation)),
    )


# -- the vote -------------------------------------------------------------------------------


def _votes(evidence: RunEvidence) -> Finding:
    # (4)
    proposal, ballots = evidence.proposal.proposal, evidence.votes
    cast = dict.fromkeys(Support, 0)
    for ballot in ballots:
        cast[ballot.support] += ballot.weight
    for support, said in (
        (Support.FOR, proposal.votes.in_favour),
        (Support.AGAINST, proposal.votes.against),
        (Support.ABSTAIN, proposal.votes.abstain),
    ):
        require_equal(f"the tally {support.name.lower()}", str(said), str(cast[support]))
    voters = [ballot.voter for ballot in ballots]
    require(len(set(voters)) == len(voters), "somebody voted twice")
    if evidence.approved is not None:
        if not proposal.rule.veto:
            require(proposal.quorum_reached, "it was approved without a quorum")
        require(proposal.passes, "it was approved without the majority that its tier needs")
    compared = {
        str(ballot.voter): f"{ballot.support.name.lower()} {ballot.weight}" for ballot in ballots
    }
    quorum = "quorum reached" if proposal.quorum_reached else "no quorum"
    if proposal.rule.veto:
        quorum = "no veto" if proposal.passes else "vetoed"
    return f"{len(ballots)} ballots add up to the tally, {quorum}", compared


def _approval(evidence: RunEvidence) -> Finding:
    # (5)
    approved, sent, emergency = evidence.approved, evidence.approval, evidence.proposal.emergency
    if approved is None or sent is None:
        raise Broken("the registry ran a plan that it never approved")
    by = emergency.declared if emergency is not None else evidence.executed
    if by is None:
        raise Broken("it was approved, and not by this proposal or declaration")
    require(sent.succeeded, "the approving transaction failed")
    require_equal("the approved hash", _hash(evidence), to_hex(approved.arguments["planHash"]))
    # Whoever sent it: governor or gate spoke in the very transaction that approved.
    require_equal("the execution", to_hex(approved.transaction), to_hex(by.transaction))
    times = approved.arguments
    return f"from {times['approvedAt']} to {times['expiresAt']}, chain time", {
        "transaction": to_hex(sent.transaction),
        "block": str(sent.block.number),
    }


# -- the run --------------------------------------------------------------------------------


def _order(evidence: RunEvidence) -> Finding:
    # (6) from the calldata: the plan presented is the plan voted on, field by field.
    call, begun = _begin_call(evidence), _begun(evidence)
    require_equal("the presented plan", _hash(evidence), to_hex(_plan_of(evidence, call.plan)))
    order = call.order
    require_equal("the order's plan", _hash(evidence), to_hex(order.plan_hash))
    require_equal("the order's run", to_hex(begun["runId"]), to_hex(order.run_id))
    require_equal("the order's runner", begun["runner"].lower(), order.runner.lower())
    _require_in_time(evidence, order)
    return f"for runner {order.runner}, key epoch {order.key_epoch}", {
        "run": to_hex(order.run_id),
        "leaseUntil": str(order.lease_until),
    }


def _require_in_time(evidence: RunEvidence, order: ExecutionOrder) -> None:
    approved, begin = evidence.approved, evidence.begin
    if approved is None or begin is None:
        raise Broken("a run without its approval or its transaction")
    moment = begin.block.timestamp
    terms = approved.arguments
    require(terms["approvedAt"] <= moment < terms["expiresAt"], "it began outside its window")
    require(moment <= order.deadline, "it began after the order's deadline")


def _signature(evidence: RunEvidence) -> Finding:
    # (7)
    call, begun = _begin_call(evidence), _begun(evidence)
    signer = recover(signing_digest(evidence.proposal.domain, call.order), call.signature)
    require_equal("the order's signer", begun["executor"].lower(), signer.lower())
    require_equal(
        "the key's epoch",
        str(call.order.key_epoch),
        str(_epoch_at(evidence, evidence.begun.block_number if evidence.begun else 0)),
    )
    return f"by the executor's key, enrolled under epoch {call.order.key_epoch}", {
        "executor": str(signer),
        "signature": to_hex(call.signature),
    }


def _epoch_at(evidence: RunEvidence, block: int) -> int | str:
    """The epoch of the executor's key when a block was made, from the registry's events."""
    current: int | str = "not enrolled"
    for event in evidence.executor_events:
        if event.block_number > block:
            break
        enrolled = event.name == "ExecutorEnrolled"
        current = event.arguments["epoch"] if enrolled else "revoked"
    return current


def _begin(evidence: RunEvidence) -> Finding:
    # (8)
    begin, begun = evidence.begin, _begun(evidence)
    if begin is None:
        raise Broken("there is no begin transaction")
    call = _begin_call(evidence)
    require(begin.succeeded, "the begin transaction failed")
    registry = evidence.proposal.domain.registry
    require_equal("the transaction's receiver", registry.lower(), str(begin.to).lower())
    require_equal("the transaction's sender", call.order.runner.lower(), begin.sender.lower())
    require_equal(
        "the event's effect root", to_hex(call.plan.effect_root), to_hex(begun["effectRoot"])
    )
    require_equal("the event's document", to_hex(call.plan.document), to_hex(begun["document"]))
    return f"sent by the runner, in block {begin.block.number}", {
        "transaction": to_hex(begin.transaction),
        "block": to_hex(begin.block.hash),
    }


def _outcome(evidence: RunEvidence) -> Finding:
    # (9)
    close, call = evidence.close, _close_call(evidence)
    if close is None or evidence.closed is None:
        raise Broken("there is no closing transaction")
    require(close.succeeded, "the closing transaction failed")
    registry = evidence.proposal.domain.registry
    require_equal("the transaction's receiver", registry.lower(), str(close.to).lower())
    require_equal("the closed plan", _hash(evidence), to_hex(call.plan_hash))
    require_equal("the run", to_hex(_begun(evidence)["runId"]), to_hex(call.outcome.run_id))
    signer = recover(signing_digest(evidence.proposal.domain, call.outcome), call.signature)
    require_equal(
        "the outcome's signer", str(evidence.closed.arguments["executor"]).lower(), signer.lower()
    )
    word = "completed" if call.outcome.kind is OutcomeKind.COMPLETED else "failed"
    return f"{word}, signed by {signer}, in block {close.block.number}", {
        "transaction": to_hex(close.transaction),
        "receiptRoot": to_hex(call.outcome.receipt_root),
    }


def _receipt(evidence: RunEvidence) -> Finding:
    # (10)
    if evidence.receipt is None:
        raise Broken("the store has no receipt for the root on chain")
    outcome = _close_call(evidence).outcome
    receipt = Receipt.load(evidence.receipt)
    require_equal("the receipt's root", to_hex(outcome.receipt_root), to_hex(receipt.root))
    require_equal("the final state", to_hex(outcome.post_state), to_hex(receipt.post_state))
    require_equal("the receipt's plan", _hash(evidence), to_hex(receipt.plan_hash))
    require_equal("the receipt's run", to_hex(outcome.run_id), to_hex(receipt.run_id))
    document = Document.load(evidence.proposal.document)
    found = [to_hex(result.leaf) for result in receipt.results]
    require(found == [to_hex(leaf) for leaf in document.leaves], "it is about other operations")
    done = sum(result.outcome == DONE for result in receipt.results)
    completed = outcome.kind is OutcomeKind.COMPLETED
    require(not completed or receipt.complete, "completed, and the receipt says it is not")
    for index in operations_on(document, str(evidence.urn)) if completed else []:
        require(receipt.results[index].outcome == DONE, f"operation {index} was not done")
    return f"{done} of {len(found)} operations done", {"receiptRoot": to_hex(receipt.root)}


# -- shared ---------------------------------------------------------------------------------


def _hash(evidence: RunEvidence) -> str:
    return to_hex(evidence.proposal.plan_hash)


def _plan_of(evidence: RunEvidence, plan: Plan) -> Digest:
    return plan_hash(evidence.proposal.domain, plan)


def _begin_call(evidence: RunEvidence) -> BeginCall:
    if evidence.begin is None:
        raise Broken("there is no begin transaction")
    return decode_begin(evidence.proposal.registry_abi, evidence.begin.data)


def _close_call(evidence: RunEvidence) -> CloseCall:
    if evidence.close is None:
        raise Broken("there is no closing transaction")
    return decode_close(evidence.proposal.registry_abi, evidence.close.data)


def _begun(evidence: RunEvidence) -> dict[str, Any]:
    if evidence.begun is None:
        raise Broken("there is no begun event")
    return dict(evidence.begun.arguments)
