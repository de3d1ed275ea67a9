"""ABI and bytecode of our contracts, from inside the package: a user needs no compiler."""

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
    "governor": "MandateGovernor",
    "token": "MandateToken",
    "access_manager": "AccessManager",
    "executor_registry": "ExecutorRegistry",
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
def artifact(name: str) -> Artifact:
    """An artifact by the contract's name. Raises `UsageError` where the package lacks it."""
    file = resources.files("pulumi_mandate").joinpath("_abi", f"{name}.json")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"this package holds no artifact of a contract called {name}",
            next_step="in a checkout: `make contracts`; otherwise reinstall pulumi-mandate",
        ) from error
    code = str(content["bytecode"])
    return Artifact(
        name,
        Abi(content["abi"]),
        bytes.fromhex(code.removeprefix("0x")),
        digest(content["deployedBytecodeHash"]),
        tuple((int(start), int(length)) for start, length in content["immutables"]),
    )


@cache
def all_errors() -> Abi:
    """Every custom error of our contracts: a revert may come from one called within."""
    seen: dict[str, object] = {}
    for name in NAMES.values():
        for entry in artifact(name).abi.entries:
            if entry["type"] == "error":
                seen.setdefault(json.dumps(entry, sort_keys=True), entry)
    return Abi([entry for entry in seen.values() if isinstance(entry, dict)])
