"""The checkout or the program points us at another chain, registry, store or key.

What is believed comes from the machine's trust file; a file in a checkout is no trust file.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pulumi_mandate.models import Address, MandateState
from tests.plugins.gate_fixtures import TWO_NOTES, Governed, write_trust

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_wrong_chains_registries_keys_and_places(governed: Governed) -> None:
    plan = governed.approve()
    path = Path(governed.environment["MANDATE_TRUST"])
    trust = governed.machine.trust

    def refused_with(**changes: object) -> str:
        write_trust(path, dataclasses.replace(trust, **changes))
        try:
            return governed.up(ok=False)
        finally:
            write_trust(path, trust)

    assert "serves chain 31337, the trust file names chain 1" in refused_with(chain_id=1)
    nowhere = Address("0x" + "0" * 38 + "99")
    assert "there is no registry at" in refused_with(registry=nowhere)
    assert "the chain does not answer" in refused_with(rpc=("http://127.0.0.1:9",))
    assert "names no executor" in refused_with(executor=None)
    stranger = trust.runner._replace(address=governed.people["ana"].address)
    assert "is not enrolled for this stack" in refused_with(runner=stranger)
    assert "refused at step 2" in refused_with(runner=trust.executor)
    wrong_key = trust.executor._replace(uri=trust.runner.uri)
    assert "was enrolled" in refused_with(executor=wrong_key)
    assert "has no enrolled id" in refused_with(backend_ids={"file:///elsewhere": "test-backend"})
    other = {next(iter(trust.backend_ids)): "another-backend"}
    assert "refused at step 3: there is no mandate" in refused_with(backend_ids=other)

    # A trust file that came with the checkout, and one that the program chooses.
    inside = governed.folder / "trust.toml"
    write_trust(inside, trust)
    governed.environment["MANDATE_TRUST"] = str(inside)
    assert "lies inside a checkout" in governed.up(ok=False)
    governed.environment["MANDATE_TRUST"] = str(path)
    inside.unlink()
    governed.program(f"import os\nos.environ['MANDATE_TRUST'] = '{inside}'\n" + TWO_NOTES)
    assert "`MANDATE_TRUST` is not what it was" in governed.up(ok=False)
    governed.program(TWO_NOTES)

    assert governed.calls() == []
    assert governed.mandate(plan).state is MandateState.APPROVED
    governed.up()
    assert governed.result()["status"] == "completed"
