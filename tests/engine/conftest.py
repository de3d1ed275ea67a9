"""One stack for many tests: an engine's command takes seconds, and a preview only looks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.checkouts import Checkout
from tests.plugins import echo_provider


@pytest.fixture(scope="session")
def echo_path(tmp_path_factory: pytest.TempPathFactory, toolchain_path: str) -> str:
    """A PATH on which the engine finds the echo provider (a stand-in), under two names."""
    folder = echo_provider.install(tmp_path_factory.mktemp("plugins"), "echo", "other")
    return os.pathsep.join([str(folder), toolchain_path])


@pytest.fixture(scope="module")
def echo_checkout(
    tmp_path_factory: pytest.TempPathFactory,
    pulumi_env_at: Callable[[Path], dict[str, str]],
    echo_path: str,
) -> Callable[[], Checkout]:
    """Make a checkout of its own, with the echo provider at hand."""

    def make() -> Checkout:
        folder = tmp_path_factory.mktemp("echo")
        return Checkout(folder / "program", pulumi_env_at(folder) | {"PATH": echo_path})

    return make
