"""Is this broker the one that was voted on? The chain says so, or nobody is served.

Who the broker is, is a resource of a governed stack (`pulumi_mandate.BrokerIdentity`): its id, the
authority that it believes, its key, and the digest of its file. The newest plan of that stack that
was run to its end and says a word about it decides, and only where more than one party agreed:
voters and the council. A broker that is not that one still signs for the runs of that one stack,
which is how it becomes it; it gives credentials to nobody.

It checks itself: who may replace the program or the trust file goes past this. What ends here is an
authority, a certificate's key or a file that one person changed (docs/reference/broker.md).
"""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.gate.machine import Machine
from pulumi_mandate.governance.registry import Mandate
from pulumi_mandate.models import Digest, Subject, Tier, plan_hash, subject_hash, to_hex
from pulumi_mandate.plan.document import Document

from .settings import Settings

if TYPE_CHECKING:
    from cryptography import x509

TYPE = "pulumi-python:dynamic/mandate:BrokerIdentity"
FRESH_SECONDS = 15.0
"""How long the chain's word is believed before it is asked again."""
_TIERS = frozenset({Tier.HIGH, Tier.CRITICAL, Tier.EMERGENCY})
_NOBODY = "It gives credentials to nobody, and signs for the stack that says who it is only."
_VOTE_ON_IT = "have it voted on: docs/runbooks/rotation.md"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a broker is, by the names of the resource's inputs; digests are SHA-256, in hex."""

    broker: str
    """Its SPIFFE id."""
    authority: str
    """Of the certificate (DER) of the one authority whose callers it knows."""
    key: str
    """Of its public key (DER, SubjectPublicKeyInfo): certificates come and go every hour."""
    settings: str
    """Of its file."""


_MEMBERS = tuple(field.name for field in fields(Identity))


def running_with(settings: Settings, context: ssl.SSLContext) -> Identity:
    """Who this process is: `context` is the one that shakes hands. Raises `UsageError`."""
    roots = context.get_ca_certs(binary_form=True)
    if context.cert_store_stats() != {"x509": 1, "crl": 0, "x509_ca": 1}:
        raise UsageError(
            f"{settings.files.authority} holds something else than one certificate of an authority",
            meaning="Whatever stands there is believed about callers, and one is voted on.",
        )
    return Identity(
        str(settings.id), _sha256(roots[0]), _key_of(settings.files.certificate), settings.digest
    )


def require_same(found: Identity, voted: Identity, plan: Digest) -> None:
    """Raises `Refused` with the first member that differs, and both values."""
    for name in _MEMBERS:
        ours, theirs = getattr(found, name), getattr(voted, name)
        if ours != theirs:
            raise Refused(
                0,
                f"this broker is not the one that plan {to_hex(plan)} names",
                field=name,
                expected=theirs,
                found=ours,
                meaning=_NOBODY,
                next_step="start it from the files that were voted on, or " + _VOTE_ON_IT,
            )


def voted_on(machine: Machine, subject: Subject) -> tuple[Digest, Identity]:
    """The newest plan of this stack that says who the broker is, and what it says.

    Raises `Refused` where there is none, or too few agreed; `ChainError`, `InvalidDocument`.
    """
    final = machine.client.final_block()
    completed = machine.registry.completed(subject_hash(subject), final)
    for plan in reversed(completed):
        said = word_of(plan, _document(machine, plan).operations)
        if said is not None:
            check_agreed(machine.registry.mandate(plan, final))
            return plan, said
    raise Refused(
        0,
        f"no completed plan of {subject} says who the broker is",
        field="identity",
        expected=f"a plan with a resource {TYPE.rpartition(':')[2]}",
        found=f"{len(completed)} completed plans without one",
        meaning=_NOBODY,
        next_step=_VOTE_ON_IT,
    )


def word_of(plan: Digest, operations: Iterable[Mapping[str, Any]]) -> Identity | None:
    """What a plan says about the broker; None where it says nothing. Raises `Refused`."""
    about = [one for one in operations if one["type"] == TYPE and one["op"] != "metadata"]
    if not about:
        return None
    (first, *more) = about
    inputs = first["after"]["inputs"] if first["op"] in ("create", "update") else {}
    said = {name: inputs[name] for name in _MEMBERS if isinstance(inputs.get(name), str)}
    if more or len(said) != len(_MEMBERS):
        raise Refused(
            0,
            f"plan {to_hex(plan)} does not say in plain words who the broker is",
            field="identity",
            expected="one resource that is made or changed in place, with nothing unknown in it",
            found=", ".join(f"{one['op']} {one['urn']}" for one in about),
            meaning=_NOBODY,
            next_step=_VOTE_ON_IT,
        )
    return Identity(**said)


def check_agreed(mandate: Mandate) -> None:
    """Voters and the council, or two thirds of the council's seats. Raises `Refused`."""
    agreed = mandate.cosigner is not None or mandate.tier is Tier.EMERGENCY
    if mandate.tier in _TIERS and agreed:
        return
    raise Refused(
        0,
        f"too few agreed to plan {to_hex(mandate.plan_hash)}, which says who the broker is",
        field="tier",
        expected="high, with the council's cosignature",
        found=mandate.tier.name.lower() + (", cosigned" if agreed else ", not cosigned"),
        meaning=_NOBODY,
        next_step="mandate cosign --help",
    )


class Standing:
    """Whether the broker may serve, asked of the chain again every few seconds."""

    def __init__(
        self,
        machine: Machine,
        subject: Subject,
        measure: Callable[[], Identity],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`measure` tells what this process runs with."""
        self._machine, self._subject, self._measure = machine, subject, measure
        self._clock, self._lock = clock, threading.Lock()
        self._asked = -FRESH_SECONDS

    def require(self) -> None:
        """Raises `Refused`, `ChainError` and what else `voted_on` does: then nothing is given."""
        with self._lock:
            now = self._clock()
            if now - self._asked < FRESH_SECONDS:
                return
            plan, voted = voted_on(self._machine, self._subject)
            require_same(self._measure(), voted, plan)
            self._asked = now


def _document(machine: Machine, plan: Digest) -> Document:
    """The document that the plan hash binds, wherever the store found it. Raises `Refused`."""
    known = machine.store.document_of(plan)
    document = Document.load(machine.store.get(known)) if known is not None else None
    found = plan_hash(machine.domain, document.fields()) if document is not None else None
    if document is None or found != plan:
        raise Refused(
            4,
            "the store does not have the document of a completed plan of the broker's stack",
            field="document",
            expected=to_hex(plan),
            found=to_hex(found) if found is not None else "nothing",
            meaning="It might say who the broker is. " + _NOBODY,
            next_step="put the original back: mandate propose --plan FILE --resend",
        )
    return document


def key_digest(certificate: x509.Certificate) -> str:
    """Of the public key, as `Identity.key`."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = certificate.public_key()
    return _sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _key_of(certificate: Path) -> str:
    from cryptography import x509

    try:
        leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except (OSError, ValueError) as error:
        raise UsageError(f"{certificate} cannot be read: {type(error).__name__}") from None
    return key_digest(leaf)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
