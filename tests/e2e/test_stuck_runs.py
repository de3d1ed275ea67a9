"""What docs/runbooks/stuck-run.md tells an operator to type, typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Home
from tests.e2e.stuck import stuck_run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def state_of(home: Home, number: int) -> str:
    return str(home.ok("status", str(number), "--json").json["proposals"][0]["state"])


def test_a_half_done_run_is_given_up(home: Home) -> None:
    folder, number = stuck_run(home, "gives", "gives-orders")
    assert home.mandate("doctor").code == 2, "an interrupted run is a finding"
    looked = home.mandate("resume", "--json")
    assert (looked.code, looked.json["runs"][0]["status"]) == (7, "open")
    run = looked.json["runs"][0]["runId"]
    assert state_of(home, number) == "running"

    said = home.ok("resume", "--give-up")

    assert f"run {run[:10]}…" in said.out
    assert "failed" in said.out
    assert state_of(home, number) == "failed"
    assert home.buckets("gives") == []
    traced = home.ok("trace", str(number), "--json").json
    assert (traced["holds"], traced["history"]) == (True, "failed")
    _again_is_refused(home, run)
    _is_free(home, folder, "gives")


def _again_is_refused(home: Home, run: str) -> None:
    """Nothing is left to give up, and both ways of asking say so."""
    for words in (("resume", "--give-up"), ("resume", run, "--give-up"), ("resume", run)):
        said = home.mandate(*words)
        assert said.code == 3, words
        assert "there is none to give up" in said.err or "is closed already: failed" in said.err
    assert home.ok("resume").out == "no run was interrupted\n"


def test_the_run_of_a_lost_machine_is_abandoned(home: Home) -> None:
    folder, number = stuck_run(home, "lost", "lost-orders")
    runs = Path(home.environment["MANDATE_HOME"], "runs")
    runs.rename(runs.with_name("runs-of-the-lost-machine"))
    home.pulumi("cancel", "--yes", cwd=folder)

    busy = home.mandate("up", "--json", cwd=folder)
    assert (busy.code, busy.json["step"], busy.json["field"]) == (3, 3, "running")
    assert "mandate abandon" in busy.json["next"]
    for wait in ("1m", "61m"):  # the lease is over after an hour, its grace an hour later
        home.ok("dev", "advance", wait)
        early = home.mandate("abandon", str(number), "--as", "rae", "--json")
        assert (early.code, early.json["error"]) == (3, "ContractRefused")
        assert "still holds its lease and grace" in early.json["meaning"]
    assert state_of(home, number) == "running"
    home.ok("dev", "advance", "1h")

    said = home.ok("abandon", str(number), "--as", "rae")

    assert "abandoned; the stack is free" in said.out
    assert state_of(home, number) == "abandoned"
    again = home.mandate("abandon", str(number), "--as", "rae")
    assert again.code == 3
    assert "the mandate is abandoned" in again.err
    assert home.buckets("lost") == []
    # The machine is found again: its record says no more than the chain.
    runs.with_name("runs-of-the-lost-machine").rename(runs)
    assert home.ok("resume", "--json").json["runs"][0]["status"] == "failed"
    assert state_of(home, number) == "abandoned"
    _is_free(home, folder, "lost")


def _is_free(home: Home, folder: Path, prefix: str) -> None:
    """The next plan of the same stack is voted on and runs."""
    home.pulumi("cancel", "--yes", cwd=folder)
    home.approve(folder)
    said = home.mandate("up", "--json", cwd=folder)
    assert (said.code, said.json["run"]["status"]) == (0, "completed"), said
    assert len(home.buckets(prefix)) == 1
