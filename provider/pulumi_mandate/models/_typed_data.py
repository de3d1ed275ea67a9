"""EIP-712 hashes of our messages. Source: https://eips.ethereum.org/EIPS/eip-712

Small and strict on purpose: eth_account pads short values and ignores unknown fields, so it is only
used in tests, as the independent second opinion.
"""

from __future__ import annotations

from dataclasses import astuple

from ._address import Address, is_address
from ._digest import Digest, digest, keccak
from ._values import (
    Attestation,
    Ballot,
    CouncilCall,
    Domain,
    EmergencyOrder,
    ExecutionOrder,
    Observed,
    Outcome,
    Plan,
    Renewal,
    Subject,
    Tier,
)

DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
NAME = "Mandate"
VERSION = "1"

SUBJECT_TYPE = "Subject(string backend,string organisation,string project,string stack)"
PLAN_TYPE = (
    "Plan(bytes32 subject,bytes32 effectRoot,uint32 operationCount,uint32 kinds,uint64 cost,"
    "bytes32 program,bytes32 toolchain,bytes32 rules,bytes32 checks,bytes32 rollback,"
    "bytes32 document,bytes32 clears,address proposer,uint8 tier,uint64 notBefore,"
    "uint64 expiresAt,bytes32 salt)"
)
ORDER_TYPE = (
    "ExecutionOrder(bytes32 planHash,bytes32 runId,address runner,uint64 leaseUntil,"
    "uint64 keyEpoch,uint64 deadline)"
)
RENEWAL_TYPE = "Renewal(bytes32 runId,uint64 leaseUntil,uint64 keyEpoch,uint64 deadline)"
OUTCOME_TYPE = (
    "Outcome(bytes32 runId,uint8 kind,bytes32 receiptRoot,bytes32 postState,uint64 keyEpoch)"
)

ATTESTATION_TYPE = (
    "Attestation(bytes32 planHash,bytes32 effectRoot,bool secrets,bytes32 program,"
    "uint64 attestedAt)"
)

OBSERVED_TYPE = "Observed(bytes32 planHash,bytes32 postState,uint64 observedAt)"

Message = Plan | ExecutionOrder | Renewal | Outcome | Attestation | Observed
_TYPES: dict[type, str] = {
    Plan: PLAN_TYPE,
    ExecutionOrder: ORDER_TYPE,
    Renewal: RENEWAL_TYPE,
    Outcome: OUTCOME_TYPE,
    Attestation: ATTESTATION_TYPE,
    Observed: OBSERVED_TYPE,
}


def _member_types(type_string: str) -> list[str]:
    inside = type_string[type_string.index("(") + 1 : -1]
    return [member.split(" ")[0] for member in inside.split(",")]


def _encode(types: list[str], values: list[object]) -> bytes:
    # eth_abi takes 0.2 s to import, and `mandate --help` needs none of it.
    from eth_abi.abi import encode

    return encode(types, values)


def subject_hash(subject: Subject) -> Digest:
    """The struct hash of a subject: key of its config on chain, and `Plan.subject`."""
    texts = (subject.backend, subject.organisation, subject.project, subject.stack)
    return keccak(keccak(SUBJECT_TYPE.encode()) + b"".join(keccak(t.encode()) for t in texts))


def domain_separator(domain: Domain) -> Digest:
    """EIP-712 `hashStruct(domain)`."""
    return _separator(NAME, domain.chain_id, domain.registry)


def _separator(name: str, chain_id: int, contract: Address) -> Digest:
    names = [keccak(text.encode()) for text in (DOMAIN_TYPE, name, VERSION)]
    types = ["bytes32", "bytes32", "bytes32", "uint256", "address"]
    return keccak(_encode(types, [*names, chain_id, contract]))


def struct_hash(message: Message) -> Digest:
    """EIP-712 `hashStruct(message)`; every member of ours is atomic, so this is one ABI encoding.

    Raises `ValueError` where a bytes32 is not 32 bytes, an address not one with its checksum, or a
    tier not known, and eth_abi's error where a number does not fit.
    """
    type_string = _TYPES[type(message)]
    types = _member_types(type_string)
    values = list(astuple(message))
    for member, value in zip(types, values, strict=True):
        if member == "bytes32":
            digest(value)
        elif member == "address" and not is_address(value):
            raise ValueError("an address is not one, or its checksum does not match")
    if isinstance(message, Plan):
        Tier(message.tier)
    return keccak(_encode(["bytes32", *types], [keccak(type_string.encode()), *values]))


