"""Cached bytecode: compared where Python would run it, and passed over where it would not."""

from __future__ import annotations

import importlib.util
import marshal
import os
import py_compile
from pathlib import Path

import pytest

from pulumi_mandate.errors import UsageError
from pulumi_mandate.plan.bytecode import is_forged
from pulumi_mandate.plan.program import program_digest

MODES = py_compile.PycInvalidationMode
HONEST = """
def price(count):
    try:
        return {"one", "two"} if count in (1, 2.0) else f"{count}"
    except ValueError:
        return None
"""
EVIL = HONEST.replace("two", "six")


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "program" / "notes.py"
    path.parent.mkdir()
    path.write_text(HONEST)
    return path


def plant(module: Path, text: str, mode: MODES) -> Path:
    """The bytecode of a text, in the module's cache, with the module's own time and size."""
    elsewhere = module.parent.parent / "other.py"
    elsewhere.write_text(text)
    status = module.stat()
    os.utime(elsewhere, ns=(status.st_atime_ns, status.st_mtime_ns))
    cache = Path(importlib.util.cache_from_source(str(module)))
    py_compile.compile(str(elsewhere), str(cache), invalidation_mode=mode)
    return cache


@pytest.mark.parametrize("mode", MODES)
def test_other_code_is_forged_and_the_same_is_not(module: Path, mode: MODES) -> None:
    plant(module, EVIL, mode)
    assert is_forged(module)
    with pytest.raises(UsageError, match=r"bytecode of notes\.py is not what"):
        program_digest(module.parent, "test")

    plant(module, HONEST, mode)
    assert not is_forged(module)
    assert program_digest(module.parent, "test").left_out == ("__pycache__",)


def test_what_python_would_not_run_is_passed_over(module: Path) -> None:
    assert not is_forged(module)
    cache = plant(module, EVIL, MODES.TIMESTAMP)
    os.utime(module, (1, 1))
    assert not is_forged(module)  # stale: it is compiled again

    plant(module, EVIL, MODES.UNCHECKED_HASH)
    cache.write_bytes(b"\0\0\r\n" + cache.read_bytes()[4:])
    assert not is_forged(module)  # another interpreter's


@pytest.mark.parametrize("content", [b"", b"not marshal", marshal.dumps(7)])
def test_what_is_no_code_is_forged(module: Path, content: bytes) -> None:
    cache = plant(module, HONEST, MODES.UNCHECKED_HASH)
    cache.write_bytes(cache.read_bytes()[:16] + content)

    assert is_forged(module)


def test_code_of_a_source_that_does_not_compile_is_forged(module: Path) -> None:
    plant(module, HONEST, MODES.UNCHECKED_HASH)
    module.write_text("def (")

    assert is_forged(module)


def test_a_table_that_equality_may_overlook_counts(module: Path) -> None:
    cache = plant(module, HONEST, MODES.UNCHECKED_HASH)
    code = marshal.loads(cache.read_bytes()[16:])  # noqa: S302  # written two lines above
    [inner] = [one for one in code.co_consts if hasattr(one, "co_exceptiontable")]
    deaf = inner.replace(co_exceptiontable=b"")
    other = code.replace(co_consts=tuple(deaf if one is inner else one for one in code.co_consts))
    cache.write_bytes(cache.read_bytes()[:16] + marshal.dumps(other))

    assert is_forged(module)
