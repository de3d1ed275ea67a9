from __future__ import annotations

import pytest
from eth_abi.abi import encode

from pulumi_mandate.errors import UsageError
from pulumi_mandate.resources._abi_values import encode_values

PAIR = {
    "name": "pair",
    "type": "tuple[]",
    "components": [{"name": "who", "type": "address"}, {"name": "amount", "type": "uint256"}],
}
WHO = "0x4e59b44847b379578588920cA78FbF26c0B4956C"


@pytest.mark.parametrize(
    ("kind", "written", "meant"),
    [
        ("uint256", 5, 5),
        ("uint256", 5.0, 5),
        (
            "uint256",
            "115792089237316195423570985008687907853",
            115792089237316195423570985008687907853,
        ),
        ("int8", "-5", -5),
        ("bool", True, True),
        ("bytes4", "0x01020304", b"\x01\x02\x03\x04"),
        ("bytes", "0x", b""),
        ("string", "hé", "hé"),
        ("address", WHO.lower(), WHO),
        ("uint8[2][]", [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
    ],
)
def test_values_are_encoded_as_the_library_encodes_them(kind, written, meant):
    assert encode_values([{"name": "x", "type": kind}], [written]) == encode([kind], [meant])


def test_structs_are_mappings_by_solidity_name():
    written = [{"amount": "7", "who": WHO}]

    assert encode_values([PAIR], [written]) == encode(["(address,uint256)[]"], [[(WHO, 7)]])


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        ("uint256", 2**53, "x is not a whole number"),
        ("uint256", 0.5, "x is not a whole number"),
        ("uint256", True, "x is not a whole number"),
        ("uint256", "0x10", "x is not a whole number"),
        ("uint8", 256, "do not fit"),
        ("uint8", -1, "do not fit"),
        ("bool", 1, "x is not true or false"),
        ("bytes4", "01020304", "x is not 0x"),
        ("bytes4", "0x0102030405", "do not fit"),
        ("bytes4", "0x1", "x is not 0x"),
        ("address", "0x12", "x is not an address"),
        ("string", 1, "x is not text"),
        ("uint8[]", 1, "x is not a list"),
        ("uint8[]", [1, "a"], r"x\[1\] is not a whole number"),
        ("function", "0x", "cannot be written"),
    ],
)
def test_what_does_not_fit_is_named(kind, written, said):
    with pytest.raises(UsageError, match=said):
        encode_values([{"name": "x", "type": kind}], [written])


@pytest.mark.parametrize("written", [{"who": WHO}, {"who": WHO, "amount": 1, "more": 1}, [WHO, 1]])
def test_a_struct_has_exactly_its_members(written):
    with pytest.raises(UsageError, match=r"pair\[0\] is not an object"):
        encode_values([PAIR], [[written]])


def test_the_number_of_values_must_fit():
    with pytest.raises(UsageError, match="1 values are needed, not 2"):
        encode_values([PAIR], [[], []])
