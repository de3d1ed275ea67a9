"""From a refused `pulumi up` to a trace, by the commands that people type; after every refusal the
cloud itself is asked whether anything changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Home
from tests.e2e.stuck import kill_after_begin

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def test_a_change_runs_when_and_only_when_it_was_voted_on(home: Home) -> None:
    folder = home.program("flow", "flow-orders")

    # Nobody has said yes.
    said = home.mandate("up", "--json", cwd=folder)
    assert (said.code, said.json["error"], said.json["step"]) == (3, "Refused", 3)
    assert home.buckets("flow") == []

    # The same change has the same effect root, whoever looks and whenever.
    page = folder.parent / "flow.html"
    first = home.ok("preview", "--as", "ana", "--json", "--html", str(page), cwd=folder).json
    assert f'"planHash": "{first["planHash"]}"' in page.read_text()
    number = home.propose(folder)
    shown = home.ok("show", str(number), "--json").json
    assert first["effectRoot"] == shown["effectRoot"]
    assert first["planHash"] != shown["planHash"], "another salt"

    # A voter believes nothing; a text of another plan would be found.
    verified = home.ok("verify", str(number), "--json").json
    assert verified["verified"]
    assert all(link["ok"] for link in verified["links"])
    assert home.mandate("advance", str(number), "--as", "rae").code == 3
    assert home.mandate("vote", str(number), "for", "--as", "bo").code == 3, "not open yet"

    home.vote(number)
    assert home.mandate("up", cwd=folder).code == 3, "voted, not executed"
    home.execute(number)
    assert home.ok("status", str(number), "--json").json["proposals"][0]["state"] == "approved"
    assert home.buckets("flow") == []

    # Edited after the vote.
    program = folder / "__main__.py"
    honest = program.read_text()
    program.write_text(honest.replace('bucket="flow-orders"', 'bucket="flow-0rders"'))
    said = home.mandate("up", "--json", cwd=folder)
    assert (said.code, said.json["step"], said.json["field"]) == (3, 6, "program")
    different = home.mandate("preview", "--against", str(number), "--json", cwd=folder)
    assert different.code == 3
    fields = [one["field"] for one in different.json["differences"]]
    assert any("inputs.bucket" in field for field in fields), fields
    assert home.buckets("flow") == []
    program.write_text(honest)

    # As voted.
    before = home.pulumi("stack", "export", cwd=folder).out
    said = home.mandate("up", "--json", cwd=folder)
    assert (said.code, said.json["run"]["status"]) == (0, "completed"), said
    assert home.buckets("flow") == ["flow-orders"]
    after = home.pulumi("stack", "export", cwd=folder).out

    # Spent; nothing left to do is no error.
    assert home.mandate("up", cwd=folder).code == 0
    assert home.pulumi("stack", "import", cwd=folder, piped=before).code == 0
    said = home.mandate("up", "--json", cwd=folder)
    assert (said.code, said.json["step"]) == (3, 3)
    assert home.pulumi("stack", "import", cwd=folder, piped=after).code == 0

    # A resource dropped from the program, and a command that runs no program.
    _dropped(home, folder, number)
    destroyed = home.pulumi("destroy", "--yes", "--skip-preview", cwd=folder)
    assert destroyed.code != 0
    assert "hooks" in destroyed.err + destroyed.out
    assert home.buckets("flow") == ["flow-orders"]

    _traced(home, folder, number)


def _dropped(home: Home, folder: Path, number: int) -> None:
    """What the program was before asks for the inverse; no voter needs to take that on trust."""
    program = folder / "__main__.py"
    honest = program.read_text()
    program.write_text(honest.partition("pulumi_mandate.S3Bucket")[0])
    assert home.mandate("up", cwd=folder).code == 3
    found = home.ok("preview", "--undoes", str(number), "--as", "ana", "--json", cwd=folder).json
    assert found == {"undoes": True, "differences": []}
    proposed = home.ok("propose", "--as", "ana", "--json", cwd=folder).json
    assert proposed["undoes"] == number
    undo = str(proposed["proposal"])
    assert f"Undo proposal {number}: " in home.ok("status", undo).out
    assert home.ok("verify", undo, "--json").json["undoes"] == number
    assert "undoes" not in home.ok("verify", str(number), "--json").json
    home.ok("withdraw", undo, "--as", "ana")
    program.write_text(honest)
    assert home.mandate("preview", "--undoes", str(number), "--as", "ana", cwd=folder).code == 3


def _traced(home: Home, folder: Path, number: int) -> None:
    urn = _bucket(home, folder)["urn"]
    traced = home.ok("trace", urn, "--json").json
    assert traced["holds"]
    assert traced["history"] == "completed"
    assert [link["name"] for link in traced["links"]][:3] == ["resource", "operation", "proof"]
    assert home.mandate("trace", urn + "-ghost").code == 2

    # The document is swapped for another one under the same name: the bytes no longer hash to it.
    stored = Path(home.folder, "dev", "store")
    digest = next(link for link in traced["links"] if link["name"] == "document")
    [file] = stored.rglob(digest["evidence"]["document"][2:] + "*")
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b"flow-orders", b"flow-0rders"))
    assert home.mandate("verify", str(number)).code == 3
    assert home.mandate("trace", urn).code == 3
    file.unlink()
    missing = home.mandate("verify", str(number), "--json")
    assert (missing.code, missing.json["error"]) == (3, "Refused")

    # Whoever has the bytes can put them back.
    copy = home.folder / "plan.json"
    copy.write_bytes(kept)
    home.ok("propose", "--plan", str(copy), "--resend")
    home.ok("verify", str(number))


def test_without_govern_mandate_up_refuses(home: Home) -> None:
    folder = home.program("bare", "bare-orders")
    program = folder / "__main__.py"
    program.write_text(program.read_text().replace("pulumi_mandate.govern()\n", ""))

    said = home.mandate("up", "--json", cwd=folder)

    assert (said.code, said.json["field"]) == (3, "hooks")
    assert home.buckets("bare") == []


def test_a_program_that_raises_is_the_engines_error(home: Home) -> None:
    folder = home.program("raises", "raises-orders")
    (folder / "__main__.py").write_text("raise RuntimeError('no such region')\n")

    for command in (["up"], ["propose", "--as", "ana"]):
        said = home.mandate(*command, "--json", cwd=folder)

        assert (said.code, said.json["error"]) == (6, "EngineError")
        assert "RuntimeError" in said.json["happened"], "the author wants to know"


def test_a_killed_run_is_finished_by_resume(home: Home) -> None:
    folder = home.program("killed", "killed-orders")
    number = home.approve(folder)
    kill_after_begin(home, number, folder)

    assert home.mandate("doctor").code != 0, "an interrupted run is a finding"
    done = home.mandate("resume", "--json", cwd=folder)
    if done.code == 7:  # killed before the bucket was there: the same command goes on
        assert done.json["runs"][0]["status"] == "open"
        home.pulumi("cancel", "--yes", cwd=folder)
        said = home.mandate("up", "--json", cwd=folder)
        assert (said.code, said.json["run"]["status"]) == (0, "completed"), said

    assert home.ok("resume").out.strip() == "no run was interrupted"
    assert home.buckets("killed") == ["killed-orders"]
    traced = home.ok("trace", str(number), "--json").json
    assert traced["holds"]
    assert traced["history"] == "completed"


def test_a_run_refused_at_its_first_operation_changes_nothing_and_is_spent(home: Home) -> None:
    folder = home.program("first", "first-orders")
    program = folder / "__main__.py"
    home.approve(folder)
    home.ok("up", cwd=folder)
    tags = 'tags={"for": "voters" if pulumi.runtime.is_dry_run() else "me"})'
    otherwise = program.read_text().replace(
        'bucket="first-orders")', 'bucket="first-orders", ' + tags
    )
    program.write_text(
        otherwise.replace("import pulumi_mandate\n", "import pulumi\nimport pulumi_mandate\n")
    )
    number = home.approve(folder)
    before = _bucket(home, folder)

    said = home.mandate("up", "--json", cwd=folder)

    assert (said.code, said.json["run"]["status"]) == (3, "failed"), said
    assert home.ok("status", str(number), "--json").json["proposals"][0]["state"] == "failed"
    assert _bucket(home, folder) == before
    traced = home.ok("trace", str(number)).out
    assert "0 of 1 operations done" in traced
    assert home.ok("resume").out == "no run was interrupted\n"


def _bucket(home: Home, folder: Path) -> dict[str, Any]:
    """As the state has it."""
    resources = home.pulumi("stack", "export", cwd=folder).json["deployment"]["resources"]
    return next(one for one in resources if "S3Bucket" in one["type"])


def test_a_mandate_ends_by_time_by_its_proposer_and_by_the_guardian(home: Home) -> None:
    folder = home.program("ends", "ends-orders")

    def refused() -> str:
        said = home.mandate("up", "--json", cwd=folder)
        assert (said.code, said.json["step"]) == (3, 3), said
        assert home.buckets("ends") == []
        return str(said.json["happened"])

    number = home.approve(folder)
    home.ok("revoke", str(number), "--as", "gus")
    assert "revoked" in refused()

    number = home.approve(folder)
    assert home.mandate("withdraw", str(number), "--as", "bo").code == 3, "not his"
    home.ok("withdraw", str(number), "--as", "ana")
    assert "withdrawn" in refused()

    home.approve(folder)
    home.ok("dev", "advance", "8d")
    assert "expired" in refused()


# -- what is missing or wrong -------------------------------------------------------------------


def test_doctor_is_content_and_names_what_is_missing(home: Home, tmp_path: Path) -> None:
    found = home.mandate("doctor", "--json")
    names = {one["name"]: one["ok"] for one in found.json["findings"]}
    assert names["chain"]
    assert names["registry"]
    assert names["executor key"]
    assert names["plan store"]

    missing = home.mandate("doctor", "--json", PATH=str(tmp_path))
    bad = [one for one in missing.json["findings"] if not one["ok"]]
    assert missing.code == 6
    assert bad[0]["name"] == "pulumi"
    assert bad[0]["remedy"]


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (("id = 31337", "id = 1"), "WrongChain"),
        (
            ('registry = "0x', 'registry = "0x1111111111111111111111111111111111111111" # '),
            "MissingContract",
        ),
        (("http://127.0.0.1:", "http://127.0.0.1:1"), "ChainUnreachable"),
    ],
    ids=["another chain id", "no registry", "nobody there"],
)
def test_a_chain_that_is_not_the_pinned_one_is_4(
    edit: tuple[str, str], error: str, home: Home, tmp_path: Path
) -> None:
    trust = Path(home.environment["MANDATE_TRUST"]).read_text()
    assert edit[0] in trust
    old, new = edit
    if error == "ChainUnreachable":
        start = trust.index(old)
        end = trust.index('"', start)
        trust = trust[:start] + "http://127.0.0.1:9" + trust[end:]
    else:
        trust = trust.replace(old, new)
    file = tmp_path / "trust.toml"
    file.write_text(trust)

    said = home.mandate("status", "--json", "--trust", str(file))

    assert (said.code, said.json["error"]) == (4, error)


def test_a_key_that_is_another_one_is_5(home: Home, tmp_path: Path) -> None:
    trust = Path(home.environment["MANDATE_TRUST"]).read_text()
    accounts = home.ok("trust", "show", "--json").json["accounts"]
    file = tmp_path / "trust.toml"
    file.write_text(trust.replace(accounts["ana"]["address"], accounts["bo"]["address"]))

    said = home.mandate("keys", "show", "ana", "--json", "--trust", str(file))

    assert (said.code, said.json["error"]) == (5, "SignerError")
    assert set(home.ok("keys", "show", "--json").json["keys"]) >= {"executor", "runner", "ana"}


def test_a_trust_file_in_a_checkout_is_refused(home: Home, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    file = tmp_path / "trust.toml"
    file.write_text(Path(home.environment["MANDATE_TRUST"]).read_text())

    assert home.mandate("status", "--trust", str(file)).code == 3


def test_a_plan_of_an_unknown_schema_is_refused(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(b'{"schema":"mandate/plan/v9"}')

    said = home.mandate("propose", "--as", "ana", "--plan", str(file), "--json")

    assert (said.code, said.json["error"]) == (3, "InvalidDocument")


def test_a_key_of_ones_own(home: Home, tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("correct horse battery staple\n")
    (tmp_path / "pass").chmod(0o600)
    arguments = (str(tmp_path / "key.json"), "--passphrase-file", str(tmp_path / "pass"))

    made = home.ok("keys", "new", *arguments, "--json").json
    enrolled = home.ok("keys", "enrol", made["uri"], "--json").json

    assert made["address"] == enrolled["address"]
    assert home.mandate("keys", "new", *arguments).code == 2, "never overwritten"
