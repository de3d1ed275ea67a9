"""`EvmContract`: a contract of this package at an address that is known before it exists.

Deployed with CREATE2 through the deterministic deployment proxy, so the address follows from the
creation code, the constructor's arguments and a salt alone: the plan that people vote on names it,
and the same plan gives the same address on every chain.
Sources: https://eips.ethereum.org/EIPS/eip-1014,
https://github.com/Arachnid/deterministic-deployment-proxy
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pulumi
from pydantic import Field

from pulumi_mandate.chain.artifacts import Artifact, artifact
from pulumi_mandate.errors import ChainError, ContractRefused, UsageError
from pulumi_mandate.models import Address, checksum, keccak, to_hex

from ._abi_values import abi_values
from ._deployer import DeployChain, Deployer
from ._permit import Permit
from ._values import holds_unknown, unknown
from .governed import (
    IDENTITY,
    Found,
    GovernedInputs,
    GovernedOutputs,
    GovernedProvider,
    GovernedResource,
)

DEPLOYMENT_PROXY = Address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
"""Takes salt ++ creation code, does CREATE2; the same on every chain that has it."""
NO_SALT = "0x" + "00" * 32


def create2_address(salt: bytes, creation: bytes) -> Address:
    """Where the proxy puts `creation` under `salt` (32 bytes)."""
    proxy = bytes.fromhex(DEPLOYMENT_PROXY[2:])
    return checksum(to_hex(keccak(b"\xff" + proxy + salt + keccak(creation))[12:]))


class EvmContractInputs(GovernedInputs):
    """What a plan shows of a contract; the last two follow from the others."""

    artifact: str
    arguments: list[Any] = Field(default_factory=list)
    salt: str = NO_SALT
    bytecode_digest: str
    address: str


class EvmContractOutputs(GovernedOutputs):
    """What the chain adds."""

    code_hash: str
    transaction: str
    block: int


class EvmContractProvider(GovernedProvider[EvmContractInputs, EvmContractOutputs]):
    """Create, read and delete. There is no update: other code is another contract.

    A repeated deployment finds the contract at its address, so it needs no token.
    """

    model = EvmContractInputs
    replaced_by: ClassVar[frozenset[str]] = frozenset(EvmContractInputs.model_fields) - {IDENTITY}
    blamed = "arguments"

    def complete(self, olds: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        """Add what the program cannot know: which bytecode the name means, and the address."""
        if not isinstance(given.get("artifact"), str):
            return given | {"bytecode_digest": unknown(), "address": unknown()}
        contract = artifact(given["artifact"])
        digest = to_hex(keccak(contract.bytecode))
        if holds_unknown(given):
            # the address, too, is unknown until the arguments are
            return given | {"bytecode_digest": digest, "address": unknown()}
        salt, creation = _creation(given, contract)
        return given | {"bytecode_digest": digest, "address": create2_address(salt, creation)}

    def make(self, inputs: EvmContractInputs, permit: Permit) -> tuple[str, EvmContractOutputs]:
        """Deploy, unless the very same contract is there already; then check what is there."""
        contract, deployer = artifact(inputs.artifact), Deployer.from_environment()
        _check_bytecode(inputs, contract)
        salt, creation = _creation(inputs.model_dump(), contract)
        address = create2_address(salt, creation)
        if address != inputs.address:
            raise ChainError(f"{contract.name} would be at {address}, not at {inputs.address}")
        transaction, block = "", 0
        if not deployer.chain.code(address):
            transaction, block = _deploy(deployer, contract, salt, creation)
        code = _verified_code(deployer.chain, contract, address)
        return address, EvmContractOutputs(
            code_hash=to_hex(keccak(code)), transaction=transaction, block=block
        )

    def look(self, id_: str, state: Mapping[str, Any]) -> Found[EvmContractOutputs] | None:
        """Gone, unchanged, or an error: code never changes, so other code is somebody's lie."""
        code = DeployChain.from_environment().code(Address(id_))
        if not code:
            return None
        found = to_hex(keccak(code))
        if state.get("code_hash", found) != found:
            raise ChainError(
                f"the code at {id_} is not the code that was deployed there",
                meaning="An endpoint lies, or this is another chain with the same id.",
                next_step="check MANDATE_DEPLOY_RPC before anything else",
            )
        outputs = EvmContractOutputs(
            code_hash=found,
            transaction=state.get("transaction", ""),
            block=state.get("block", 0),
        )
        return Found(
            {name: state[name] for name in self.model.model_fields if name in state}, outputs
        )

    def change(
        self, id_: str, old: Mapping[str, Any], inputs: EvmContractInputs, permit: Permit
    ) -> EvmContractOutputs:
        raise UsageError("a contract is never changed in place")

    def remove(self, id_: str, state: Mapping[str, Any], permit: Permit) -> None:
        """Forget it. A contract cannot be deleted, and whoever reads the log should know."""
        print(
            f"{id_} stays on the chain: a contract is immutable, only this stack forgets it",
            file=sys.stderr,
        )


