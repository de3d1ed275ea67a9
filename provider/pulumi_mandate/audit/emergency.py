"""Did the council approve exactly this plan, and for the incident that its document names? Pure.

In place of the proposal's links 5 to 8 and of the votes: there was no proposal, and nobody voted.
"""

from __future__ import annotations

from ..governance.emergency import incident_id
from ..models import EmergencyOrder, Tier, emergency_digest, keccak, to_hex
from ..plan.assessment import incident_of
from ..plan.document import Document
from ..signing import recover
from .calldata import DeclareCall, decode_declare
from .evidence import EmergencyEvidence, ProposalEvidence
from .links import Finding, require, require_equal

SIGNATURE_BYTES, ADDRESS_BYTES = 65, 20


def declaration(evidence: ProposalEvidence) -> Finding:
    """The seats' own signatures, from the transaction, over the plan that the document makes."""
    document, found = Document.load(evidence.document), evidence.emergency
    require(document.tier is Tier.EMERGENCY, "the document is no emergency's")
    incident, _ = incident_of(document.content["tier"])
    if found is None:
        return f"for incident {incident}; the council has not declared it, nothing is approved", {}
    call = _call(evidence, found)
    seats = [to_hex(seat) for seat in call.signers]
    require(len(set(seats)) == len(seats), "a seat is counted twice")
    require_equal("the seats that signed", str(found.declared.seats), str(len(seats)))
    require(3 * len(seats) >= 2 * found.declared.out_of, "less than two thirds of the seats signed")
    order = EmergencyOrder(
        evidence.domain.chain_id,
        found.gate,
        evidence.plan_hash,
        found.declared.incident,
        found.declared.reason,
        call.deadline,
    )
    for seat, signature in zip(call.signers, call.signatures, strict=True):
        # What is no account's signature only the chain can check, and it did: it is in a block.
        if len(seat) == ADDRESS_BYTES and len(signature) == SIGNATURE_BYTES:
            signer = recover(emergency_digest(order), signature)
            require_equal("a seat's signature", to_hex(seat), signer.lower())
    require(found.sent.block.timestamp <= call.deadline, "it was declared after its deadline")
    detail = f"by {len(seats)} of {found.declared.out_of} seats, for incident {incident}"
    compared = {f"seat {number}": seat for number, seat in enumerate(seats, start=1)}
    return detail, compared | {"transaction": to_hex(found.sent.transaction)}


def _call(evidence: ProposalEvidence, found: EmergencyEvidence) -> DeclareCall:
    """The transaction's own words, compared with the document and the gate's event."""
    incident, reason = incident_of(Document.load(evidence.document).content["tier"])
    require(found.sent.succeeded, "the declaring transaction failed")
    require_equal("the transaction's receiver", found.gate.lower(), str(found.sent.to).lower())
    call = decode_declare(found.gate_abi, found.sent.data)
    name = incident_id(incident)
    for what, expected, others in (
        ("the declared plan", evidence.plan_hash, (call.plan_hash, found.declared.plan_hash)),
        ("the incident", name, (call.incident, found.declared.incident)),
        ("the reason", keccak(reason.encode()), (call.reason, found.declared.reason)),
    ):
        for other in others:
            require_equal(what, to_hex(expected), to_hex(other))
    return call
