"""The outer command means something else than the preview: flags, variables, another cloud.

The defender sees the flag or the variable named, before anything is previewed or spent.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.gate.environment import NESTED_MARK
from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

URN = "urn:pulumi:test::shop::pulumi-python:dynamic:Resource::first"


def test_flags_and_variables_that_change_meaning(governed: Governed) -> None:
    plan = governed.approve()
    other_config = governed.folder.parent / "other.yaml"
    other_config.write_text((governed.folder / "Pulumi.test.yaml").read_text())

    for flags in (["--refresh"], ["--config-file", str(other_config)], ["--continue-on-error"]):
        assert "refused at step 1" in governed.up(*flags, ok=False), flags
    # A plan can bind these, and this one does not; see tests/engine/test_gate_flags.py.
    for name in ("--target", "--exclude"):
        assert "may stay unknown for ever" in governed.up(name, URN, ok=False)

    for name, value in (
        ("PULUMI_DEBUG_PROVIDERS", "pulumi-python:1"),
        ("PULUMI_SKIP_CHECKPOINTS", "true"),
        ("PULUMI_OPTION_TARGET", URN),
        ("PYTHONSTARTUP", "/nonexistent"),
        (NESTED_MARK, "1"),
    ):
        governed.environment[name] = value
        output = governed.up(ok=False)
        del governed.environment[name]
        assert f"`{name}`" in output, name

    governed.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    output = governed.up(ok=False)
    del governed.environment["AWS_ENDPOINT_URL"]
    assert "refused at step 6" in output
    assert "toolchain.flags" in output

    assert governed.calls() == []
    assert governed.runs() == []
    assert governed.mandate(plan).state is MandateState.APPROVED
