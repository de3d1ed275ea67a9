"""A real chain for any test: `chain_service` (empty) and `deployment` (contracts, sealed)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_mandate.dev.chain_service import ChainService
from tests.chain.genesis import Deployment, deploy


@pytest.fixture
def chain_service(tmp_path: Path) -> Iterator[ChainService]:
    """A running development chain of this test's own."""
    service = ChainService(tmp_path / "chain")
    service.start()
    yield service
    service.stop()


@pytest.fixture(scope="session")
def shared_deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One sealed deployment for all tests of a worker: for those that leave nothing behind."""
    service = ChainService(tmp_path_factory.mktemp("shared") / "chain")
    service.start()
    yield deploy(service)
    service.stop()


@pytest.fixture
def deployment(chain_service: ChainService) -> Deployment:
    """The same, with the contracts deployed and sealed, and people with tokens and gas money."""
    return deploy(chain_service)
