"""Does this proposal approve exactly the document I read? Pure; `collect` fetched the evidence.

(1) document   the bytes are canonical, of a known schema, and their digest is the one in the plan
(2) effect     the Merkle root over the operations, computed again
(3) tier       tiers, constraints and checks follow from the subject's rules, judged again here
(4) plan hash  computed again from the document, for this machine's chain and registry
(5) call       the proposal's call approves that hash, at the electorate of that tier
(6) identity   the proposal's id follows from that one call and the text, so there is no other call
(7) text       the lines for machines say the same as the call
(8) proposer   whoever proposed is named in the plan, and enrolled for the subject
(9) registry   the contract computes the same hash, and what it has approved is of this tier
(10) source    the change of the source is computed again, since the plan that completed last

An emergency has no proposal: what its council signed stands in the place of (5) to (7).
"""

from __future__ import annotations

from ..checks.health import sentence
from ..checks.judgement import misjudged
from ..governance import GOVERNORS, ProposalState, proposal_id
from ..models import Digest, MandateState, Plan, keccak, plan_hash, to_hex
from ..plan import merkle
from ..plan.canonical import canonical_bytes
from ..plan.document import Document, leaves
from ..plan.source import Since, Source, source_part
from .calldata import decode_approval
from .emergency import declaration
from .evidence import ProposalEvidence
from .links import Finding, Link, require, require_equal, run_checks


def verify_proposal(evidence: ProposalEvidence) -> list[Link]:
    """Every link, in order. `links.broken` finds the first that does not hold."""
    return run_checks(CHECKS if evidence.voted is not None else EMERGENCY_CHECKS, evidence)


def _document(evidence: ProposalEvidence) -> Finding:
    # (1) `load` parses under limits, writes again and compares: one canonical form, or none.
    document = Document.load(evidence.document)
    compared = {"document": to_hex(document.digest)}
    return f"{len(evidence.document):,} bytes, canonical, subject {document.subject}", compared


def _effect(evidence: ProposalEvidence) -> Finding:
    # (2)
    document = Document.load(evidence.document)
    root = merkle.root(leaves(document.operations))
    require_equal("the effect root", str(document.content["effectRoot"]), to_hex(root))
    return f"root of {len(document.operations)} operations", {"effectRoot": to_hex(root)}


def _tier(evidence: ProposalEvidence) -> Finding:
    # (3) under the rules that the chain names, not those that the document claims.
    document = Document.load(evidence.document)
    require(evidence.config.version > 0, "the subject has no config on chain")
    rules = to_hex(evidence.config.rules)
    require_equal("the rules' digest", rules, str(document.content["rules"]))
    require(
        evidence.rules is not None and evidence.rules.digest == evidence.config.rules,
        "the subject's rules are not in the plan store, so the tier cannot be judged here",
        expected=rules,
        found="no such file",
    )
    assert evidence.rules is not None  # noqa: S101  # required above
    about = evidence.rules.about(document.subject)
    wrong = misjudged(about, document.content)
    require(not wrong, wrong)
    tier = document.tier.name.lower()
    health = {f"health {one.id}": sentence(one) for one in about.health}
    return f"{tier}, judged again under the subject's rules", {"rules": rules, **health}


def _plan_hash(evidence: ProposalEvidence) -> Finding:
    # (4)
    found = plan_hash(evidence.domain, fields_of(evidence))
    require_equal("the plan hash", to_hex(evidence.plan_hash), to_hex(found))
    detail = f"computed for chain {evidence.domain.chain_id}, registry {evidence.domain.registry}"
    return detail, {"planHash": to_hex(found)}


def _call(evidence: ProposalEvidence) -> Finding:
    # (5) read from the calldata; the proposal's text is only a claim.
    made = evidence.created
    require_equal("the called contract", evidence.domain.registry, made.target)
    approved, electorate = decode_approval(evidence.registry_abi, made.calldata)
    require_equal("the approved plan hash", to_hex(evidence.plan_hash), to_hex(approved))
    planned = fields_of(evidence).tier
    require_equal("the electorate", planned.name.lower(), electorate.name.lower())
    require_equal("the governor", GOVERNORS[planned], made.governor)
    return f"{made.function}({to_hex(approved)[:10]}…)", {"calldata": to_hex(made.calldata)}


