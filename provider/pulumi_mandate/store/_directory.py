"""A store in a directory: one file per document, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pulumi_mandate.errors import InvalidDocument, Refused
from pulumi_mandate.models import Digest, digest, keccak, to_hex


class DirectoryStore:
    """Files named by digest; readable by their owner only."""

    def __init__(self, root: Path) -> None:
        self._documents = root / "documents"
        self._links = root / "plans"
        for folder in (root, self._documents, self._links):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, data: bytes) -> Digest:
        document = keccak(data)
        path = self._documents / f"{document.hex()}.json"
        # A damaged file under this name is replaced: the name says what it must hold.
        if not path.is_file() or keccak(path.read_bytes()) != document:
            _write(path, data)
        return document

    def get(self, document: Digest) -> bytes:
        path = self._documents / f"{digest(document).hex()}.json"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise Refused(
                4,
                f"the document {to_hex(document)} is not in the store",
                meaning="The chain knows its hash only; without the bytes nobody can check it.",
                next_step="fetch it from whoever proposed the plan, or propose again",
            ) from None
        if keccak(data) != document:
            raise InvalidDocument(
                f"the stored document {to_hex(document)} does not hash to its own name",
                meaning="The file was damaged or replaced after it was stored.",
                next_step="restore it from another copy; the right bytes have this hash",
            )
        return data

    def link(self, plan_hash: Digest, document: Digest) -> None:
        known = self.document_of(plan_hash)
        if known is not None and known != document:
            raise Refused(
                4,
                f"the plan {to_hex(plan_hash)} already has another document",
                field="document",
                expected=to_hex(known),
                found=to_hex(document),
            )
        _write(self._links / plan_hash.hex(), to_hex(digest(document)).encode())

    def document_of(self, plan_hash: Digest) -> Digest | None:
        path = self._links / digest(plan_hash).hex()
        try:
            return digest(path.read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            raise InvalidDocument(
                f"the store's link for the plan {to_hex(plan_hash)} is damaged"
            ) from None


def _write(path: Path, data: bytes) -> None:
    """Write to a neighbour and rename: a killed process leaves the old file or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
