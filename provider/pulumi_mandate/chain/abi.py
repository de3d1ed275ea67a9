"""Contract calls, logs and reverts as bytes and back, from an ABI. No I/O.

web3 does this too, but importing it takes 0.8 s and 64 MB, which every `mandate` command and every
hook process would pay; eth_abi alone does the encoding, and tests compare us with web3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pulumi_mandate.models import checksum, keccak

Entry = Mapping[str, Any]
"""One element of a JSON ABI, as the compiler writes it."""

_ERROR_STRING: Entry = {
    "type": "error",
    "name": "Error",
    "inputs": [{"name": "", "type": "string"}],
}
_PANIC: Entry = {"type": "error", "name": "Panic", "inputs": [{"name": "", "type": "uint256"}]}


@dataclass(frozen=True)
class Abi:
    """One contract's interface. Overloaded functions are addressed by full signature."""

    entries: Sequence[Entry] = field(repr=False)

    def encode_call(self, function: str, arguments: Sequence[Any]) -> bytes:
        """Selector and arguments. Structs may be mappings by Solidity name, or sequences.

        Raises `KeyError` for an unknown function and eth_abi's `EncodingError` for a bad value.
        """
        entry = self.function(function)
        return _selector(entry) + encode_arguments(entry["inputs"], arguments)

    def decode_call(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Name and arguments of a call; None where the ABI does not know its selector.

        Raises eth_abi's `DecodingError` for arguments that are not of the function's types.
        """
        entry = self._functions_by_selector.get(bytes(data[:4]))
        if entry is None:
            return None
        names = [p["name"] for p in entry["inputs"]]
        return str(entry["name"]), dict(zip(names, _decode(entry["inputs"], data[4:]), strict=True))

    def decode_result(self, function: str, data: bytes) -> Any:
        """One value where the function returns one, a tuple where it returns more.

        Structs become dictionaries by Solidity name, addresses are checksummed, bytes stay bytes.
        """
        outputs = self.function(function)["outputs"]
        values = _decode(outputs, data)
        return values[0] if len(values) == 1 else tuple(values)

    def function(self, name: str) -> Entry:
        """The entry of a function by name, or by signature where the name is overloaded."""
        found = [e for e in self._of("function") if name in (e["name"], signature(e))]
        if len(found) != 1:
            raise KeyError(f"{len(found)} functions are called {name}")
        return found[0]

    def selector(self, function: str) -> bytes:
        """The four bytes that a call begins with. Raises `KeyError`."""
        return _selector(self.function(function))

    def event_topic(self, name: str) -> bytes:
        """`topics[0]` of an event."""
        return keccak(signature(self._event(name)).encode())

    def indexed(self, event: str) -> Sequence[Entry]:
        """The indexed parameters of an event, in order."""
        return [parameter for parameter in self._event(event)["inputs"] if parameter["indexed"]]

    def decode_log(self, topics: Sequence[bytes], data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Name and values of a log; None where the ABI does not know its topic."""
        entry = self._events_by_topic.get(bytes(topics[0])) if topics else None
        if entry is None:
            return None
        indexed = [p for p in entry["inputs"] if p["indexed"]]
        plain = [p for p in entry["inputs"] if not p["indexed"]]
        values = dict(zip((p["name"] for p in plain), _decode(plain, data), strict=True))
        for parameter, topic in zip(indexed, topics[1:], strict=True):
            values[parameter["name"]] = _decode_topic(parameter, topic)
        return str(entry["name"]), {p["name"]: values[p["name"]] for p in entry["inputs"]}

    def decode_error(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Name and values of a revert; None where the ABI does not know its selector."""
        entry = self._errors_by_selector.get(bytes(data[:4]))
        if entry is None:
            return None
        values = _decode(entry["inputs"], data[4:])
        names = [p["name"] or "value" for p in entry["inputs"]]
        return str(entry["name"]), dict(zip(names, values, strict=True))

    def constructor_arguments(self, arguments: Sequence[Any]) -> bytes:
        """What follows the creation code."""
        entries = self._of("constructor")
        return encode_arguments(entries[0]["inputs"] if entries else [], arguments)

    def _of(self, kind: str) -> list[Entry]:
        return [entry for entry in self.entries if entry["type"] == kind]

    def _event(self, name: str) -> Entry:
        found = [entry for entry in self._of("event") if entry["name"] == name]
        if len(found) != 1:
            raise KeyError(f"{len(found)} events are called {name}")
        return found[0]

    @cached_property
    def _functions_by_selector(self) -> dict[bytes, Entry]:
        return {_selector(e): e for e in self._of("function")}

    @cached_property
    def _events_by_topic(self) -> dict[bytes, Entry]:
        return {bytes(keccak(signature(e).encode())): e for e in self._of("event")}

    @cached_property
    def _errors_by_selector(self) -> dict[bytes, Entry]:
        return {_selector(e): e for e in [*self._of("error"), _ERROR_STRING, _PANIC]}


def signature(entry: Entry) -> str:
    """`transfer(address,uint256)`, structs written out as tuples."""
    return f"{entry['name']}({','.join(_type(p) for p in entry['inputs'])})"


def encode_arguments(parameters: Sequence[Entry], arguments: Sequence[Any]) -> bytes:
    """ABI encoding of a parameter list."""
    from eth_abi.abi import encode

    if len(parameters) != len(arguments):
        raise ValueError(f"{len(parameters)} arguments are needed, not {len(arguments)}")
    values = [_plain(p, a) for p, a in zip(parameters, arguments, strict=True)]
    return encode([_type(p) for p in parameters], values)


def _selector(entry: Entry) -> bytes:
    return bytes(keccak(signature(entry).encode())[:4])


def _type(parameter: Entry) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    inside = ",".join(_type(component) for component in parameter["components"])
    return f"({inside}){kind.removeprefix('tuple')}"


def _item(parameter: Entry) -> Entry:
    """The parameter that describes one element of an array parameter."""
    return {**parameter, "type": parameter["type"][: parameter["type"].rindex("[")]}


def _plain(parameter: Entry, value: Any) -> Any:
    """Structs as tuples, all the way down; eth_abi checks the rest."""
    if parameter["type"].endswith("]"):
        return [_plain(_item(parameter), one) for one in value]
    if parameter["type"] != "tuple":
        return _whole(parameter["type"], value)
    components = parameter["components"]
    if isinstance(value, Mapping):
        names = [c["name"] for c in components]
        if set(names) != set(value):
            raise ValueError(f"a {parameter.get('internalType', 'struct')} has exactly {names}")
        value = [value[name] for name in names]
    return tuple(_plain(c, v) for c, v in zip(components, value, strict=True))


def _whole(kind: str, value: Any) -> Any:
    """eth_abi pads a short `bytes32` in silence; here a digest is whole or refused."""
    if kind.startswith("bytes") and kind != "bytes" and len(value) != int(kind[5:]):
        raise ValueError(f"a {kind} has {kind[5:]} bytes, not {len(value)}")
    return value


def _decode(parameters: Sequence[Entry], data: bytes) -> list[Any]:
    from eth_abi.abi import decode

    values = decode([_type(p) for p in parameters], data)
    return [_named(p, v) for p, v in zip(parameters, values, strict=True)]


def _named(parameter: Entry, value: Any) -> Any:
    if parameter["type"].endswith("]"):
        return [_named(_item(parameter), one) for one in value]
    if parameter["type"] == "tuple":
        pairs = zip(parameter["components"], value, strict=True)
        return {component["name"]: _named(component, one) for component, one in pairs}
    return checksum(value) if parameter["type"] == "address" else value


def _decode_topic(parameter: Entry, topic: bytes) -> Any:
    kind = str(parameter["type"])
    if kind in ("string", "bytes") or kind.endswith("]") or kind.startswith("tuple"):
        return bytes(topic)  # the chain keeps only its hash
    return _decode([parameter], bytes(topic))[0]
