"""What the gate told an engine that it stopped, for whoever started that engine.

A program can only fail, and the engine's exit code says no more than that. `mandate up` reads here
why it failed, and turns it into the documented exit code. One small file for each engine:
`$MANDATE_HOME/refusals/<pid>.json`. An error never holds a secret, so neither does the file.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import MandateError, Refused

from .ancestor import Engine, find_engine
from .folder import mandate_home


def record_refusal(error: MandateError, engine: Engine | None = None) -> None:
    """Keep an error for the engine above us, or for this one.

    Never fails: the refusal itself must not be lost.
    """
    with suppress(OSError, Refused):
        engine = engine or find_engine()
        # Where whoever started the engine looks: the program may have moved its own home since.
        path = _file(engine.pid, mandate_home(engine.environment))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = {"started": engine.started, **error.as_dict()}
        new = path.with_suffix(".new")
        new.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        new.replace(path)


def refusal_of(pid: int, *, since: float) -> dict[str, Any] | None:
    """The error's `as_dict`, where the gate stopped engine `pid` after `since` (epoch seconds)."""
    path = _file(pid, mandate_home())
    try:
        if path.stat().st_mtime < since:
            return None  # another engine's, long ago: pids are used again
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found


def _file(pid: int, home: Path) -> Path:
    return home / "refusals" / f"{pid}.json"
