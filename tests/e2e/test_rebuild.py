"""An attestor checks the named commit out, previews it himself, and signs; a voter checks that."""

from __future__ import annotations

import shutil

import pytest

from tests.e2e.conftest import Home
from tests.gate.test_version_control import git

pytestmark = pytest.mark.e2e


def test_somebody_else_gets_the_same_plan_from_the_commit_and_says_so(home: Home) -> None:
    folder = home.program("twice", "twice-one")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "A bucket")
    one = str(home.propose(folder))
    commit = git(folder, "rev-parse", "HEAD")

    # His checkout has moved on meanwhile: the commit counts, not what lies in the folder.
    mine = home.folder / "attestor"
    shutil.copytree(folder, mine, symlinks=True)
    (mine / "__main__.py").write_text("raise SystemExit('not this one')\n")
    file = str(home.folder / "dee.json")
    said = home.ok("verify", one, "--rebuild", "--as", "dee", "--attest", file, "--json", cwd=mine)
    assert said.json["rebuilt"]["commit"] == commit
    shown = home.ok("show", one, "--json").json
    assert said.json["rebuilt"]["effectRoot"] == shown["content"]["effectRoot"]

    checked = home.ok("verify", one, "--attestation", file, "--json")
    assert len(checked.json["attestations"]) == 1

    # The proposer is no witness of his own, and another plan has no share in the attestation.
    own = home.mandate("verify", one, "--rebuild", "--as", "ana", "--attest", file, cwd=mine)
    assert (own.code, "cannot attest" in own.err) == (5, True), own
    source = (folder / "__main__.py").read_text().replace("twice-one", "twice-two")
    (folder / "__main__.py").write_text(source)
    two = str(home.propose(folder))
    other = home.mandate("verify", two, "--attestation", file)
    assert (other.code, "another plan hash" in other.err) == (3, True), other
    # It was made of no commit, so the folder itself is previewed, and this one is another program.
    wrong = home.mandate("verify", two, "--rebuild", cwd=mine)
    assert (wrong.code, "__main__.py differs" in wrong.err) == (3, True), wrong
    home.ok("verify", two, "--rebuild", cwd=folder)
