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


@pytest.mark.parametrize(
    "option",
    ["deleted_with=first", "ignore_changes=['text']", "additional_secret_outputs=['size']",
     "custom_timeouts=pulumi.CustomTimeouts(delete='1s')"],
)  # fmt: skip
def test_an_option_that_no_hook_is_told_of_fails_the_run(governed: Governed, option: str) -> None:
    """The resource is made as approved, and tomorrow it would be treated otherwise."""
    opts = f"pulumi.ResourceOptions(**({{}} if pulumi.runtime.is_dry_run() else dict({option})))"
    governed.program(TWO_NOTES + f'Note("third", "hi", {opts})\n')
    plan = governed.approve()

    governed.up()

    result = governed.result()
    assert result["status"] == "failed"
    assert any("::third was given another " in line for line in result["reasons"])
    assert governed.mandate(plan).state is MandateState.FAILED


def test_the_same_options_as_approved_complete_it(governed: Governed) -> None:
    options = (
        "deleted_with=first, ignore_changes=['text'], additional_secret_outputs=['size'], "
        "custom_timeouts=pulumi.CustomTimeouts(delete='1s'), depends_on=[first], "
        "aliases=[pulumi.Alias(name='older')]"
    )
    governed.program(TWO_NOTES + f'Note("third", "hi", pulumi.ResourceOptions({options}))\n')
    governed.approve()

    governed.up()

    assert governed.result()["status"] == "completed", governed.result()
