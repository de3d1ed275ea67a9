"""Our encoder against web3's, over the real ABIs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web3 import Web3

from pulumi_mandate.chain.abi import Abi, encode_arguments, signature
from pulumi_mandate.chain.artifacts import NAMES, all_errors, artifact
from pulumi_mandate.errors import UsageError
from pulumi_mandate.governance.registry import solidity
from pulumi_mandate.models import (
    ExecutionOrder,
    Kind,
    Outcome,
    OutcomeKind,
    Plan,
    Tier,
    checksum,
    keccak,
)

ADDRESS = st.binary(min_size=20, max_size=20).map(lambda raw: checksum("0x" + raw.hex()))


PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "address": ADDRESS,
    "bool": st.booleans(),
    "string": st.text(max_size=40),
    "bytes": st.binary(max_size=70),
}


def values_of(parameter: Any) -> st.SearchStrategy[Any]:
    """Any value of an ABI parameter."""
    kind = parameter["type"]
    if kind.endswith("]"):
        item = {**parameter, "type": kind[: kind.rindex("[")]}
        return st.lists(values_of(item), max_size=3)
    if kind == "tuple":
        return st.tuples(*[values_of(c) for c in parameter["components"]])
    if kind in PLAIN:
        return PLAIN[kind]
    if kind.startswith("bytes"):
        size = int(kind[5:])
        return st.binary(min_size=size, max_size=size)
    return st.integers(0, 2 ** int(kind.removeprefix("uint")) - 1)


FUNCTIONS = [
    (name, signature(entry))
    for name in dict.fromkeys(NAMES.values())
    for entry in artifact(name).abi.entries
    if entry["type"] == "function"
]


@pytest.mark.parametrize(
    ("contract", "function"), FUNCTIONS, ids=[f"{c}.{f}" for c, f in FUNCTIONS]
)
def test_every_call_is_encoded_as_web3_encodes_it(contract: str, function: str) -> None:
    abi = artifact(contract).abi
    entry = abi.function(function)
    other = Web3().eth.contract(abi=list(abi.entries))

    @settings(max_examples=5, deadline=None)
    @given(st.tuples(*[values_of(p) for p in entry["inputs"]]))
    def check(arguments: tuple[Any, ...]) -> None:
        ours = abi.encode_call(function, arguments)

        assert "0x" + ours.hex() == other.encode_abi(function, list(arguments))

    check()


def test_a_struct_may_be_given_by_name_and_must_be_whole() -> None:
    abi = artifact("PlanRegistry").abi
    outcome = Outcome(keccak(b"run"), OutcomeKind.FAILED, keccak(b"r"), keccak(b"s"), 3)
    named = solidity(outcome)

    by_name = abi.encode_call("fail", [keccak(b"plan"), named, b"signature"])

    members = dataclasses.astuple(outcome)
    in_order = abi.encode_call("fail", [keccak(b"plan"), members, b"signature"])
    assert by_name == in_order
    del named["postState"]
    with pytest.raises(ValueError, match="has exactly"):
        abi.encode_call("fail", [keccak(b"plan"), named, b"signature"])


def test_our_messages_have_the_members_of_the_contract() -> None:
    """A member renamed on one side only would be signed and never accepted."""
    abi = artifact("PlanRegistry").abi
    plan, order, _ = abi.function("begin")["inputs"]
    for value, parameter in ((Plan, plan), (ExecutionOrder, order)):
        fields = [field.name for field in dataclasses.fields(value)]
        camel = [name.replace("_", "") for name in fields]
        assert camel == [component["name"].lower() for component in parameter["components"]]


def test_calls_logs_and_errors_are_decoded_by_name() -> None:
    abi = artifact("PlanRegistry").abi
    call = abi.encode_call("approveMedium", [keccak(b"plan")])
    assert abi.decode_call(call) == ("approveMedium", {"planHash": keccak(b"plan")})
    assert abi.decode_call(b"\0\0\0\0") is None

    topics = [abi.event_topic("Approved"), keccak(b"plan")]
    data = encode_arguments(
        [{"type": "uint8"}, {"type": "uint64"}, {"type": "uint64"}], [int(Tier.HIGH), 5, 9]
    )
    assert abi.decode_log(topics, data) == (
        "Approved",
        {"planHash": keccak(b"plan"), "tier": 3, "approvedAt": 5, "expiresAt": 9},
    )
    assert abi.decode_log([keccak(b"another")], b"") is None
    assert abi.decode_log([], b"") is None

    name, arguments = all_errors().decode_error(
        keccak(b"PlanRegistryForbiddenKinds(uint32,uint32)")[:4]
        + (1 << Kind.ABANDON).to_bytes(32)
        + (0xCF).to_bytes(32)
    ) or ("", {})
    assert (name, arguments) == ("PlanRegistryForbiddenKinds", {"kinds": 16, "allowed": 0xCF})


@pytest.mark.parametrize("value", [b"\1" * 31, b"\1" * 33, "0x" + "11" * 32, "1" * 32])
def test_a_value_of_the_wrong_shape_is_refused_not_padded(value: Any) -> None:
    with pytest.raises(Exception, match=r"cannot be encoded|has 32 bytes"):
        artifact("PlanRegistry").abi.encode_call("approveMedium", [value])


def test_an_unknown_function_or_count_is_refused() -> None:
    abi = artifact("PlanRegistry").abi
    with pytest.raises(KeyError, match="0 functions"):
        abi.encode_call("approveEverything", [])
    with pytest.raises(KeyError, match="2 functions"):
        artifact("MandateGovernor").abi.encode_call("quorumNumerator", [])
    with pytest.raises(ValueError, match="1 arguments are needed"):
        abi.encode_call("approveMedium", [])
    with pytest.raises(KeyError, match="0 events"):
        abi.event_topic("Nothing")


@given(st.binary(min_size=20, max_size=20))
def test_checksums_are_web3s(raw: bytes) -> None:
    assert checksum("0x" + raw.hex().upper()) == Web3.to_checksum_address(raw)


@pytest.mark.parametrize("text", ["", "0x", "0x" + "1" * 39, "0x" + "1" * 41, "0x" + "g" * 40])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|hex"):
        checksum(text)


def test_an_artifact_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match="no artifact of a contract called Nothing"):
        artifact("Nothing")


def test_nested_arrays_of_structs_survive() -> None:
    entry = {
        "type": "function",
        "name": "f",
        "inputs": [
            {
                "name": "rows",
                "type": "tuple[][2]",
                "components": [
                    {"name": "who", "type": "address"},
                    {
                        "name": "inner",
                        "type": "tuple",
                        "components": [{"name": "n", "type": "uint8"}],
                    },
                ],
            }
        ],
        "outputs": [],
    }
    entry["outputs"] = entry["inputs"]
    abi = Abi([entry])
    rows = [[{"who": checksum("0x" + "ab" * 20), "inner": {"n": 7}}], []]

    encoded = abi.encode_call("f", [rows])

    assert abi.decode_result("f", encoded[4:]) == rows
