"""A Chromium for the tests of the page that voters open: the machine's own, else Debian's package.

Only `make test` needs it; `make demo` does without.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tools.python_env import install_debian_package
from tools.steps import Step, on_path, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OLDEST = 111
"""The first whose texts know whether they are well formed, as the page's script asks them."""


def find() -> Path | None:
    """The first Chromium on PATH that runs and is new enough, or None."""
    return next((path for name in NAMES if (path := on_path(name)) and _is_new(path)), None)


def major_of(text: str) -> int | None:
    """156 of `Chromium 156.0.8078.79 built on Debian`, None where there is no such number."""
    numbers = [word.partition(".")[0] for word in text.split() if word[:1].isdigit()]
    return int(numbers[0]) if numbers and numbers[0].isdigit() else None


def _version_of(browser: Path) -> str:
    try:
        return subprocess.run(
            [browser, "--version"], capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _is_new(browser: Path) -> bool:
    return (major_of(_version_of(browser)) or 0) >= OLDEST


def _ready() -> str | None:
    browser = find()
    return f"{_version_of(browser)} of this machine" if browser else None


def _make() -> None:
    say("  installing the Debian package chromium (about 110 MB, once)")
    install_debian_package("chromium")


STEPS = (Step("browser", _ready, _make),)
