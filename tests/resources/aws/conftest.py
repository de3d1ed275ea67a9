"""A real moto server for this worker, empty for each test, and the environment that leads to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from moto.server import ThreadedMotoServer

from pulumi_mandate.dev.cloud import cloud_environment
from pulumi_mandate.dev.kms import emulator_client
from pulumi_mandate.resources import governed
from pulumi_mandate.resources._permit import Permit


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def cloud(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The endpoint of an empty cloud; this process's environment leads there."""
    assert requests.post(f"{moto_server}/moto-api/reset", timeout=30).ok
    for name, value in cloud_environment(moto_server).items():
        monkeypatch.setenv(name, value)
    return moto_server


@pytest.fixture
def outside(cloud: str) -> Callable[..., Any]:
    """A client that is not ours: for looking at the cloud, and for changing it behind our back."""

    def client(service: str, region: str = "us-east-1") -> Any:
        return emulator_client(service, cloud, region)

    return client


class Permitted:
    """A run that allows everything, for the operation that `key` names."""

    key = "d" * 64

    def __call__(self, moment: str, id_: str, props: Any) -> Permit:
        return Permit(self.key)


@pytest.fixture
def permitted(monkeypatch: pytest.MonkeyPatch) -> Permitted:
    """The gate inside the providers says yes; tests/resources/test_permit.py is about it."""
    found = Permitted()
    monkeypatch.setattr(governed, "permit_for", found)
    return found


@pytest.fixture
def ami(outside) -> str:
    images = outside("ec2").describe_images(Owners=["amazon"])["Images"]
    return images[0]["ImageId"]
