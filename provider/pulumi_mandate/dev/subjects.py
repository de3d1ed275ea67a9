"""The stacks that the development chain governs, and the keys that commit to their secrets."""

from __future__ import annotations

import secrets

from pulumi_mandate.models import Subject
from pulumi_mandate.plan.commitment import SubjectKey

from .home import DevHome, write_private

BACKEND_ID = "dev"
"""The enrolled name of the backend below the development home."""
ORGANISATION = "organization"
"""Pulumi's word for a backend that has none."""
DEMO = Subject(BACKEND_ID, ORGANISATION, "shop", "prod")
"""`examples/01-shop`."""


def commitment_key(home: DevHome, subject: Subject) -> SubjectKey:
    """The commitment key of an enrolled stack, made once.

    It belongs into the stack's secret configuration; its id is on chain.
    """
    name = f"{subject.organisation}.{subject.project}.{subject.stack}.key"
    file = home.subjects / name.replace("/", "_")
    if not file.exists():
        write_private(file, secrets.token_hex(32))
    return SubjectKey.from_hex(file.read_text().strip())
