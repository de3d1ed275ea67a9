"""The program that completed before is another one by now: its commit was replaced in the
repository, and its texts are gone from the store. It would run with nobody's eyes on it.

Every file must be the one that was digested, or nothing of it is run.
"""

from __future__ import annotations

import pytest

from pulumi_mandate.models import MandateState, digest
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.health_fixtures import git

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_it_is_not_run(unwell: Attacked) -> None:
    former = unwell.document(unwell.runs()[0].record().plan_hash)
    commit = former.content["program"]["commit"]
    assert commit == git(unwell.folder, "rev-parse", "HEAD~1")
    git(unwell.folder, "checkout", "--quiet", "-b", "evil", commit)
    main = unwell.folder / "__main__.py"
    ran = unwell.notes / "hang-ran"
    main.write_text(f"open({str(ran)!r}, 'w')\n" + main.read_text())
    git(unwell.folder, "commit", "--quiet", "--all", "--message", "evil")
    git(unwell.folder, "replace", commit, "evil")
    git(unwell.folder, "checkout", "--quiet", "-")
    texts = digest(former.content["source"]["content"])
    for file in (unwell.folder.parent / "trust" / "store").rglob(f"*{texts.hex()}*"):
        file.unlink()

    unwell.up()
    result = unwell.result()

    assert not ran.exists()
    assert (result["status"], result["undo"]) == ("failed", "failed")
    assert result["reasons"][1] == (
        "not rolled back: this is another program than the one that was proposed: "
        "__main__.py differs"
    )
    assert unwell.mandate(unwell.plan_hash).state is MandateState.FAILED
    assert len(unwell.calls()) == len(unwell.done) + 3, "the change alone"
    assert not unwell.runs()[-1].undo.has_begun
