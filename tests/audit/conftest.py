"""One finished history for all tests that only read it: making it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulumi_mandate.audit.collect import collect_run
from pulumi_mandate.audit.evidence import RunEvidence
from pulumi_mandate.dev.chain_service import ChainService
from tests.audit.cases import ORDERS, History


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Proposed, voted, approved, run and completed."""
    folder = tmp_path_factory.mktemp("audit")
    service = ChainService(folder / "chain")
    service.start()
    made = History.start(service, folder / "store")
    made.propose()
    made.approve()
    made.complete(made.begin())
    yield made
    service.stop()


@pytest.fixture(scope="session")
def evidence(history: History) -> RunEvidence:
    """All of it, asked about one resource."""
    return collect_run(history.sources, history.plan, ORDERS)  # type: ignore[arg-type]