def _identity(evidence: ProposalEvidence) -> Finding:
    # (6) the id is a hash over all calls: with another one beside ours it would be another id.
    made = evidence.created
    found = proposal_id(made.target, made.calldata, made.text)
    require_equal("the proposal's id", hex(made.id), hex(found))
    detail = "one call, no value, and the text, hash to the proposal's id"
    if not evidence.final:
        seen = evidence.block.number
        detail += f"; WARNING: not final yet, all endpoints show it at block {seen}"
    return detail, {"id": hex(found)}


def _text(evidence: ProposalEvidence) -> Finding:
    # (7)
    made = evidence.created
    require(not made.warnings, "; ".join(made.warnings) or "warned")
    require(made.description is not None, "the text is not of the usual form")
    said = made.description
    require(said is not None and said.document is not None, "the text names no document")
    document = Digest(bytes(said.document or b"")) if said else Digest(b"")
    require_equal("the document that the text names", _digest(evidence), to_hex(document))
    return "names this plan, this document and its proposer", {}


def _proposer(evidence: ProposalEvidence) -> Finding:
    # (8)
    planned = fields_of(evidence).proposer
    if evidence.voted is not None:
        require_equal("the proposer", planned.lower(), evidence.created.proposer.lower())
    enrolled = {account.lower() for account in evidence.config.proposers}
    require(planned.lower() in enrolled, f"{planned} is not enrolled as a proposer of the subject")
    return "named in the plan, enrolled for the subject", {"proposer": str(planned)}


def _registry(evidence: ProposalEvidence) -> Finding:
    # (9)
    ours, theirs = to_hex(evidence.plan_hash), to_hex(evidence.registry_hash)
    require_equal("the registry's hash of these fields", ours, theirs)
    mandate = evidence.mandate
    if mandate.state in (MandateState.NONE, MandateState.REVOKED, MandateState.WITHDRAWN):
        state = mandate.state.name.lower()
        voted = evidence.voted
        executed = voted is not None and voted.state is ProposalState.EXECUTED
        require(
            not executed or mandate.state is not MandateState.NONE,
            "the proposal is executed and the registry knows nothing of it",
        )
        text = "nothing approved yet" if mandate.state is MandateState.NONE else state
        return f"computes the same hash; {text}", {}
    planned = fields_of(evidence).tier
    require_equal("the approved tier", planned.name.lower(), mandate.tier.name.lower())
    return f"computes the same hash; the mandate is {mandate.state.name.lower()}", {}


def _source(evidence: ProposalEvidence) -> Finding:
    # (10) a diff against an older program, or an invented one, would hide what really changed.
    document = Document.load(evidence.document)
    shown = document.content["source"]
    require(shown is not None, "the plan does not show how the source changed")
    expected = to_hex(evidence.completed) if evidence.completed is not None else "none"
    require_equal("the plan completed last", expected, shown["since"] or "none")
    before, after = evidence.texts
    require(after is not None, "the program's texts are not in the store, so nobody can read them")
    since = None
    if evidence.completed is not None:
        require(evidence.former is not None, "the document of the last completed plan is missing")
        since = Since(evidence.completed, _texts(Document.load(evidence.former or b""), before))
    found = source_part(_texts(document, after), since)
    require_equal("the change of the source", _part(shown), _part(found))
    changes = shown["changes"]
    hidden = sum(change["withheld"] is not None for change in changes)
    told = "no plan was completed before" if shown["since"] is None else f"since {expected[:10]}"
    detail = f"computed again: {len(changes)} files changed, {told}"
    detail += f", {hidden} of them not shown" if hidden else ""
    return detail, {"program": str(document.content["program"]["digest"])}


def _texts(document: Document, stored: bytes | None) -> Source:
    if stored is None:
        return Source(document.files, {})
    return Source.load(document.files, stored)


def _part(source: object) -> str:
    return to_hex(keccak(canonical_bytes(source)))


def fields_of(evidence: ProposalEvidence) -> Plan:
    """The plan's fields, from the bytes. Raises `InvalidDocument`."""
    return Document.load(evidence.document).fields()


def _digest(evidence: ProposalEvidence) -> str:
    return to_hex(keccak(evidence.document))


CHECKS = (
    ("document", _document),
    ("effect", _effect),
    ("tier", _tier),
    ("plan hash", _plan_hash),
    ("call", _call),
    ("identity", _identity),
    ("text", _text),
    ("proposer", _proposer),
    ("registry", _registry),
    ("source", _source),
)
_BY_VOTE = ("call", "identity", "text")
EMERGENCY_CHECKS = (
    *CHECKS[:4],
    ("declaration", declaration),
    *(check for check in CHECKS[4:] if check[0] not in _BY_VOTE),
)
