"""Signed attestations as files: written by who previewed again, read by who is about to vote. Pure.

(1) form       canonical bytes of the schema `mandate/attestation/v1`
(2) domain     this machine's chain and registry
(3) plan       the plan hash, the effect root and the program of the document that is voted on; the
               root modulo secrets where the attestor did not see them
(4) signature  low-s, and the recovered address is the attestor that the file names
(5) apart      the attestor is neither the proposer nor the executor
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import InvalidDocument, Refused, SignerError
from ..models import Address, Attestation, Digest, Domain, digest, signing_digest, to_hex
from ..plan.canonical import canonical_bytes, parse
from ..plan.document import Document
from ..plan.withheld import open_root
from ..signing import recover

SCHEMA = "mandate/attestation/v1"
_PARTS = frozenset(
    {"schema", "chainId", "registry", "planHash", "effectRoot", "secrets", "program"}
    | {"attestedAt", "attestor", "signature"}
)


@dataclass(frozen=True, slots=True)
class SignedAttestation:
    """An attestation, where it holds, who made it, and the signature."""

    domain: Domain
    attestation: Attestation
    attestor: Address
    signature: bytes

    @property
    def data(self) -> bytes:
        """Canonical bytes, for a file."""
        said = self.attestation
        return canonical_bytes(
            {
                "schema": SCHEMA,
                "chainId": self.domain.chain_id,
                "registry": self.domain.registry,
                "planHash": to_hex(said.plan_hash),
                "effectRoot": to_hex(said.effect_root),
                "secrets": said.secrets,
                "program": to_hex(said.program),
                "attestedAt": said.attested_at,
                "attestor": self.attestor,
                "signature": to_hex(self.signature),
            }
        )

    @classmethod
    def load(cls, data: bytes) -> SignedAttestation:
        """(1). Raises `InvalidDocument`."""
        content = parse(data)
        if not isinstance(content, dict) or set(content) != _PARTS or content["schema"] != SCHEMA:
            raise InvalidDocument(f"the attestation is not of the schema {SCHEMA}")
        try:
            return _read(content)
        except (TypeError, ValueError):
            raise InvalidDocument("a part of the attestation is not of its type") from None


def _read(content: dict[str, Any]) -> SignedAttestation:
    numbers = (content["chainId"], content["attestedAt"])
    texts = [content[part] for part in _PARTS - {"chainId", "attestedAt", "secrets"}]
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError
    if not all(type(text) is str for text in texts) or type(content["secrets"]) is not bool:
        raise ValueError
    return SignedAttestation(
        Domain(content["chainId"], Address(content["registry"])),
        Attestation(
            plan_hash=digest(content["planHash"]),
            effect_root=digest(content["effectRoot"]),
            secrets=content["secrets"],
            program=digest(content["program"]),
            attested_at=content["attestedAt"],
        ),
        Address(content["attestor"]),
        bytes.fromhex(content["signature"].removeprefix("0x")),
    )


def check_attestation(
    signed: SignedAttestation,
    domain: Domain,
    plan: Digest,
    document: Document,
    parties: tuple[Address, ...],
) -> Address:
    """(2) to (5). Returns the attestor. Raises `Refused`; `parties` may not attest."""
    said = signed.attestation
    effect_root = document.effect_root if said.secrets else open_root(document.operations)
    for name, expected, found in (
        ("chain", str(domain.chain_id), str(signed.domain.chain_id)),  # (2)
        ("registry", domain.registry.lower(), signed.domain.registry.lower()),
        ("plan hash", to_hex(plan), to_hex(said.plan_hash)),  # (3)
        ("effect root", to_hex(effect_root), to_hex(said.effect_root)),
        ("program", to_hex(document.fields().program), to_hex(said.program)),
    ):
        if expected != found:
            raise _refused(f"the attestation is about another {name}", name, expected, found)
    try:
        signer = recover(signing_digest(domain, said), signed.signature)  # (4)
    except (SignerError, ValueError):
        signer = None
    if signer is None or signer.lower() != signed.attestor.lower():
        raise _refused(
            "the attestation is not signed by the attestor that it names",
            "attestor",
            signed.attestor,
            signer or "no signature",
        )
    if signer.lower() in {party.lower() for party in parties}:  # (5)
        raise _refused(
            "the attestor proposes or runs this plan himself",
            "attestor",
            "somebody else",
            signer,
        )
    return signer


def _refused(happened: str, field: str, expected: str, found: str) -> Refused:
    return Refused(
        7,
        happened,
        field=field,
        expected=expected,
        found=found,
        next_step="ask for an attestation of this plan: mandate verify PROPOSAL --rebuild",
    )
