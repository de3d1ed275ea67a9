"""The gate's first moment: the engine is asked, and then the gate's own libraries are loaded.

They take as long to load as the engine takes to answer. `python -m pulumi_mandate.gate.ahead` is
`wrapped` with its arguments. Nothing is decided here.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pulumi_mandate.errors import Refused

from .ancestor import Engine, read_outer_command
from .engine import (
    NOTHING_AHEAD,
    STATE,
    VERSION,
    WHO,
    Ahead,
    Ask,
    Look,
    check_engine,
    engine_path,
    identity,
    run_engine,
)
from .environment import check_environment
from .packages import Beside

_TURN_SECONDS = 0.0005


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


def asked_in_a_program(root: Path) -> Look:
    """Who is asked, and the version of the engine above; and what is installed here.

    An engine that a run was begun for has said its version, if it is the very file that was asked.
    Nothing under an engine that will be refused.
    """
    with suppress(Refused):
        _, engine = read_outer_command()
        environment = check_engine(engine)
        ask, packages = Ahead(root, environment, WHO), Beside(environment)
        version = _version_of(engine)
        if version is None:
            ask.add(VERSION)
        else:
            ask.told(VERSION, version)
        return Look(ask, packages)
    return NOTHING_AHEAD


def _version_of(engine: Engine) -> str | None:
    from .folder import run_begun_for  # the engine answers meanwhile

    with suppress(OSError):
        begun = run_begun_for(engine)
        if begun is not None:
            # The file that runs, whatever its name leads to by now.
            return begun.version_of(identity(Path(f"/proc/{engine.pid}/exe")))
    return None


def main(argv: Sequence[str]) -> int:
    """As `wrapped.main`."""
    # The preview is started by a thread, beside one that hashes: it must not wait for its turn.
    sys.setswitchinterval(_TURN_SECONDS)
    ask = asked_ahead(argv)
    from .wrapped import main as become_engine

    return become_engine(argv, ask)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
