"""Parts of Pulumi's AWS and Kubernetes SDKs, for the tests of resources that are not ours.

The wheels come by their hashes. Whole they are 335 MB in 15,000 files, which every run of the gate
would read: so the tests get the packages' own modules and those of `PARTS`, byte for byte, in a
wheel that says of itself which it holds. Nothing else here needs them.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tools.python_env import PYTHON, pip_install
from tools.steps import ROOT, VENV, Step, StepFailed, digest_of, is_stamped, run, stamp

LOCK = ROOT / "requirements-clouds.lock"
PARTS = {
    "pulumi_aws": ("config/", "s3/"),
    "pulumi_kubernetes": ("core/v1/", "meta/v1/"),
}
"""What each package keeps beside the modules at its top, and every `__init__` that those name."""


def _digest() -> str:
    return digest_of([LOCK, Path(__file__), VENV / "pyvenv.cfg"])


def _ready() -> str | None:
    return ", ".join(PARTS) + ": parts" if is_stamped("cloud SDKs", _digest()) else None


def _make() -> None:
    with tempfile.TemporaryDirectory(prefix="mandate-sdks-") as name:
        folder = Path(name)
        pip: list[str | Path] = [
            PYTHON,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
        ]
        run([*pip, "--require-hashes", "-r", LOCK, "-d", folder], hint="Is the registry in reach?")
        for wheel in sorted(folder.glob("*.whl")):
            part = part_of(wheel) if wheel.name.startswith(tuple(PARTS)) else wheel
            pip_install("--no-deps", "--no-index", "--force-reinstall", part)
    stamp("cloud SDKs", _digest())


def part_of(wheel: Path) -> Path:
    """Another wheel with the parts alone, of the same name. Raises `StepFailed`."""
    package = wheel.name.partition("-")[0]
    part = wheel.parent / "parts" / wheel.name
    part.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(part, "w") as made:
        kept = list(_kept(package, whole.namelist()))
        record = next((name for name in whole.namelist() if name.endswith("/RECORD")), None)
        if record is None or len(kept) < len(PARTS[package]):
            raise StepFailed(f"{wheel.name} is not built as it was")
        for name in kept:
            made.writestr(name, whole.read(name))
        lines = whole.read(record).decode().splitlines()
        wanted = {*kept, record}
        rows = [line for line in lines if line.rpartition(",")[0].rpartition(",")[0] in wanted]
        made.writestr(record, "\n".join([*rows, ""]))
    return part


def _kept(package: str, names: list[str]) -> Iterator[str]:
    for name in names:
        first, _, rest = name.partition("/")
        if first.endswith(".dist-info"):
            if not name.endswith("/RECORD"):
                yield name
        elif first == package:
            top = "/" not in rest or rest.endswith("/__init__.py")
            if top or rest.startswith(PARTS[package]):
                yield name


TEST_STEPS = (Step("cloud SDKs", _ready, _make),)
