"""A virtual environment as a user has it: this package, what it needs, and nothing for our tests.

Each governed run digests every installed file, so a bench inside the development environment, which
has three times as many, would measure that environment.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
_WANTED = ("pulumi-mandate", "pytest", "web3")
"""The last two: the stages that the bench shares with the tests are made with them."""
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def make_environment(folder: Path) -> Path:
    """Copy what is installed here, without a download; its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    seen: set[str] = set()
    waiting = list(_WANTED)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name not in seen:
            seen.add(name)
            waiting += _copy(name, site)
    python = folder / "bin" / "python"
    # As pip does when it installs; our own folders lie in the checkout.
    own = [str(CHECKOUT / name) for name in ("provider", "components")]
    subprocess.run([str(python), "-m", "compileall", "-q", str(site), *own], check=False)
    return python


def _copy(name: str, site: Path) -> list[str]:
    """One distribution's files; the names of those it needs here."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return []  # for another platform or version of Python
    for file in found.files or []:
        source, target = Path(str(file.locate())), site / file
        if ".." not in file.parts and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return [
        match[0]
        for wanted in found.requires or []
        if "extra ==" not in wanted and (match := _NAME.match(wanted))
    ]
