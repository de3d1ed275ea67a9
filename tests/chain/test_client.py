"""Reading and sending on a real EVM."""

from __future__ import annotations

import pytest

from tests.chain.genesis import Deployment

pytestmark = pytest.mark.chain


def test_check_passes_on_the_pinned_chain(deployment: Deployment) -> None:
    deployment.client.check()

    assert deployment.client.call("registry", "isSealed") is True
