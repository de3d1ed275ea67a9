"""A secret changed after the vote: refused, and neither value is ever shown."""

from __future__ import annotations

import pytest

from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

WITH_SECRET = TWO_NOTES + 'Note("third", pulumi.Config().require_secret("password"))\n'


def test_another_secret_is_another_plan(governed: Governed) -> None:
    governed.pulumi("config", "set", "--secret", "password", "voted-for-this")
    governed.program(WITH_SECRET)
    document = governed.plan()
    assert b"voted-for-this" not in document.data
    plan = governed.approve(document)

    governed.pulumi("config", "set", "--secret", "password", "changed-later")
    output = governed.up(ok=False)
    assert "refused at step 7" in output
    assert governed.calls() == []
    for secret in ("voted-for-this", "changed-later"):
        assert secret not in output

    governed.pulumi("config", "set", "--secret", "password", "voted-for-this")
    governed.up()
    assert governed.result()["status"] == "completed"
    assert governed.files()["third"] == "voted-for-this"
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    (folder,) = governed.runs()
    written = [file for file in folder.path.rglob("*") if file.is_file()]
    assert written
    for file in written:
        assert b"voted-for-this" not in file.read_bytes(), file.name
