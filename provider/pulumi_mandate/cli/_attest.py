"""Own previews of a proposed plan, and other people's: what `mandate verify` says beside links."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Refused, UsageError
from ..models import to_hex
from ._command import Call
from ._output import progress
from ._program import ProgramChoice

if TYPE_CHECKING:
    from ..audit.evidence import ProposalEvidence
    from ..models import Address, Digest
    from ..plan.document import Document


def attested(
    call: Call, evidence: ProposalEvidence, files: tuple[Path, ...], data: dict[str, Any]
) -> list[str]:
    """One line per attestation. Raises `Refused` at the first that does not hold."""
    from ..audit.attestation import SignedAttestation, check_attestation

    found = []
    document = _document(evidence)
    for file in files:
        signed = SignedAttestation.load(_read(file))
        signer = check_attestation(
            signed,
            call.session.domain,
            evidence.plan_hash,
            document,
            _parties(call, document),
        )
        said = signed.attestation
        found.append({"attestor": signer, "attestedAt": said.attested_at, "secrets": said.secrets})
    if found:
        data["attestations"] = found
    return [
        f"attested by {one['attestor']}, who previewed it independently"
        + ("" if one["secrets"] else ", without the secrets")
        for one in found
    ]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None


def rebuilt(  # noqa: PLR0913  # what was typed, each by name
    call: Call,
    evidence: ProposalEvidence,
    program: ProgramChoice,
    attest: Path | None,
    data: dict[str, Any],
    *,
    withhold: bool,
) -> list[str]:
    """What an own preview gave. Raises `Refused` where it wants something else."""
    from ..gate.rebuild import rebuild
    from ..gate.where import ProgramAt
    from ..plan.withheld import open_root

    document = _document(evidence)
    wanted = open_root(document.operations) if withhold else document.effect_root
    progress("previewing the proposed program here" + (", without its secrets" * withhold))
    at = ProgramAt(program.folder.resolve(), program.stack or _stack_of(document))
    session = call.session
    found = rebuild(document, at, session.trust, session.machine.rules_of, withhold=withhold)
    if found.differences:
        first = found.differences[0]
        raise Refused(
            7,
            "the program wants something else here than what was proposed "
            f"({len(found.differences)} differences)",
            field=first.field,
            expected=first.expected,
            found=first.found,
            meaning="The proposer's preview cannot be reproduced. Do not approve what you cannot.",
            next_step="mandate preview --against " + to_hex(evidence.plan_hash),
        )
    if found.effect_root != wanted:
        raise Refused(
            7,
            "what was unknown when it was proposed is known here now",
            field="effect root",
            expected=to_hex(wanted),
            found=to_hex(found.effect_root),
            meaning="It may still run, but the proposer's preview cannot be repeated any more.",
            next_step="mandate revalidate",
        )
    data["rebuilt"] = {
        "effectRoot": to_hex(wanted), "secrets": not withhold, "commit": found.commit
    }  # fmt: skip
    place = f"commit {found.commit}" if found.commit else "this folder"
    root = f"effect root {to_hex(wanted)}" + (" (modulo secrets)" * withhold)
    lines = [f"rebuilt: a preview of {place} gives {root}"]
    if attest is not None:
        lines.append(_sign(call, evidence, document, attest, found.effect_root, withhold=withhold))
    return lines


def _sign(  # noqa: PLR0913  # what is said, about what, and where
    call: Call,
    evidence: ProposalEvidence,
    document: Document,
    file: Path,
    root: Digest,
    *,
    withhold: bool,
) -> str:
    from ..audit.attestation import SignedAttestation
    from ..models import Attestation

    session = call.session
    key = session.attestor(_parties(call, document))
    said = Attestation(
        plan_hash=evidence.plan_hash,
        effect_root=root,
        secrets=not withhold,
        program=document.fields().program,
        attested_at=session.client.now(),
    )
    signature = key.sign_attestation(session.domain, said)
    signed = SignedAttestation(session.domain, said, key.address, signature)
    file.write_bytes(signed.data)
    return f"attested by {key.address}: {file}"


def _stack_of(document: Document) -> str:
    """The plan's own stack, as Pulumi takes it: an attestor's checkout has none selected."""
    from ..gate.project import DIY_ORGANISATION

    subject = document.subject
    if subject.organisation == DIY_ORGANISATION:
        return subject.stack
    return f"{subject.organisation}/{subject.stack}"


def _document(evidence: ProposalEvidence) -> Document:
    from ..plan.document import Document

    return Document.load(evidence.document)


def _parties(call: Call, document: Document) -> tuple[Address, ...]:
    """Who may not attest."""
    executor = call.session.trust.executor
    return (document.fields().proposer, *((executor.address,) if executor else ()))
