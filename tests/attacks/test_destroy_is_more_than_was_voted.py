"""A destroy that deletes other things, or elsewhere, than people agreed to.

The engine takes `retainOnDelete`, `protect` and the providers' configuration from the program that
it runs meanwhile, not from the state. The defender sees the option or the provider named before
anything is spent; what the program does only in the real run is refused at the hook.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import TWO_NOTES, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

FIRST = "urn:pulumi:test::shop::pulumi-python:dynamic:Resource::first"
KEPT = TWO_NOTES.replace(
    'first = Note("first", "hello")',
    'first = Note("first", "hello", pulumi.ResourceOptions(retain_on_delete=True))',
)
ONLY_FOR_REAL = KEPT.replace(
    "retain_on_delete=True", "retain_on_delete=pulumi.runtime.is_dry_run()"
)


def destroy(governed: Governed, *flags: str) -> str:
    """Refused, or failed; what it said."""
    done = governed.pulumi("destroy", "--yes", "--skip-preview", "--run-program", *flags, ok=False)
    return done.stdout + done.stderr


def deploy(governed: Governed, program: str) -> None:
    governed.program(program)
    governed.approve()
    governed.up()
    assert governed.result()["status"] == "completed"


def test_what_was_to_be_kept_is_not_deleted_by_an_edited_program(governed: Governed) -> None:
    deploy(governed, KEPT)
    plan = governed.approve(governed.plan(kind="destroy"))
    done = governed.calls()

    governed.program(TWO_NOTES)
    assert "gives retainOnDelete another value" in destroy(governed)
    governed.program(KEPT)
    # A plan can bind this, and this one does not.
    assert "toolchain.flags" in destroy(governed, "--exclude", FIRST)
    for flags in (["--exclude-protected"], ["--remove"], ["--refresh"]):
        assert "refused at step 1" in destroy(governed, *flags), flags

    assert governed.calls() == done
    assert governed.mandate(plan).state is MandateState.APPROVED


def test_an_option_that_only_the_real_run_drops_is_refused_at_the_hook(governed: Governed) -> None:
    deploy(governed, ONLY_FOR_REAL.replace("pulumi.runtime.is_dry_run()", "True"))
    governed.program(ONLY_FOR_REAL)
    plan = governed.approve(governed.plan(kind="destroy"))

    output = destroy(governed)

    assert "options.retainOnDelete" in output
    assert "delete first" not in governed.calls()
    assert governed.files()["first"] == "hello"
    assert governed.result()["status"] == "failed"
    assert governed.mandate(plan).state is MandateState.FAILED
