"""Help texts of every command as they are printed, for README.md and docs/reference/cli.md.

python -m tools.reference          # write them
python -m tools.reference --check  # exit 1 where they are not what the program prints
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference" / "cli.md"
_HEAD = """# The `mandate` command

Written by `python -m tools.reference`; a test compares it with what the program prints.
"""


def help_of(*words: str) -> str:
    """What `mandate WORDS --help` prints on a terminal of 80 columns."""
    from pulumi_mandate.cli import main

    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            main([*words, "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return printed.getvalue().rstrip() + "\n"


def command_paths(
    group: click.Group | None = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Every command's words, in the order of the help."""
    from pulumi_mandate.cli._app import app

    for name, command in (group or app).commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from command_paths(command, (*path, name))


def reference() -> str:
    """The whole of docs/reference/cli.md."""
    parts = [_HEAD, f"```\n{help_of()}```\n"]
    for path in command_paths():
        parts.append(f"## `mandate {' '.join(path)}`\n\n```\n{help_of(*path)}```\n")
    return "\n".join(parts)


def with_block(text: str, name: str, block: str, language: str = "") -> str:
    """The text with the fenced block between its two marks replaced. Raises `ValueError`."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, first, rest = text.partition(begin)
    _, second, after = rest.partition(end)
    if not first or not second:
        raise ValueError(f"there is no block {name}")
    return f"{before}{begin}\n```{language}\n{block.rstrip()}\n```\n{end}{after}"


def block_of(text: str, name: str) -> str:
    """What is inside a marked fenced block."""
    inside = text.partition(f"<!-- {name}:begin -->")[2].partition(f"<!-- {name}:end -->")[0]
    return "\n".join(inside.strip("\n").splitlines()[1:-1]) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write or compare."""
    wanted = {
        REFERENCE: reference(),
        README: with_block(README.read_text(), "help", help_of()),
    }
    if "--check" in (sys.argv[1:] if arguments is None else arguments):
        stale = [path for path, text in wanted.items() if path.read_text() != text]
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: python -m tools.reference", file=sys.stderr)
        return 1 if stale else 0
    for path, text in wanted.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
