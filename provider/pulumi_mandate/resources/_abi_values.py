"""ABI values as a Pulumi program writes them, and as the encoder wants them.

On Pulumi's wire a number is a double, so whole numbers beyond 2^53 - 1 are written as decimal text;
bytes are `0x` and hex; structs are mappings by Solidity name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulumi_mandate.chain.abi import Entry, encode_arguments
from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import checksum

LARGEST_INTEGER = 2**53 - 1


def encode_values(parameters: Sequence[Entry], values: Sequence[Any]) -> bytes:
    """ABI encoding of a parameter list. Raises `UsageError` naming the value that is wrong."""
    ready = abi_values(parameters, values)
    try:
        return encode_arguments(parameters, ready)
    except Exception as error:  # eth_abi has many kinds; their texts quote values
        raise UsageError(f"the values do not fit their types ({type(error).__name__})") from None


def abi_values(parameters: Sequence[Entry], values: Sequence[Any]) -> list[Any]:
    """The values ready for the encoder. Raises `UsageError`."""
    if len(parameters) != len(values):
        raise UsageError(f"{len(parameters)} values are needed, not {len(values)}")
    pairs = enumerate(zip(parameters, values, strict=True))
    return [abi_value(one, value, one.get("name") or f"value {i}") for i, (one, value) in pairs]


def abi_value(parameter: Entry, value: Any, where: str) -> Any:
    """One value ready for the encoder; `where` names it in errors. Raises `UsageError`."""
    kind = str(parameter["type"])
    if kind.endswith("]"):
        return _items(parameter, value, where)
    if kind == "tuple":
        return _struct(parameter, value, where)
    for prefix, convert in _SCALARS:
        if kind.startswith(prefix):
            return convert(value, where)
    raise UsageError(f"{where} has the type {kind}, which cannot be written in a program")


def _items(parameter: Entry, value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UsageError(f"{where} is not a list")
    kind = str(parameter["type"])
    item = {**parameter, "type": kind[: kind.rindex("[")]}
    return [abi_value(item, one, f"{where}[{i}]") for i, one in enumerate(value)]


def _struct(parameter: Entry, value: Any, where: str) -> dict[str, Any]:
    names = [component["name"] for component in parameter["components"]]
    if not isinstance(value, Mapping) or set(value) != set(names):
        raise UsageError(f"{where} is not an object with exactly {', '.join(names)}")
    return {c["name"]: abi_value(c, value[c["name"]], f"{where}.{c['name']}")
            for c in parameter["components"]}  # fmt: skip


def _whole(value: Any, where: str) -> int:
    if isinstance(value, str) and value.removeprefix("-").isdecimal() and value.isascii():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is int and abs(value) <= LARGEST_INTEGER:
        return value
    raise UsageError(
        f"{where} is not a whole number", meaning="Beyond 2^53 - 1 write it as decimal text."
    )


def _bytes(value: Any, where: str) -> bytes:
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return bytes.fromhex(value[2:])
    except ValueError:
        pass
    raise UsageError(f"{where} is not 0x and hex digits")


def _address(value: Any, where: str) -> str:
    try:
        return checksum(value)
    except (ValueError, TypeError, AttributeError):
        raise UsageError(f"{where} is not an address") from None


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where} is not text")
    return value


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{where} is not true or false")
    return value


_SCALARS: tuple[tuple[str, Callable[[Any, str], Any]], ...] = (
    ("uint", _whole),
    ("int", _whole),
    ("bytes", _bytes),
    ("address", _address),
    ("bool", _truth),
    ("string", _text),
)
