"""A governed stack before a cloud that notes every request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulumi_mandate.dev.cloud import cloud_environment
from tests.engine.conftest import echo_path  # noqa: F401  # a fixture
from tests.plugins.cloud_front import CloudFront, cloud_front
from tests.plugins.gate_fixtures import Governed
from tests.resources.aws.conftest import ami, cloud, moto_server, outside  # noqa: F401  # fixtures


@pytest.fixture
def front(cloud: str, governed: Governed) -> Iterator[CloudFront]:  # noqa: F811
    """The governed stack's cloud."""
    with cloud_front(cloud) as found:
        governed.environment |= cloud_environment(found.endpoint)
        yield found
