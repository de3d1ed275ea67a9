"""`mandate attest`: carry a signed attestation to the chain."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError
from ..models import to_hex
from ._command import Call, command
from ._lookup import load_document
from ._output import Answer


@command(
    "attest",
    "Carry a signed attestation to the chain.",
    signs=True,
    examples=(
        "mandate verify 1 --rebuild --as dee --attest dee.json",
        "mandate attest dee.json --as dee",
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
def attest(call: Call, file: Path) -> Answer:
    """Have an attestation counted that `mandate verify --rebuild --attest FILE` has signed.

    Low plans are not approved without it, high and critical ones do not begin. Anybody may carry
    it; it counts once, if its author is enrolled as an attestor of the stack and did not propose.
    """
    from ..audit.attestation import SignedAttestation

    try:
        signed = SignedAttestation.load(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    session, said = call.session, signed.attestation
    plan = load_document(session, said.plan_hash).fields()
    receipt = session.consent.attest(plan, said, signed.signature, session.account)
    count = session.registry.mandate(said.plan_hash).attestations
    data = {
        "planHash": to_hex(said.plan_hash),
        "attestor": signed.attestor,
        "attestations": count,
        "transaction": to_hex(receipt.transaction),
    }
    return Answer(data, f"attested by {signed.attestor}; {count} in all")
