"""`pulumi refresh` and `pulumi import` under a mandate: first the gate, then, as the same process,
the engine.

`python -m pulumi_mandate.gate.wrapped refresh FOLDER STACK MESSAGE`, started by `mandate refresh`,
and the same for `import` with a FILE at the end. Neither runs a program of the stack or calls a
hook, so nothing inside them can ask; this process does, and then becomes the engine. It keeps its
pid, so the watcher waits for the right one.

Whoever types `pulumi refresh` or `pulumi import` himself is not stopped: he changes the state,
nothing else, and mandates that were voted on over the old state no longer fit.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pulumi_mandate.errors import EngineError, MandateError

from .ancestor import Engine, this_process
from .environment import check_environment
from .folder import SubjectLock
from .machine import open_machine
from .opening import WITHOUT_PROGRAM, Say, admit, spend
from .prepare import ProgramAt, engine_path, import_flags, subject_of
from .refusals import record_refusal
from .run import Place, resume_run
from .search import look_for_run


def open_wrapped(kind: str, program: ProgramAt, engine: Engine, say: Say) -> bool:
    """Steps (1) to (9). False where there is nothing to do. Raises `MandateError`."""
    check_environment(engine.environment)
    environment = engine_path(engine.executable, engine.environment)
    machine = open_machine()
    subject = subject_of(program, machine.trust, environment)
    lock = SubjectLock(subject)
    lock.take(progress=say)
    place = Place(subject, program.stack, program.workdir, engine, lock, kind, program.imports)
    unfinished = look_for_run(machine, subject, say)
    admission = admit(machine, place, environment, unfinished, say)
    if admission is None:
        say("nothing to change, so no mandate is needed")
        if unfinished is not None:
            resume_run(machine, unfinished, place, say)  # all is done: the watcher says so
        return False
    # Nobody is needed to judge operations: none of them calls a hook.
    spend(machine, place, admission, unfinished, say)
    return True


def main(argv: Sequence[str]) -> int:
    """Becomes the engine where the mandate stands; else the error's exit code."""
    kind, folder, stack, message, *file = argv[1:]
    if kind not in WITHOUT_PROGRAM:
        raise ValueError(f"{kind} has its gate in the program")
    program = ProgramAt(Path(folder), stack, Path(file[0]) if file else None)
    executable = shutil.which("pulumi") or ""
    engine = this_process(executable)

    def say(line: str) -> None:
        print(f"mandate: {line}", file=sys.stderr, flush=True)

    try:
        if not executable:
            raise EngineError("there is no `pulumi` on PATH", next_step="mandate doctor")
        if not open_wrapped(kind, program, engine, say):
            return 0
    except MandateError as refusal:
        record_refusal(refusal, engine)  # the command says it
        return refusal.exit_code
    os.chdir(program.workdir)
    words = ["pulumi", kind, "--yes", "--skip-preview", "--non-interactive", "--stack", stack]
    words += import_flags(program.imports) if kind == "import" else ()
    words += ["--message", message] if message else []
    os.execve(executable, words, engine.environment)  # noqa: S606  # no shell is meant


if __name__ == "__main__":
    sys.exit(main(sys.argv))
