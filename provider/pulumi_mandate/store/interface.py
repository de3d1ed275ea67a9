"""The port of a store, and the table of schemes."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Digest

from ._directory import DirectoryStore


class PlanStore(Protocol):
    """Documents by digest, and which document belongs to which plan hash."""

    def put(self, data: bytes) -> Digest:
        """Keep these bytes; the same bytes twice are one document. Returns their keccak."""

    def get(self, document: Digest) -> bytes:
        """The bytes of a document, hashed again. Raises `Refused` if missing or altered."""

    def link(self, plan_hash: Digest, document: Digest) -> None:
        """Remember a plan hash's document. Raises `Refused` if it is known under another one."""

    def document_of(self, plan_hash: Digest) -> Digest | None:
        """The document of a plan hash. A hint: the chain holds the digest that counts."""


def open_store(uri: str) -> PlanStore:
    """Open `file:///directory`, which is made if it is missing. Raises `UsageError`."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
        raise UsageError(
            f"the store {uri!r} is not of a kind we know",
            next_step="use file:///an/absolute/directory",
        )
    return DirectoryStore(Path(unquote(parts.path)))
