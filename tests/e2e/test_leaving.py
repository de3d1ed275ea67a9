"""docs/runbooks/leaving.md on the real engine: what the hooks in the state do, and how they go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.gate.environment import UNGOVERNED
from tests.e2e.conftest import Home

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

UP = ("up", "--yes", "--skip-preview")
LEFT = {UNGOVERNED: "yes"}
NO_RUN = "no governed run has begun for this engine"
LINE = "pulumi_mandate.govern()\n"
SECOND = '\npulumi_mandate.S3Bucket("leave-b", bucket="leave-b")\n'


def hooked(home: Home, folder: Path) -> set[str]:
    """Names of the resources that carry the gate's hooks in the state."""
    state: Any = json.loads(home.pulumi("stack", "export", cwd=folder).out)
    return {
        one["urn"].rpartition("::")[2]
        for one in state["deployment"]["resources"]
        if "mandate:" in json.dumps(one.get("resourceHooks") or {})
    }


def test_the_line_goes_alone_and_first_and_comes_back_by_a_vote(home: Home) -> None:
    folder = home.program("leave", "leave-a")
    program = folder / "__main__.py"
    governed = program.read_text() + SECOND
    program.write_text(governed)
    home.approve(folder)
    home.ok("up", cwd=folder)
    everything = {"leave-prod", "leave-a", "leave-b"}
    assert hooked(home, folder) == everything

    # Nobody can vote about it.
    program.write_text(governed.replace(LINE, ""))
    refused = home.mandate("propose", "--as", "ana", "--json", cwd=folder)
    assert (refused.code, refused.json["step"], refused.json["field"]) == (3, 7, "hooks")

    # What is deleted in the same update still meets its hook.
    program.write_text(governed.replace(LINE, "").replace(SECOND, ""))
    at_once = home.pulumi(*UP, cwd=folder)
    assert at_once.code != 0
    assert 'hook "mandate:before-delete" was not registered' in at_once.out + at_once.err
    assert home.buckets("leave") == ["leave-a", "leave-b"]

    # The line alone: nothing changes, and the hooks are gone.
    program.write_text(governed.replace(LINE, ""))
    alone = home.pulumi(*UP, cwd=folder)
    assert alone.code == 0, alone
    assert "unchanged" in alone.out
    assert hooked(home, folder) == set()
    program.write_text(governed.replace(LINE, "").replace(SECOND, ""))
    # Our own resources go on refusing until whoever starts the engine says so.
    still = home.pulumi(*UP, cwd=folder)
    assert still.code != 0
    assert NO_RUN in still.out + still.err
    assert home.buckets("leave") == ["leave-a", "leave-b"]
    told = home.pulumi(*UP, cwd=folder, **LEFT)
    assert told.code == 0, told
    assert "delete without a mandate" in told.out + told.err
    assert home.buckets("leave") == ["leave-a"]

    # Back: the first governed update is voted on like any other.
    program.write_text(governed.replace(SECOND, ""))
    assert home.mandate("up", cwd=folder).code == 3
    home.approve(folder)
    home.ok("up", cwd=folder)
    assert hooked(home, folder) == everything - {"leave-b"}

    # Once more, said at once: what is created on the way out asks nobody, nor does a destroy.
    assert home.pulumi("destroy", "--yes", "--skip-preview", cwd=folder).code != 0
    program.write_text(governed.replace(LINE, ""))
    assert home.pulumi(*UP, cwd=folder, **LEFT).code == 0
    assert home.buckets("leave") == ["leave-a", "leave-b"]
    assert home.pulumi("destroy", "--yes", "--skip-preview", cwd=folder, **LEFT).code == 0
    assert home.buckets("leave") == []
