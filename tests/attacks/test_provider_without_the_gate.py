"""Our dynamic providers, called by an engine whose program has no gate, or lost its hooks.

Until they asked inside, any of these made its buckets: without the line nobody was there to refuse,
and hooks that were stripped in the update alone were found only when the run was over. Now the
provider itself finds no grant and sends nothing; the defender reads so in the update's own output.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.gate.environment import UNGOVERNED
from pulumi_mandate.models import MandateState
from tests.plugins.cloud_front import CloudFront
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

LINE = "pulumi_mandate.govern()\n"
STRIP = """
def strip(args):
    args.opts.hooks = None
    return pulumi.ResourceTransformResult(args.props, args.opts)

if not pulumi.runtime.is_dry_run():
    pulumi.runtime.register_resource_transform(strip)
"""
PROGRAM = f"""
import pulumi
import pulumi_mandate

{LINE}
#
pulumi_mandate.S3Bucket("logs", bucket="attacked-logs")
"""
CHANGED = (
    PROGRAM.replace('"attacked-logs"', '"attacked-logs", versioning=True')
    + '\npulumi_mandate.S3Bucket("more", bucket="attacked-more")\n'
)
FORGE = """
import dataclasses, os
from pulumi_mandate.gate.ancestor import find_engine
from pulumi_mandate.gate.folder import run_folders
from pulumi_mandate.gate.grants import Grants

if not pulumi.runtime.is_dry_run():
    # All that this machine keeps about a run, written by somebody else than the gate.
    [folder] = run_folders()
    engine = find_engine()
    pid = {"engine_pid": engine.pid, "engine_started": engine.started}
    folder.write_record(dataclasses.replace(folder.record(), **pid))
    (folder.path / "result.json").unlink()
    Grants(folder.path).renew()
"""
NOBODY_ASKED = "no governed run has begun for this engine"


def test_nothing_is_sent_to_the_cloud(governed: Governed, front: CloudFront) -> None:
    # Nobody ever proposed anything, and the program has no gate.
    governed.program(PROGRAM.replace(LINE, ""))
    assert NOBODY_ASKED in governed.up(ok=False)
    assert front.calls == []

    # Whoever set the variable of stacks that are not governed is told so before anything is spent.
    governed.program(PROGRAM)
    plan = governed.approve()
    governed.environment[UNGOVERNED] = "yes"
    assert f"`{UNGOVERNED}` is set" in governed.up(ok=False)
    del governed.environment[UNGOVERNED]
    assert front.calls == []

    # The lawful run.
    governed.up()
    assert governed.result()["status"] == "completed"
    assert governed.mandate(plan).state is MandateState.UNCONFIRMED
    assert "PUT /attacked-logs" in front.changes
    done = len(front.changes)

    # A no-op update without the line takes the hooks out of the state; then a plain destroy.
    governed.program(PROGRAM.replace(LINE, ""))
    assert "unchanged" in governed.up()
    destroyed = governed.pulumi("destroy", "--yes", "--skip-preview", ok=False)
    assert NOBODY_ASKED in destroyed.stdout + destroyed.stderr

    # Another bucket, and a change of the first, by the program without the line; with the record of
    # the run that was, made out for this engine: the chain knows better.
    governed.program(CHANGED.replace(LINE, ""))
    assert NOBODY_ASKED in governed.up(ok=False)
    governed.program(CHANGED.replace(LINE, "").replace("#", FORGE))
    assert "this run is not going on: its mandate is unconfirmed" in governed.up(ok=False)

    # An approved plan, and the hooks go in the update alone.
    governed.program(CHANGED.replace("#", STRIP))
    plan = governed.approve()
    assert "has not allowed this" in governed.up(ok=False)
    assert governed.mandate(plan).state is MandateState.RUNNING

    assert front.changes[done:] == []
