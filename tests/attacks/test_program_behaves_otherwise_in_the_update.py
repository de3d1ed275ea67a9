"""`if not is_dry_run()`: the preview is honest and the update is not.

The whole-plan check cannot know; the hooks refuse the operation before the provider is called and
latch, and the run is stated as failed.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (
            TWO_NOTES + 'if not pulumi.runtime.is_dry_run():\n    Note("extra", "evil")\n',
            "create of urn:pulumi:test::shop::pulumi-python:dynamic:Resource::extra is not in",
        ),
        (
            TWO_NOTES.replace('"hello"', '"hello" if pulumi.runtime.is_dry_run() else "evil"'),
            "is not what was approved",
        ),
        (
            TWO_NOTES + "first.size.apply(lambda size: Note(f'more-{size}', 'evil'))\n",
            "more-5 is not in the approved plan",
        ),
    ],
    ids=["a resource more", "another value", "a resource inside apply"],
)
def test_what_was_not_previewed_is_refused(governed: Governed, program: str, reason: str) -> None:
    governed.program(program)
    plan = governed.approve()

    output = governed.up(ok=False)

    assert "refused at step 10" in output
    assert reason in output
    assert "evil" not in governed.files().values()
    assert not any("extra" in call or "more" in call for call in governed.calls())
    result = governed.result()
    assert result["status"] == "failed"
    assert any(reason in line for line in result["reasons"])
    assert governed.mandate(plan).state is MandateState.FAILED
