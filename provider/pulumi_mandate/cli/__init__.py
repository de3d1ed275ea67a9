"""The `mandate` command: every subcommand is one file that parses, calls, and renders.

```
mandate dev …        a development chain, cloud and people on this machine
mandate preview      what would change, and its effect root
mandate propose      the same, as a proposal on chain
mandate show         the document that people vote on
mandate verify       recompute all of it, believe nothing
mandate vote | queue | advance
mandate up           run it, if and only if the mandate stands
mandate withdraw | revoke | abandon
mandate status | trace | resume | doctor | keys … | trust …
```

Modules that start with `_` are shared by the subcommands. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: `pulumi_mandate.errors` lists them."""
    from ._app import run

    return run(arguments)
