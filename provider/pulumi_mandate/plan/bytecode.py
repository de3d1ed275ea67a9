"""Whether the bytecode in a program's caches is what its source says.

A cache is no part of a digest, because two honest machines have different ones. But Python runs it
in place of the source where its header says so (`unchecked-hash`), or where it bears the source's
time and size, and whoever writes the file writes the header: https://peps.python.org/pep-0552/.
So what would be run is compared with what the source compiles to. Nothing read here is executed.
"""

from __future__ import annotations

import importlib.util
import marshal
from functools import lru_cache
from pathlib import Path
from types import CodeType

CACHE = "__pycache__"
_HEADER = 16
_HASHED = 1


def is_forged(source: Path) -> bool:
    """Whether this interpreter would run other code than `source` holds. Raises `OSError`."""
    cache = source.parent / CACHE / Path(importlib.util.cache_from_source(str(source))).name
    if not cache.is_file():
        return False
    data = cache.read_bytes()
    if data[:4] != importlib.util.MAGIC_NUMBER:
        return False  # another interpreter's: this one compiles the source again
    status, content = source.stat(), source.read_bytes()
    made_of = data[8:12] + data[12:16]
    stamp = [int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF]
    stamped = made_of == b"".join(number.to_bytes(4, "little") for number in stamp)
    hashed = bool(int.from_bytes(data[4:8], "little") & _HASHED)
    return (stamped or hashed) and not _fits(content, data[_HEADER:])


@lru_cache(maxsize=1024)
def _fits(source: bytes, bytecode: bytes) -> bool:
    try:
        cached = marshal.loads(bytecode)  # noqa: S302  # builds a code object and runs nothing
        if not isinstance(cached, CodeType):
            return False
        # The name of the file is in it, and differs between checkouts.
        compiled = compile(source, cached.co_filename, "exec", dont_inherit=True)
    except (EOFError, ValueError, TypeError, SyntaxError):
        return False
    return cached == compiled and _rest(cached) == _rest(compiled)


def _rest(code: CodeType) -> list[object]:
    """What `==` of code objects leaves out in some versions of Python, of nested ones too."""
    found: list[object] = [code.co_exceptiontable, code.co_stacksize, code.co_flags]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += _rest(constant)
    return found
