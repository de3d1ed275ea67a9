"""The gate around the engine: first the gate, then, as the same process, the engine.

`python -m pulumi_mandate.gate.ahead KIND FOLDER STACK MESSAGE`, started by `mandate up` and
`mandate destroy` (with the flags that the plan binds at the end), `mandate refresh`, `mandate
import` (with a FILE there) and `mandate state` (with the edit). This process previews once, begins
the run, and then becomes the engine. It keeps its pid, so the watcher waits for the right one, and
a program with `govern()` knows which run to join (`joining`): its hooks judge every operation, as
under plain `pulumi up`, and nothing is previewed twice.

A refresh, an import and an edit of the state run no program, and a program in YAML or a compiled
one calls no hook. With no hook at the operations, an `up` is held by three things: the whole plan,
compared before `begin`; the engine's own `--plan`, which stops at an operation that this very
preview did not have; and the watcher, which finds anything else in the state afterwards. A destroy
has no `--plan`.

Whoever types `pulumi refresh`, `pulumi import` or `pulumi state` himself is not stopped: he changes
the state, nothing else, and mandates that were voted on over the old state no longer fit. Whoever
types `pulumi up` of a program without hooks is stopped by credentials alone.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from pulumi_mandate.errors import EngineError, MandateError, Refused
from pulumi_mandate.plan.program import stack_files

from .ancestor import Engine, this_process
from .engine import STATE, Ask, engine_path, identity, run_engine
from .environment import check_environment
from .flags import edit_of
from .folder import SubjectLock
from .machine import open_machine
from .opening import Say, admit, previewing, start_run
from .prepare import import_flags, subject_of
from .project import is_hooked
from .refusals import record_refusal
from .run import Place, resume_run
from .search import look_for_run
from .standing import WITHOUT_PROGRAM
from .where import ProgramAt


def will_join(kind: str, workdir: Path) -> bool:
    """Whether a program runs that asks about each operation, and so joins the run.

    Raises `UsageError`.
    """
    return kind not in WITHOUT_PROGRAM and is_hooked(workdir)


def open_wrapped(
    kind: str, program: ProgramAt, engine: Engine, say: Say, ask: Ask = run_engine
) -> dict[str, Any] | None:
    """Steps (1) to (9). None where there is nothing to do, else the plan file of the preview that
    was compared, secrets in the clear: empty for a kind that has none, and where hooks ask.

    `ask` may have asked already who is asked, and for the state. Raises `MandateError`.
    """
    check_environment(engine.environment)
    environment = engine_path(engine.executable, engine.environment)
    asked = _identity(engine)  # before it says its version
    settings = _settings(program)
    machine = open_machine()
    subject = subject_of(program, machine.trust, environment, ask)
    lock = SubjectLock(subject)
    at_once = lock.take(progress=say)
    place = Place(
        subject,
        program.stack,
        program.workdir,
        engine,
        lock,
        kind,
        program.imports,
        program.flags,
        hooked=will_join(kind, program.workdir),
        inside=False,
    )

    def before() -> str:
        return ask((*STATE, "--stack", program.stack), program.workdir, environment)

    # What the state was while another run went on, nobody wants to know.
    told = before if at_once else None
    with previewing(machine, place, environment, say, told) as preview:
        unfinished = look_for_run(machine, subject, say)
        admission = admit(machine, place, environment, unfinished, preview, say)
    if admission is None:
        say("nothing to change, so no mandate is needed")
        if unfinished is not None:
            resume_run(machine, unfinished, place, say)  # all is done: the watcher says so
        elif place.hooked:
            lock.release()
            return {}  # outputs may have changed, which no operation does; the program is its gate
        return None
    folder = start_run(machine, place, admission, unfinished, say)
    folder.write_rest(admission.found if unfinished is not None else None)
    folder.write_version(asked, admission.prepared.here.toolchain.content["engine"])
    if _settings(program) != settings:
        raise _changed(program.stack)
    return admission.prepared.raw.plan_file if kind == "up" and not place.hooked else {}


def _identity(engine: Engine) -> str:
    try:
        return identity(Path(engine.executable))
    except OSError as error:
        raise EngineError(
            f"the engine's file cannot be read: {error.strerror}", next_step="mandate doctor"
        ) from None


def _settings(program: ProgramAt) -> list[bytes | None]:
    """The stack's own files, which the program's digest leaves out: the engine reads them again."""
    files = [program.workdir / name for name in stack_files(program.stack)]
    return [file.read_bytes() if file.is_file() else None for file in files]


def _changed(stack: str) -> Refused:
    return Refused(
        9,
        f"the settings of stack {stack} changed after the preview that was compared",
        field="config",
        expected="as it was",
        found="changed",
        meaning="The engine would read other settings. The run has begun; nothing was done yet.",
        next_step="put the stack's file back as it was, then run the same command again",
    )


def engine_words(kind: str, program: ProgramAt, message: str) -> list[str]:
    """The engine's command line. Raises `UsageError` for an import without its file, and for an
    edit of the state that is none.
    """
    if kind == "state":
        command, *named = edit_of(program.flags)
        asked = ["--yes", "--non-interactive", "--stack", program.stack]
        return ["pulumi", kind, command, *asked, *named]
    words = ["pulumi", kind, "--yes", "--skip-preview", "--non-interactive"]
    words += ["--stack", program.stack]
    if kind == "import":
        words += import_flags(program.imports)
    elif kind == "up":
        words += (
            program.flags
            if is_hooked(program.workdir)
            else ("--plan", "/dev/stdin", *program.flags)
        )
    elif kind == "destroy":
        words += ["--run-program", *program.flags]
    return words + (["--message", message] if message else [])


def give_plan(plan: dict[str, Any]) -> None:
    """Make the plan this process's standard input: in memory, on no disk, and sealed.

    The engine's children get another standard input, so the secrets in it go no further.
    """
    import fcntl

    descriptor = os.memfd_create("plan", os.MFD_ALLOW_SEALING)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(plan))
        file.flush()
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.dup2(descriptor, sys.__stdin__.fileno() if sys.__stdin__ else 0)


def main(argv: Sequence[str], ask: Ask = run_engine) -> int:
    """Becomes the engine where the mandate stands; else the error's exit code."""
    kind, folder, stack, message, *rest = argv[1:]
    imports = Path(rest[0]) if kind == "import" and rest else None
    program = ProgramAt(Path(folder), stack, imports, () if imports else tuple(rest))
    executable = shutil.which("pulumi") or ""
    engine = this_process(executable)

    def say(line: str) -> None:
        print(f"mandate: {line}", file=sys.stderr, flush=True)

    try:
        if not executable:
            raise EngineError("there is no `pulumi` on PATH", next_step="mandate doctor")
        words = engine_words(kind, program, message)
        plan = open_wrapped(kind, program, engine, say, ask)
    except MandateError as refusal:
        record_refusal(refusal, engine)  # the command says it
        return refusal.exit_code
    if plan is None:
        return 0
    if plan:
        give_plan(plan)
    os.chdir(program.workdir)
    os.execve(executable, words, engine.environment)  # noqa: S606  # no shell is meant
