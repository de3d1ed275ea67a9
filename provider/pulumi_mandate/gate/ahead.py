"""The gate around the engine, from its first moment: `wrapped`, and two questions before it.

`python -m pulumi_mandate.gate.ahead` takes `wrapped`'s arguments. The gate's own libraries take as
long to load as the engine takes to answer, so it is asked first. Nothing is decided here.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pulumi_mandate.errors import Refused

from .engine import STATE, WHO, Ahead, Ask, engine_path, run_engine
from .environment import check_environment


def asked_ahead(argv: Sequence[str]) -> Ask:
    """Who is asked, and the state of the stack; nothing in an environment that will be refused."""
    _, _, folder, stack, *_ = argv
    executable = shutil.which("pulumi")
    if executable is not None:
        with suppress(Refused):  # said by the gate itself, in its own order
            check_environment(os.environ)
            environment = engine_path(executable, os.environ)
            return Ahead(Path(folder), environment, WHO, (*STATE, "--stack", stack))
    return run_engine


def main(argv: Sequence[str]) -> int:
    """As `wrapped.main`."""
    ask = asked_ahead(argv)
    from .wrapped import main as become_engine

    return become_engine(argv, ask)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
