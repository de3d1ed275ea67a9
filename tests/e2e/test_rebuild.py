"""An attestor checks the named commit out, previews it himself, and signs; a voter checks that."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Home
from tests.gate.test_version_control import git

pytestmark = pytest.mark.e2e
TRACED = True

SECRETIVE = """import pulumi_mandate

pulumi_mandate.govern()

import pulumi

owner = pulumi.Config().require_secret("owner")
pulumi_mandate.S3Bucket("withheld-one", bucket="withheld-one", tags={"owner": owner})
pulumi.export("owner", owner)
"""


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


def test_somebody_without_the_secrets_attests_everything_else(home: Home) -> None:
    folder = home.program("withheld", "withheld-one")
    program = folder / "__main__.py"
    program.write_text(SECRETIVE)
    home.pulumi("config", "set", "--secret", "owner", "hunter2", cwd=folder)
    home.approve(folder)
    home.ok("up", cwd=folder)
    home.pulumi("config", "set", "--secret", "owner", "hunter3", cwd=folder)
    program.write_text(program.read_text() + 'pulumi_mandate.S3Bucket("more", bucket="withheld-2")')
    number = str(home.propose(folder))

    # He has the checkout and may read the backend, and nobody told him the passphrase.
    told = "PULUMI_CONFIG_PASSPHRASE"
    his = {k: v for k, v in home.environment.items() if not k.startswith(told)}
    assert his != home.environment
    dee = dataclasses.replace(home, environment=his)
    file = str(home.folder / "without.json")
    unable = dee.mandate("verify", number, "--rebuild", cwd=folder)
    assert (unable.code, "PASSPHRASE" in unable.err) == (6, True), unable
    words = ("verify", number, "--rebuild", "--without-secrets", "--as", "dee", "--attest", file)
    said = dee.ok(*words, "--json", cwd=folder)
    assert said.json["rebuilt"]["secrets"] is False
    shown = home.ok("show", number, "--json").json["content"]
    assert said.json["rebuilt"]["effectRoot"] != shown["effectRoot"], "it is modulo secrets"
    checked = home.ok("verify", number, "--attestation", file)
    assert "without the secrets" in checked.out
    assert "hunter" not in str(said) + Path(file).read_text()

    # Whatever is no secret must be as it was proposed.
    source = program.read_text()
    program.write_text(source.replace("withheld-2", "withheld-3"))
    other = str(home.propose(folder))
    program.write_text(source)
    refused = dee.mandate("verify", other, "--rebuild", "--without-secrets", cwd=folder)
    assert (refused.code, "another program" in refused.err) == (3, True), refused
    wrong = home.mandate("verify", other, "--attestation", file)
    assert (wrong.code, "another plan hash" in wrong.err) == (3, True), wrong
