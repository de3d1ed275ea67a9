"""The executor's key store refuses: nothing is spent or changed, and the reason is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import Governed, write_trust

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_a_key_that_cannot_be_used(governed: Governed) -> None:
    plan = governed.approve()
    path = Path(governed.environment["MANDATE_TRUST"])
    trust = governed.machine.trust
    wrong = path.parent / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("another passphrase")

    uri = trust.executor.uri.rpartition("=")[0] + f"={wrong}"
    write_trust(path, dataclasses.replace(trust, executor=trust.executor._replace(uri=uri)))
    output = governed.up(ok=False)
    assert "the keystore cannot be decrypted" in output

    # The same machine without the development mark: a keystore signs nothing there.
    rpc = (*trust.rpc, trust.rpc[0].replace("127.0.0.1", "localhost"))
    write_trust(path, dataclasses.replace(trust, development=False, rpc=rpc))
    assert "development" in governed.up(ok=False)
    write_trust(path, trust)

    assert governed.calls() == []
    assert governed.runs() == []
    assert governed.mandate(plan).state is MandateState.APPROVED
