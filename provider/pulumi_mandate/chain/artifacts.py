"""ABI and bytecode of our contracts, from inside the package: a user needs no compiler.

What a contract is known by, on a chain and in this package, stands in one place: the release
manifest, which `contracts/tools/export --check` reproduces from the sources (audit/release.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Digest, digest, keccak

NAMES = {
    "registry": "PlanRegistry",
    "low_governor": "MandateGovernor",
    "standard_governor": "MandateGovernor",
    "critical_governor": "MandateGovernor",
    "token": "MandateToken",
    "access_manager": "AccessManager",
    "executor_registry": "ExecutorRegistry",
    "subjects": "SubjectConfigs",
    "obligations": "ObligationLedger",
    "attestations": "AttestationLog",
    "ballot_relay": "BallotRelay",
    "council": "Council",
    "emergency_gate": "EmergencyGate",
}
"""The trust file's word for a contract, and the contract's name."""


@dataclass(frozen=True)
class Artifact:
    """What the compiler made of one contract."""

    name: str
    abi: Abi
    bytecode: bytes = field(repr=False)
    """The creation code, without constructor arguments."""
    runtime_hash: Digest
    """Keccak of the deployed code, its immutables zero."""
    immutables: tuple[tuple[int, int], ...]
    """Where the deployed code holds values that its constructor chose: (start, length) in bytes."""

    def creation(self, *arguments: object) -> bytes:
        """Creation code and constructor arguments: the data of a deploying transaction."""
        return self.bytecode + self.abi.constructor_arguments(arguments)

    def is_runtime(self, code: bytes) -> bool:
        """Whether `code`, read from a chain, is this contract's, whatever its constructor chose."""
        masked = bytearray(code)
        for start, length in self.immutables:
            masked[start : start + length] = bytes(length)
        return len(masked) == len(code) and keccak(bytes(masked)) == self.runtime_hash


@cache
def manifest_bytes() -> bytes:
    """The release manifest as it was signed: its digest is Keccak of these bytes.

    Raises `UsageError` where the package lacks it.
    """
    return _packaged("manifest.json")


@cache
def artifact(name: str) -> Artifact:
    """An artifact by the contract's name.

    Raises `UsageError` where the package lacks it, or holds other code than its manifest says.
    """
    known = json.loads(manifest_bytes())["contracts"]
    content = json.loads(_packaged(f"{name}.json"))
    bytecode = bytes.fromhex(str(content["bytecode"]).removeprefix("0x"))
    if name not in known or keccak(bytecode) != digest(known[name]["bytecodeHash"]):
        raise UsageError(
            f"this package's {name} is not the one of its release manifest",
            meaning="The installation is damaged, or somebody changed it.",
            next_step="reinstall pulumi-mandate; in a checkout: `make contracts`",
        )
    return Artifact(
        name,
        Abi(content["abi"]),
        bytecode,
        digest(known[name]["deployedBytecodeHash"]),
        tuple((int(start), int(length)) for start, length in known[name]["immutables"]),
    )


def _packaged(file: str) -> bytes:
    try:
        return resources.files("pulumi_mandate").joinpath("_abi", file).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"this package holds no artifact of a contract called {file.removesuffix('.json')}",
            next_step="in a checkout: `make contracts`; otherwise reinstall pulumi-mandate",
        ) from error


@cache
def all_errors() -> Abi:
    """Every custom error of our contracts: a revert may come from one called within."""
    seen: dict[str, object] = {}
    for name in NAMES.values():
        for entry in artifact(name).abi.entries:
            if entry["type"] == "error":
                seen.setdefault(json.dumps(entry, sort_keys=True), entry)
    return Abi([entry for entry in seen.values() if isinstance(entry, dict)])
