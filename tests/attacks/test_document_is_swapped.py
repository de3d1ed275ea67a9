"""The store loses the document, gives other bytes, or names another document for the plan.

The chain knows one digest; nothing else is believed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.models import MandateState, digest, keccak, to_hex
from pulumi_mandate.plan.document import Document
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_missing_altered_and_relinked_documents(governed: Governed) -> None:
    document = governed.plan()
    plan = governed.approve(document)
    store = Path(governed.machine.trust.store_uri.removeprefix("file://"))
    files = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    (stored,) = [path for path, data in files.items() if data == document.data]
    (link,) = [path for path in files if path != stored and plan.hex() in str(path)]

    stored.chmod(0o600)
    stored.unlink()
    assert "refused at step 4" in governed.up(ok=False)

    stored.write_bytes(document.data.replace(b"hello", b"evil!"))
    assert "refused at step 4" in governed.up(ok=False)
    stored.write_bytes(document.data)

    easier = Document.of({**document.content, "salt": to_hex(keccak(b"other"))})
    other = governed.machine.store.put(easier.data)
    link.chmod(0o600)
    link.write_bytes(files[link].replace(hex_of(document.digest), hex_of(other)))
    assert governed.machine.store.document_of(plan) == digest(other)
    output = governed.up(ok=False)
    assert "refused at step 4: the document does not hash to the approved plan" in output
    link.write_bytes(files[link])

    assert governed.calls() == []
    assert governed.mandate(plan).state is MandateState.APPROVED
    governed.up()
    assert governed.result()["status"] == "completed"


def hex_of(value: bytes) -> bytes:
    return value.hex().encode()
