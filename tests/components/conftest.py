"""A moto server, and a stack whose environment leads there and to an edge machine of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pulumi_mandate.dev.cloud import cloud_environment
from pulumi_mandate.edge import EdgeMachine, create_signing_key
from tests.resources.aws.conftest import ami, cloud, moto_server, outside  # noqa: F401  # fixtures


@pytest.fixture
def loop() -> Iterator[None]:
    """An event loop to make outputs in: whoever ran one before has left none behind."""
    own = asyncio.new_event_loop()
    asyncio.set_event_loop(own)
    yield
    own.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def machine(pulumi_env: Mapping[str, str]) -> EdgeMachine:
    home = Path(pulumi_env["MANDATE_HOME"]) / "edge"
    (home / "trusted").mkdir(parents=True)
    key = create_signing_key(home / "signing-key.pem")
    (home / "trusted" / "key.pem").write_bytes(key.public_pem())
    return EdgeMachine.from_environment(pulumi_env)


@pytest.fixture
def stack(engine_stack, cloud, machine):  # noqa: F811
    return engine_stack(cloud_environment(cloud))
