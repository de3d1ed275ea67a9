"""`EvmCall`: one transaction to a contract, and the fact that must hold afterwards.

The fact is a view call and its answer. Where it holds already nothing is sent, so an interrupted
deployment can be repeated; where a later refresh finds that it holds no longer, the next update
sends the transaction again. A step that is only needed for a while (a scaffold) also names the fact
that makes it needless: where that holds nothing is sent either.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pulumi
from pydantic import Field

from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.chain.artifacts import artifact
from pulumi_mandate.errors import ChainError, UsageError
from pulumi_mandate.models import Address, checksum, to_hex

from ._abi_values import abi_values, encode_values
from ._deployer import DeployChain, Deployer
from ._permit import Permit
from ._values import holds_unknown, is_unknown, unknown
from .governed import (
    Found,
    GovernedInputs,
    GovernedOutputs,
    GovernedProvider,
    GovernedResource,
    dumped,
)

_FACTS = ("expect", "unless")
_FACT_FIELDS = frozenset({"contract", "artifact", "function", "arguments", "equals"})


class EvmCallInputs(GovernedInputs):
    """What a plan shows of a call. The bytes that are sent follow from the rest."""

    contract: str
    artifact: str
    function: str
    arguments: list[Any] = Field(default_factory=list)
    expect: dict[str, Any]
    unless: dict[str, Any] | None = None
    calldata: str


class EvmCallOutputs(GovernedOutputs):
    """What the chain adds."""

    transaction: str
    holds: bool


class EvmCallProvider(GovernedProvider[EvmCallInputs, EvmCallOutputs]):
    """A call with a read-back. The fact is the token: where it holds, nothing is sent again."""

    model = EvmCallInputs
    replaced_by: ClassVar[frozenset[str]] = frozenset({"contract"})
    blamed = "arguments"

    def complete(self, olds: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        """Add the calldata, so that voters see the bytes; find what could never be encoded."""
        given |= {name: _complete(given, name) for name in _FACTS if name in given}
        if "expect" not in given:
            raise UsageError("expect is missing: what should be true afterwards?")
        if holds_unknown(given):
            return given | {"calldata": unknown()}
        for name in _FACTS:
            _check_fact(given.get(name), name)
        return given | {"calldata": to_hex(_calldata(given))}

    def needs_repair(self, state: Mapping[str, Any]) -> bool:
        """A refresh found it undone."""
        return state.get("holds") is False

    def make(self, inputs: EvmCallInputs, permit: Permit) -> tuple[str, EvmCallOutputs]:
        return f"{inputs.contract}/{inputs.function}", _ensure(dumped(inputs))

    def change(
        self, id_: str, old: Mapping[str, Any], inputs: EvmCallInputs, permit: Permit
    ) -> EvmCallOutputs:
        return _ensure(dumped(inputs))

    def look(self, id_: str, state: Mapping[str, Any]) -> Found[EvmCallOutputs] | None:
        chain, target = DeployChain.from_environment(), state["expect"]["contract"]
        if not chain.code(Address(target)):
            return None
        outputs = EvmCallOutputs(
            transaction=state.get("transaction", ""), holds=_holds(chain, state)
        )
        return Found(
            {name: state[name] for name in self.model.model_fields if name in state}, outputs
        )

    def remove(self, id_: str, state: Mapping[str, Any], permit: Permit) -> None:
        """Forget it. What a transaction did stays done, and whoever reads the log should know."""
        print(
            f"{id_} stays done: a transaction is not undone, only this stack forgets it",
            file=sys.stderr,
        )


class EvmCall(GovernedResource, module="mandate", name="EvmCall"):
    """A call that makes something true.

    `contract`: address. `artifact`: whose interface it has, a contract of this package by name.
    `expect`: `{"function", "arguments", "equals"}`, a view call and its answer (a list where it
    returns more than one value); `contract` and `artifact` in it name another contract to ask.
    `unless`: the same, for a fact that makes the call needless. Values are written as for
    `EvmContract`.
    """

    transaction: pulumi.Output[str]
    """Empty where it was true already."""
    holds: pulumi.Output[bool]

    def __init__(  # noqa: PLR0913  # a call has these parts
        self,
        name: str,
        *,
        contract: pulumi.Input[str],
        artifact: pulumi.Input[str],
        function: pulumi.Input[str],
        expect: pulumi.Input[Mapping[str, Any]],
        arguments: pulumi.Input[Sequence[Any]] | None = None,
        unless: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props: dict[str, Any] = {
            "contract": contract,
            "artifact": artifact,
            "function": function,
            "arguments": [] if arguments is None else arguments,
            "expect": expect,
            "unless": unless,
        }
        computed = ["calldata", "transaction", "holds"]
        super().__init__(EvmCallProvider(), name, props | dict.fromkeys(computed), opts)


def _ensure(inputs: Mapping[str, Any]) -> EvmCallOutputs:
    deployer = Deployer.from_environment()
    doing, sent = f"{inputs['artifact']}.{inputs['function']}", ""
    if not _holds(deployer.chain, inputs):
        data = _calldata(inputs)
        if to_hex(data) != inputs["calldata"]:
            raise UsageError(
                f"this package's interface of {doing} is not the one that was planned",
                next_step="install the version that the plan was made with, or make a new plan",
            )
        receipt = deployer.send_unless(
            lambda: _holds(deployer.chain, inputs),
            Address(inputs["contract"]),
            data,
            doing=doing,
            abi=_abi(inputs),
        )
        sent = to_hex(receipt.transaction) if receipt else ""
        if not _holds(deployer.chain, inputs):
            raise ChainError(
                f"{doing} was mined, and what it should make true is not",
                meaning=f"{inputs['expect']['function']} answers something else than expected.",
                next_step="correct `expect` or `arguments`; nothing is sent twice meanwhile",
            )
    return EvmCallOutputs(transaction=sent, holds=True)


def _holds(chain: DeployChain, inputs: Mapping[str, Any]) -> bool:
    facts = [inputs[name] for name in _FACTS if name in inputs]
    return any(_is_true(chain, fact) for fact in facts)


def _is_true(chain: DeployChain, fact: Mapping[str, Any]) -> bool:
    return chain.view(Address(fact["contract"]), _calldata(fact), _abi(fact)) == _answer(fact)


def _complete(inputs: Mapping[str, Any], name: str) -> Any:
    """A fact with its contract and interface filled in."""
    fact = inputs[name]
    if is_unknown(fact):
        return fact
    if not isinstance(fact, dict) or not {"function", "equals"} <= set(fact) <= _FACT_FIELDS:
        raise UsageError(f"{name} is not an object with `function`, `arguments` and `equals`")
    defaults = {"contract": inputs.get("contract"), "artifact": inputs.get("artifact")}
    return defaults | {"arguments": []} | fact


def _check_fact(fact: Mapping[str, Any] | None, name: str) -> None:
    if fact is None:
        return
    try:
        _calldata(fact), _answer(fact)
    except UsageError as error:
        raise UsageError(f"{name}: {error.happened}", meaning=error.meaning) from None


def _abi(where: Mapping[str, Any]) -> Abi:
    return artifact(where["artifact"]).abi


def _entry(where: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        checksum(where["contract"])
        return _abi(where).function(where["function"])
    except KeyError as error:
        raise UsageError(f"{where['artifact']}: {error.args[0]}") from None
    except (ValueError, TypeError):
        raise UsageError("contract is not an address") from None


def _calldata(where: Mapping[str, Any]) -> bytes:
    inputs = _entry(where)["inputs"]
    return _abi(where).encode_call(where["function"], abi_values(inputs, where["arguments"]))


def _answer(fact: Mapping[str, Any]) -> bytes:
    """The answer as the chain would encode it: two equal answers are equal bytes."""
    outputs = _entry(fact)["outputs"]
    values = [fact["equals"]] if len(outputs) == 1 else fact["equals"]
    if not isinstance(values, list):
        raise UsageError(f"equals is not a list of {len(outputs)} values")
    return encode_values(outputs, values)
