"""The result of a run is confirmed by somebody who looked, with the engine and the cloud."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Home

pytestmark = pytest.mark.e2e
TRACED = True


def test_a_result_is_confirmed_by_somebody_who_looked(home: Home) -> None:
    folder = home.program("seen", "seen-orders")
    number = home.approve(folder)
    early = home.mandate("observe", str(number), "--as", "dee", cwd=folder)
    assert early.code == 3, early
    assert home.mandate("up", cwd=folder).code == 0
    assert "waits to be confirmed" in home.ok("status", str(number)).out

    # Another program than the one that ran shows nothing about it.
    source = (folder / "__main__.py").read_text()
    (folder / "__main__.py").write_text(source.replace("seen-orders", "seen-others"))
    other = home.mandate("observe", str(number), "--as", "dee", cwd=folder)
    assert (other.code, "another program" in other.err) == (3, True), other
    (folder / "__main__.py").write_text(source)

    own = home.mandate("observe", str(number), "--as", "ana", cwd=folder)
    assert own.code != 0, "the proposer is no witness"
    seen = home.ok("observe", str(number), "--as", "dee", "--json", cwd=folder).json
    assert seen["observer"]
    assert "done and confirmed" in home.ok("status", str(number)).out
    assert home.mandate("observe", str(number), "--as", "chi", cwd=folder).code == 3, "once"
