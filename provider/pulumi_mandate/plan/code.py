"""The code that a Python dynamic provider carries in its inputs, named instead of quoted.

`__provider` is a dill pickle. Where the provider's class can be imported, the pickle only names it,
and the program's and the packages' digests bind the code. Where it was defined in `__main__`, the
pickle holds the code itself. Pickles are read opcode by opcode and never loaded, which would run
them.
"""

from __future__ import annotations

import base64
import binascii
import pickletools
from dataclasses import dataclass
from pathlib import PurePosixPath

from pulumi_mandate.errors import IncompletePlan

PROPERTY = "__provider"
BY_VALUE = "(by value)"
SEVERAL = "(several)"
_FRAMING = frozenset({"PROTO", "FRAME", "MEMOIZE", "STOP"})
_DILL = "dill._dill"
_CALLS = frozenset(
    {"REDUCE", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEWOBJ_EX"}
)
"""Opcodes that call what they find, or find it outside the stream. `NEWOBJ` makes an instance."""
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_LINES = frozenset({"BININT", "BININT1", "BININT2"})


@dataclass(frozen=True, slots=True)
class ProviderCode:
    """What a pickle says, as far as it does not depend on the machine that made it."""

    module: str
    name: str
    """The class; `(by value)` where the pickle carries its code, and `(several)` where it names
    more than one class, calls something, or names what no `class` statement of a module makes.
    Neither belongs to a package."""
    stream: list[list[str]]
    """Opcodes and arguments in order; file names without their folder."""


def describe(pickled: str) -> ProviderCode:
    """Read a provider from its base64. Raises `IncompletePlan` for what is not a pickle we know."""
    try:
        data = base64.b64decode(pickled, validate=True)
        opcodes = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(data)]
    except (binascii.Error, ValueError, IndexError, UnicodeDecodeError):
        raise IncompletePlan("a dynamic provider is not a readable pickle") from None
    names = _globals(opcodes)
    if not names:
        raise IncompletePlan("a dynamic provider names no class")
    module, name = names[0]
    if any(module == _DILL for module, _ in names):
        module, name = "__main__", BY_VALUE
    elif len(names) > 1 or not _is_class(*names[0]) or _CALLS & {opcode for opcode, _ in opcodes}:
        module, name = "__main__", SEVERAL
    told = [(op, argument) for op, argument in opcodes if op not in _FRAMING]
    files = _code_files(told) if name == BY_VALUE else frozenset()
    stream = [[op, _portable(argument, at in files)] for at, (op, argument) in enumerate(told)]
    return ProviderCode(module, name, stream)


def _is_class(module: str, name: str) -> bool:
    """A space would move the border between the two, a dot in the name leads to other modules."""
    return name.isidentifier() and all(part.isidentifier() for part in module.split("."))


def _code_files(opcodes: list[tuple[str, object]]) -> frozenset[int]:
    """Where a text is the file of a code object: its name, qualified name and line follow."""

    def follows(at: int) -> bool:
        names, line = opcodes[at + 1 : at + 3], opcodes[at + 3 : at + 4]
        told = all(isinstance(argument, str) or op in _GETS for op, argument in names)
        return told and bool(line) and line[0][0] in _LINES

    return frozenset(at for at in range(len(opcodes)) if follows(at))


def _globals(opcodes: list[tuple[str, object]]) -> list[tuple[str, str]]:
    """Every class or function that the pickle imports, in order."""
    found: list[tuple[str, str]] = []
    memo: dict[int, object] = {}
    stack: list[object] = []
    for name, argument in opcodes:
        if name == "MEMOIZE":
            memo[len(memo)] = stack[-1] if stack else None
        elif name in _PUTS and isinstance(argument, int):
            memo[argument] = stack[-1] if stack else None
        elif name in _GETS and isinstance(argument, int):
            stack.append(memo.get(argument))
        elif name == "GLOBAL" and isinstance(argument, str):
            module, _, member = argument.partition(" ")
            found.append((module, member))
            stack.append(None)
        elif name == "STACK_GLOBAL":
            pair = stack[-2:]
            if len(pair) != 2 or not all(isinstance(text, str) for text in pair):
                raise IncompletePlan("a dynamic provider computes what it imports")
            found.append((str(pair[0]), str(pair[1])))
            stack.append(None)
        elif name not in ("PROTO", "FRAME"):
            stack.append(argument)
    return found


def _portable(argument: object, is_file: bool) -> str:
    if isinstance(argument, str):
        # A code object remembers the absolute path of its file, which differs between checkouts.
        is_path = is_file and argument.startswith("/") and argument.endswith(".py")
        return "text:" + (PurePosixPath(argument).name if is_path else argument)
    if isinstance(argument, bytes | bytearray):
        return "bytes:" + bytes(argument).hex()
    return f"{type(argument).__name__}:{argument!r}"
