"""One real browser for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Chromium, headless."""
    profile: Path = tmp_path_factory.mktemp("chromium")
    with Chromium(profile) as browser:
        yield browser
