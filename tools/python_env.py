"""The virtual environment: locked packages, each with its hash, and this package, editable."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.steps import ROOT, VENV, Step, StepFailed, digest_of, is_stamped, run, stamp

LOCK = ROOT / "requirements-dev.lock"
POLICY_LOCK = ROOT / "requirements-policy.lock"
"""Pulumi's policy SDK, for the tests. It asks for a protobuf that nothing else here can have, and
works with ours: so it is one package, without what it asks for."""
OLDEST = (3, 11)
APT_SECONDS = 300
PYTHON = VENV / "bin" / "python"


def pip_install(*arguments: str | Path) -> None:
    """`pip install` into the virtual environment. Raises StepFailed."""
    run(
        [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *arguments],
        hint="Is the package registry within reach?",
    )


def _digest() -> str:
    # What the environment was made with, not what runs this: whoever comes with another Python
    # must not make it anew under those who work in it.
    return digest_of([LOCK, VENV / "pyvenv.cfg"])


def _ready() -> str | None:
    if is_stamped("python", _digest()) and (version := _version()):
        return f"{version} in .venv"
    return None


def _version() -> str | None:
    try:
        return subprocess.run(
            [PYTHON, "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _make() -> None:
    if sys.version_info < OLDEST:
        raise StepFailed("Python 3.11 or newer is needed: `apt-get install python3`")
    if importlib.util.find_spec("ensurepip") is None:
        install_debian_package(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    # One that works is brought up to date and not made anew: somebody may be working in it.
    if _version() is None:
        run([sys.executable, "-m", "venv", "--clear", VENV])
    # The lock is the whole list. Left to look for what it needs by itself, pip meets `name[extra]`,
    # takes the newest release of that name, and refuses it for being in no lock.
    pip_install("--require-hashes", "--no-deps", "-r", LOCK)
    stamp("python", _digest())


def install_debian_package(name: str) -> None:
    """Raises StepFailed, with the command to type, where we may not install it ourselves."""
    may = os.geteuid() == 0
    if not may or shutil.which("apt-get") is None:
        raise StepFailed(f"the Debian package {name} is missing: `sudo apt-get install {name}`")
    # A machine that has just started may be installing something itself: its lock is waited for.
    wait = ["-o", f"DPkg::Lock::Timeout={APT_SECONDS}"]
    run(["apt-get", "update", "-qq", *wait])
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *wait, name])


def _package_digest() -> str:
    # The build backend lists the packages that it finds on the day of the installation.
    found = [*ROOT.glob("provider/*/__init__.py"), *ROOT.glob("components/*/__init__.py")]
    packages = sorted(path.parent.name for path in found)
    return digest_of([ROOT / "pyproject.toml"], _digest(), *packages)


def _package_ready() -> str | None:
    if (VENV / "bin" / "mandate").exists() and is_stamped("package", _package_digest()):
        return "pulumi-mandate, editable"
    return None


def _package_make() -> None:
    pip_install("--no-deps", "--no-build-isolation", "--no-index", "-e", ROOT)
    stamp("package", _package_digest())


def _policy_digest() -> str:
    return digest_of([POLICY_LOCK], _digest())


def _policy_ready() -> str | None:
    return "for policy packs" if is_stamped("policy", _policy_digest()) else None


def _policy_make() -> None:
    pip_install("--require-hashes", "--no-deps", "-r", POLICY_LOCK)
    stamp("policy", _policy_digest())


STEPS = (
    Step("Python packages", _ready, _make),
    Step("policy SDK", _policy_ready, _policy_make),
    Step("this package", _package_ready, _package_make),
)