class EvmContract(GovernedResource, module="mandate", name="EvmContract"):
    """A deployed contract.

    `artifact`: a contract of this package, by name. `arguments`: the constructor's; whole numbers
    beyond 2^53 - 1 as decimal text, bytes as 0x and hex, structs as mappings by Solidity name.
    `salt`: 32 bytes as 0x and hex, to deploy the same code twice.
    """

    address: pulumi.Output[str]
    """Known in the preview already where the arguments are."""
    bytecode_digest: pulumi.Output[str]
    """Keccak of the creation code without arguments: which build was meant."""
    code_hash: pulumi.Output[str]
    """Keccak of the code that was found on the chain."""
    transaction: pulumi.Output[str]
    """Empty where the contract was there already."""
    block: pulumi.Output[int]
    """Where it was deployed; 0 where the contract was there already."""

    def __init__(
        self,
        name: str,
        *,
        artifact: pulumi.Input[str],
        arguments: pulumi.Input[Sequence[Any]] | None = None,
        salt: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props: dict[str, Any] = {
            "artifact": artifact,
            "arguments": [] if arguments is None else arguments,
            "salt": NO_SALT if salt is None else salt,
        }
        computed = ["address", "bytecode_digest", "code_hash", "transaction", "block"]
        super().__init__(EvmContractProvider(), name, props | dict.fromkeys(computed), opts)


def _creation(inputs: Mapping[str, Any], contract: Artifact) -> tuple[bytes, bytes]:
    salt = _salt(inputs["salt"])
    constructors = [entry for entry in contract.abi.entries if entry["type"] == "constructor"]
    parameters = constructors[0]["inputs"] if constructors else []
    return salt, contract.creation(*abi_values(parameters, inputs["arguments"]))


def _salt(text: Any) -> bytes:
    try:
        salt = bytes.fromhex(str(text).removeprefix("0x"))
    except ValueError:
        salt = b""
    if len(salt) != 32 or not str(text).startswith("0x"):
        raise UsageError("salt is not 0x and 64 hex digits")
    return salt


def _check_bytecode(inputs: EvmContractInputs, contract: Artifact) -> None:
    """What is deployed is what was planned, even if the package was exchanged in between."""
    found = to_hex(keccak(contract.bytecode))
    if found != inputs.bytecode_digest:
        raise UsageError(
            f"this package's {contract.name} is not the one that was planned",
            meaning=f"Planned {inputs.bytecode_digest}, here is {found}.",
            next_step="install the version that the plan was made with, or make a new plan",
        )


def _deploy(
    deployer: Deployer, contract: Artifact, salt: bytes, creation: bytes
) -> tuple[str, int]:
    if not deployer.chain.code(DEPLOYMENT_PROXY):
        raise ChainError(
            f"this chain has no deployment proxy at {DEPLOYMENT_PROXY}",
            meaning="Without it no address could be known before the deployment.",
            next_step="have it deployed by the presigned transaction of its repository",
        )
    doing = f"the deployment of {contract.name}"
    try:
        receipt = deployer.send_unless(
            lambda: bool(deployer.chain.code(create2_address(salt, creation))),
            DEPLOYMENT_PROXY,
            salt + creation,
            doing=doing,
            abi=contract.abi,
        )
    except ContractRefused:
        # The proxy swallows the constructor's reason; asked directly, the constructor gives it.
        deployer.chain.simulate(DEPLOYMENT_PROXY, creation, contract.abi)
        raise
    if receipt is None:  # an attempt that was cut off had sent it
        return "", 0
    return to_hex(receipt.transaction), receipt.block.number


def _verified_code(chain: DeployChain, contract: Artifact, address: Address) -> bytes:
    code = chain.code(address)
    if not contract.is_runtime(code):
        raise ChainError(
            f"what is at {address} is not the code of {contract.name}",
            meaning="The address follows from the creation code, so an endpoint lies or the "
            "package's artifact is damaged.",
            next_step="check MANDATE_DEPLOY_RPC; reinstall pulumi-mandate",
        )
    return code
