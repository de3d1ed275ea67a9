"""The engine of a way back: notes itself as that in the record, then becomes it.

`python -m pulumi_mandate.gate.undo_engine FOLDER`, started by `undoing` once the former program was
previewed and compared. The process keeps its pid, so the program's `govern()` finds the way back
that it belongs to (`joining`), and nobody else's.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pulumi_mandate.errors import EngineError, MandateError

from .ancestor import this_process
from .folder import RunFolder

WORDS = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive")


def main(argv: Sequence[str]) -> int:
    """Becomes the engine; else the error's exit code."""
    folder = RunFolder(Path(argv[1]))
    executable = shutil.which("pulumi") or ""
    try:
        if not executable:
            raise EngineError("there is no `pulumi` on PATH", next_step="mandate doctor")
        record, engine = folder.record(), this_process(executable)
        folder.write_record(replace(record, engine_pid=engine.pid, engine_started=engine.started))
    except MandateError as error:
        print(error.diagnostics(), file=sys.stderr)
        return error.exit_code
    os.chdir(record.workdir)
    words = [*WORDS, "--stack", record.stack]
    # The gate in the program must believe the file that the run believed.
    environment = dict(os.environ) | {"MANDATE_TRUST": record.trust}
    os.execve(executable, words, environment)  # noqa: S606  # no shell is meant


if __name__ == "__main__":
    sys.exit(main(sys.argv))