def signing_digest(domain: Domain, message: Message) -> Digest:
    """What a key signs; for a `Plan` this is the plan hash."""
    return keccak(b"\x19\x01" + domain_separator(domain) + struct_hash(message))


def plan_hash(domain: Domain, plan: Plan) -> Digest:
    """The plan hash: bound to chain and registry, so it means nothing anywhere else."""
    return signing_digest(domain, plan)


EVERYWHERE_TYPE = "EIP712Domain(string name,string version)"
RELEASE_TYPE = "Release(bytes32 manifest)"
POSSESSION_TYPE = "Possession(address key,string challenge)"


def release_digest(manifest: Digest) -> Digest:
    """What is signed for a release of the contracts. It holds on no chain, because on every one."""
    return _on_no_chain(keccak(RELEASE_TYPE.encode()) + digest(manifest))


def possession_digest(key: Address, challenge: str) -> Digest:
    """What a key signs to show that it answers: a text that the asker chose. No contract takes it.

    Source: https://eips.ethereum.org/EIPS/eip-712
    """
    message = _encode(
        ["bytes32", "address", "bytes32"],
        [keccak(POSSESSION_TYPE.encode()), key, keccak(challenge.encode())],
    )
    return _on_no_chain(message)


def _on_no_chain(message: bytes) -> Digest:
    domain = keccak(b"".join(keccak(text.encode()) for text in (EVERYWHERE_TYPE, NAME, VERSION)))
    return keccak(b"\x19\x01" + domain + keccak(message))


GOVERNOR_NAME = "MandateGovernor"
BALLOT_TYPE = "Ballot(uint256 proposalId,uint8 support,address voter,uint256 nonce)"


def ballot_digest(ballot: Ballot) -> Digest:
    """What a voter signs for `castVoteBySig`. OpenZeppelin's type, under the governor's own domain.

    Source: https://docs.openzeppelin.com/contracts/5.x/api/governance#Governor-castVoteBySig
    """
    message = _encode(
        ["bytes32", "uint256", "uint8", "address", "uint256"],
        [
            keccak(BALLOT_TYPE.encode()),
            ballot.proposal,
            ballot.support,
            ballot.voter,
            ballot.nonce,
        ],
    )
    return _under(GOVERNOR_NAME, ballot.chain_id, ballot.governor, message)


COUNCIL_NAME = "Council"
CALL_TYPE = "Call(address target,bytes data,uint256 nonce,uint64 deadline)"


def council_digest(call: CouncilCall) -> Digest:
    """What a seat signs for `Council.act`, under the council's own domain.

    Source: `contracts/src/interfaces/ICouncil.sol`; https://eips.ethereum.org/EIPS/eip-712
    """
    message = _encode(
        ["bytes32", "address", "bytes32", "uint256", "uint64"],
        [keccak(CALL_TYPE.encode()), call.target, keccak(call.data), call.nonce, call.deadline],
    )
    return _under(COUNCIL_NAME, call.chain_id, call.council, message)


EMERGENCY_NAME = "EmergencyGate"
EMERGENCY_TYPE = "Emergency(bytes32 planHash,bytes32 incident,bytes32 reason,uint64 deadline)"


def emergency_digest(order: EmergencyOrder) -> Digest:
    """What a seat signs for `EmergencyGate.declare`, under the gate's own domain.

    Source: `contracts/src/interfaces/IEmergencyGate.sol`; https://eips.ethereum.org/EIPS/eip-712
    """
    message = _encode(
        ["bytes32", "bytes32", "bytes32", "bytes32", "uint64"],
        [
            keccak(EMERGENCY_TYPE.encode()),
            order.plan_hash,
            order.incident,
            order.reason,
            order.deadline,
        ],
    )
    return _under(EMERGENCY_NAME, order.chain_id, order.gate, message)


def _under(name: str, chain_id: int, contract: Address, message: bytes) -> Digest:
    """The digest of an encoded message under the domain of another contract than the registry."""
    return keccak(b"\x19\x01" + _separator(name, chain_id, contract) + keccak(message))
