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
from typing import Any

import pulumi
from pulumi import dynamic

from pulumi_mandate.chain.abi import checksum
from pulumi_mandate.chain.artifacts import Artifact, artifact
from pulumi_mandate.errors import ChainError, ContractRefused, UsageError
from pulumi_mandate.models import Address, keccak, to_hex

from ._abi_values import abi_values
from ._deployer import DeployChain, Deployer
from ._values import holds_unknown, plain

DEPLOYMENT_PROXY = Address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
"""Takes salt ++ creation code, does CREATE2; the same on every chain that has it."""
NO_SALT = "0x" + "00" * 32
INPUTS = ("artifact", "arguments", "salt", "bytecode_digest", "address")


def create2_address(salt: bytes, creation: bytes) -> Address:
    """Where the proxy puts `creation` under `salt` (32 bytes)."""
    proxy = bytes.fromhex(DEPLOYMENT_PROXY[2:])
    return checksum(to_hex(keccak(b"\xff" + proxy + salt + keccak(creation))[12:]))


class EvmContractProvider(dynamic.ResourceProvider):
    """Check, diff, create, read and delete. There is no update: other code is another contract."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Add what the program cannot know: which bytecode the name means, and the address."""
        inputs = plain(news)
        inputs.setdefault("arguments", [])
        inputs.setdefault("salt", NO_SALT)
        try:
            contract = artifact(inputs["artifact"])
            inputs["bytecode_digest"] = to_hex(keccak(contract.bytecode))
            if not holds_unknown(inputs):
                salt, creation = _creation(inputs, contract)
                inputs["address"] = create2_address(salt, creation)
        except UsageError as error:
            failure = dynamic.CheckFailure(
                "arguments", f"{error.happened}. {error.meaning}".strip()
            )
            return dynamic.CheckResult(inputs, [failure])
        return dynamic.CheckResult(inputs, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        olds, news = plain(_olds), plain(_news)
        changed = [name for name in INPUTS if olds.get(name) != news.get(name)]
        return dynamic.DiffResult(changes=bool(changed), replaces=changed)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Deploy, unless the very same contract is there already; then check what is there."""
        inputs = plain(props)
        contract, deployer = artifact(inputs["artifact"]), Deployer.from_environment()
        _check_bytecode(inputs, contract)
        salt, creation = _creation(inputs, contract)
        address = create2_address(salt, creation)
        if address != inputs["address"]:
            raise ChainError(f"{contract.name} would be at {address}, not at {inputs['address']}")
        sent = {"transaction": "", "block": 0}
        if not deployer.chain.code(address):
            sent = _deploy(deployer, contract, salt, creation)
        code = _verified_code(deployer.chain, contract, address)
        return dynamic.CreateResult(address, inputs | sent | {"code_hash": to_hex(keccak(code))})

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Gone, unchanged, or an error: code never changes, so other code is somebody's lie."""
        known = plain(props)
        code = DeployChain.from_environment().code(Address(id_))
        if not code:
            return dynamic.ReadResult("", {})
        found = to_hex(keccak(code))
        if known.get("code_hash", found) != found:
            raise ChainError(
                f"the code at {id_} is not the code that was deployed there",
                meaning="An endpoint lies, or this is another chain with the same id.",
                next_step="check MANDATE_DEPLOY_RPC before anything else",
            )
        return dynamic.ReadResult(id_, known | {"code_hash": found})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Forget it. A contract cannot be deleted, and whoever reads the log should know."""
        print(
            f"{_id} stays on the chain: a contract is immutable, only this stack forgets it",
            file=sys.stderr,
        )


class EvmContract(dynamic.Resource, module="mandate", name="EvmContract"):
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


def _check_bytecode(inputs: Mapping[str, Any], contract: Artifact) -> None:
    """What is deployed is what was planned, even if the package was exchanged in between."""
    found = to_hex(keccak(contract.bytecode))
    if found != inputs["bytecode_digest"]:
        raise UsageError(
            f"this package's {contract.name} is not the one that was planned",
            meaning=f"Planned {inputs['bytecode_digest']}, here is {found}.",
            next_step="install the version that the plan was made with, or make a new plan",
        )


def _deploy(deployer: Deployer, contract: Artifact, salt: bytes, creation: bytes) -> dict[str, Any]:
    if not deployer.chain.code(DEPLOYMENT_PROXY):
        raise ChainError(
            f"this chain has no deployment proxy at {DEPLOYMENT_PROXY}",
            meaning="Without it no address could be known before the deployment.",
            next_step="have it deployed by the presigned transaction of its repository",
        )
    doing = f"the deployment of {contract.name}"
    try:
        receipt = deployer.send(DEPLOYMENT_PROXY, salt + creation, doing, contract.abi)
    except ContractRefused:
        # The proxy swallows the constructor's reason; asked directly, the constructor gives it.
        deployer.chain.simulate(DEPLOYMENT_PROXY, creation, contract.abi)
        raise
    return {"transaction": to_hex(receipt.transaction), "block": receipt.block.number}


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
