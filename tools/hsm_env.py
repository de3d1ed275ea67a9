"""SoftHSM, for the tests of keys on a token: the machine's own, else Debian's package.

Only `make test` needs it; `make demo` does without.
"""

from __future__ import annotations

from pathlib import Path

from tools.python_env import install_debian_package
from tools.steps import Step, on_path

FOLDERS = ("/usr/lib/softhsm", "/usr/local/lib/softhsm", "/opt/homebrew/lib/softhsm")


def module() -> Path | None:
    """The PKCS#11 module, or None."""
    found = (Path(folder, "libsofthsm2.so") for folder in FOLDERS)
    return next((path for path in found if path.exists()), None)


def _ready() -> str | None:
    return "SoftHSM 2" if module() and on_path("softhsm2-util") else None


def _make() -> None:
    install_debian_package("softhsm2")


STEPS = (Step("HSM", _ready, _make),)
