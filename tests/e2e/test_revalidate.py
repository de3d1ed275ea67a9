"""Pending proposals follow the program: kept, replaced or withdrawn, by the command people type."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Home

pytestmark = pytest.mark.e2e
TRACED = True


def verdicts(home: Home, folder: object, *words: str, code: int) -> dict[int, str]:
    said = home.mandate("revalidate", "--as", "ana", "--json", *words, cwd=folder)  # type: ignore[arg-type]
    assert said.code == code, said
    return {row["proposal"]: row["verdict"] for row in said.json["proposals"]}


def test_a_stale_proposal_is_replaced_and_a_done_one_is_cleared(home: Home) -> None:
    folder = home.program("moving", "moving-one")
    first = home.propose(folder)
    assert verdicts(home, folder, code=0) == {first: "retain"}

    # Somebody else may look, and may not withdraw what is not his.
    source = (folder / "__main__.py").read_text()
    (folder / "__main__.py").write_text(source.replace("moving-one", "moving-two"))
    assert verdicts(home, folder, code=3) == {first: "replace"}
    stranger = home.mandate("revalidate", "--as", "bo", "--apply", cwd=folder)
    assert (stranger.code, "nothing was withdrawn" in stranger.err) == (2, True), stranger

    applied = home.ok("revalidate", "--as", "ana", "--apply", cwd=folder)
    assert "withdrawn; replaced by proposal" in applied.out
    second = max(verdicts(home, folder, code=0))
    assert verdicts(home, folder, code=0) == {second: "retain"}
    assert f"replaces proposal {first}" in home.ok("show", str(second)).out + home.ok("status").out

    # Proposed again, the same change is the same proposal; whoever wants two says so.
    found = home.ok("propose", "--as", "bo", "--json", cwd=folder).json
    assert (found["proposal"], found["opened"]) == (second, False)
    assert home.ok("show", str(second), "--json").json["planHash"] == found["planHash"]
    more = home.ok("propose", "--as", "ana", "--again", "--json", cwd=folder).json
    third = more["proposal"]
    assert (third != second, more["opened"]) == (True, True)

    # Once it is done, nothing is left of the other one.
    home.vote(second)
    for name in ("bo", "chi"):
        home.ok("vote", str(third), "for", "--as", name)
    home.execute(second)
    home.execute(third)
    up = home.mandate("up", cwd=folder)
    assert up.code == 0, up
    assert home.buckets("moving") == ["moving-two"]
    left = verdicts(home, folder, code=3)
    assert list(left.values()) == ["clear"]
    assert left.keys() < {second, third}
    home.ok("revalidate", "--as", "ana", "--apply", cwd=folder)
    assert "no proposal of this stack is pending" in home.ok("revalidate", cwd=folder).out
