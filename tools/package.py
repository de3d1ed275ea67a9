"""`make package`: the wheel works for a user who has Python and nothing else of ours.

Builds it, installs it with its locked dependencies into a fresh environment, and uses it there with
no Node, no Go and no Pulumi on PATH.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from tools.steps import ROOT, say

LOCK = ROOT / "requirements.lock"
# What a user must find in the wheel, beside the modules.
DATA = (
    "pulumi_mandate/py.typed",
    "pulumi_mandate/_abi/manifest.json",
    "pulumi_mandate/_abi/PlanRegistry.json",
    "pulumi_mandate/_abi/MandateGovernor.json",
    "pulumi_mandate/_abi/MandateToken.json",
    "pulumi_mandate/_abi/AccessManager.json",
    "pulumi_mandate/_abi/ExecutorRegistry.json",
    "pulumi_mandate/checks/default_rules.toml",
    "pulumi_mandate/console/static/constants.js",
    "pulumi_mandate/console/static/document.js",
    "pulumi_mandate/console/static/keccak.js",
    "pulumi_mandate/console/static/losses.js",
    "pulumi_mandate/console/static/page.css",
    "pulumi_mandate/console/static/page.html",
    "pulumi_mandate/console/static/page.js",
    "pulumi_mandate/console/static/protocol.js",
    "pulumi_mandate/console/static/verify.js",
    "pulumi_mandate/_stacks/governance/Pulumi.yaml",
    "pulumi_mandate/_stacks/governance/__main__.py",
    "pulumi_mandate/_stacks/governance/settings.py",
    "pulumi_mandate/_stacks/governance/wiring.py",
    "pulumi_mandate_components/py.typed",
)
# Read from the installed package: bytecode to deploy, and rules to judge by.
READ = """
from pulumi_mandate.chain.artifacts import artifact
from pulumi_mandate.checks.rules import Rules
names = "PlanRegistry MandateGovernor MandateToken AccessManager ExecutorRegistry"
names += " BallotRelay Council EmergencyGate"
for name in names.split():
    assert len(artifact(name).bytecode) > 1000, name
assert len(Rules.load().digest) == 32
"""
ENGINE_MISSING = 6


def build(folder: Path) -> Path:
    """Build the wheel into `folder`, from what is installed here: nothing is downloaded."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([*pip, *options, str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def missing(wheel: Path) -> list[str]:
    """The files that a user needs and the wheel does not hold."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    licence = any(name.endswith("/licenses/LICENSE") for name in names)
    return [name for name in DATA if name not in names] + ([] if licence else ["LICENSE"])


def bare_environment(python: Path, home: Path) -> dict[str, str]:
    """What the fresh installation runs in: its own commands on PATH, and no other."""
    return {"PATH": str(python.parent), "HOME": str(home), "LC_ALL": "C.UTF-8"}


def use(python: Path, home: Path) -> None:
    """Run the installed command as its user would.

    Raises:
        subprocess.CalledProcessError: it does not run.
        ValueError: `mandate doctor --json` does not print JSON, or does not miss Pulumi first.
    """
    environment = bare_environment(python, home)
    mandate = str(python.with_name("mandate"))
    subprocess.run(
        [mandate, "--help"], check=True, env=environment, cwd=home, stdout=subprocess.DEVNULL
    )
    # The doctor's exit code says that Pulumi and a chain are missing, as here they are.
    doctor = subprocess.run(
        [mandate, "doctor", "--json"], check=False, env=environment, cwd=home, capture_output=True
    )
    json.loads(doctor.stdout)
    if doctor.returncode != ENGINE_MISSING:
        raise ValueError(f"`mandate doctor` exited with {doctor.returncode}")
    subprocess.run([str(python), "-I", "-c", READ], check=True, env=environment, cwd=home)


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        if absent := missing(wheel):
            say(f"the wheel lacks {', '.join(absent)}")
            return 1
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / "bin" / "python"
        pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
        install = [*pip, "install", "--quiet"]
        # As the toolchain does: the lock is the whole list, and `pip check` says so.
        subprocess.run([*install, "--require-hashes", "--no-deps", "-r", str(LOCK)], check=True)
        subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True)
        subprocess.run([*pip, "check"], check=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
        home = folder / "home"
        home.mkdir()
        use(python, home)
        say(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, installed and used")
    return 0


if __name__ == "__main__":
    sys.exit(main())
