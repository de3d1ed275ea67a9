"""One Node process for all questions of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.node import Ask, node


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Asks the JavaScript verifier."""
    with node() as answer:
        yield answer
