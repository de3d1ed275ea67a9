"""A real chain for any test: `chain_service` (empty) and `deployment` (contracts, sealed)."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_mandate.chain.client import ChainClient
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
def _sealed(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Deployed and sealed once per worker, then stopped: its journal is what others start from."""
    service = ChainService(tmp_path_factory.mktemp("sealed") / "chain")
    service.start()
    deployment = deploy(service)
    service.stop()
    return deployment


def _copied(sealed: Deployment, home: Path) -> Deployment:
    """The same chain again, on a port of its own."""
    home.mkdir()
    shutil.copy(sealed.service.home / "journal.sqlite", home)
    with contextlib.closing(sqlite3.connect(home / "journal.sqlite")) as journal, journal:
        journal.execute("DELETE FROM facts WHERE name = 'port'")
    service = ChainService(home)
    trust = dataclasses.replace(sealed.trust, rpc=(service.start(),))
    return dataclasses.replace(sealed, service=service, trust=trust, client=ChainClient(trust))


@pytest.fixture(scope="session")
def shared_deployment(
    _sealed: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """One sealed deployment for all tests of a worker: for those that leave nothing behind."""
    deployment = _copied(_sealed, tmp_path_factory.mktemp("shared") / "chain")
    yield deployment
    deployment.service.stop()


@pytest.fixture
def deployment(_sealed: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    """A chain of this test's own, contracts deployed and sealed, people with tokens and gas."""
    deployment = _copied(_sealed, tmp_path / "deployed")
    yield deployment
    deployment.service.stop()
