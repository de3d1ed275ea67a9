"""The one line of a governed program.

```python
import pulumi_mandate

pulumi_mandate.govern()
```

In a preview it prints where the mandate stands and never fails. In a real update it previews the
whole stack again, finds the mandate that allows exactly this, spends it, and checks each operation;
without one it ends the program before the first resource.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pulumi_mandate.errors import EmptyPlan, MandateError, Refused
from pulumi_mandate.models import ZERO, Address, Subject

from .ancestor import Engine, read_outer_command
from .engine_hooks import EngineHooks
from .environment import NESTED_MARK, check_environment
from .refusals import record_refusal
from .wire import HookCall

_SAME_IN_BOTH = ("MANDATE_TRUST", "MANDATE_HOME", "HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
_NOBODY = Address("0x" + "00" * 20)

_ALREADY_SHOWN = 32

_state: dict[str, EngineHooks] = {}


def govern() -> None:
    """Put this program under the gate. Call it once, before the first resource.

    A real update that is refused ends this process here: no `except` of the program, and no
    resource that it registers, comes after a refusal. Raises `Refused` outside the engine.
    """
    import pulumi
    from pulumi.runtime.settings import get_monitor

    monitor = get_monitor()
    if monitor is None:
        raise Refused(
            1, "govern() was called outside a Pulumi program", next_step="run it by `pulumi up`"
        )
    if _state:
        return  # two components may both ask for it
    hooks = _state["hooks"] = EngineHooks()
    # Names first, dry run or not: a preview fails where a hook that the state names is unknown.
    hooks.register(monitor)
    place = _place(pulumi)
    if pulumi.runtime.is_dry_run():
        # The mark silences a message and nothing else, so a program gains nothing by setting it.
        if not os.environ.get(NESTED_MARK):
            _show_standing(place)
        return
    try:
        open_gate(hooks, place)
    except MandateError as refusal:
        hooks.decide_with(_refuse_with(refusal))
        record_refusal(refusal)
        _leave(refusal)


@dataclass(frozen=True, slots=True)
class Where:
    """What the engine told this program about itself."""

    root: Path
    """The folder with `Pulumi.yaml`."""
    organisation: str
    project: str
    stack: str

    @property
    def full_stack(self) -> str:
        return f"{self.organisation}/{self.project}/{self.stack}"


def _place(pulumi: Any) -> Where:
    from pulumi.runtime.settings import get_root_directory

    return Where(
        root=Path(get_root_directory()).resolve(),
        organisation=pulumi.get_organization(),
        project=pulumi.get_project(),
        stack=pulumi.get_stack(),
    )


def open_gate(hooks: EngineHooks, where: Where) -> None:
    """A real update: steps (1) to (9), then the hooks decide. Raises `MandateError`."""
    from .evidence import closest
    from .folder import SubjectLock
    from .machine import open_machine
    from .operations import OperationCheck
    from .prepare import ProgramAt, check_hooks, document_of, look_here, prepare
    from .run import Base, Denials, Place, begin_run, resume_run
    from .search import choose, look_for_run, positions
    from .state import resource_digests
    from .verify import verify_effects

    # (1)
    _command, engine = read_outer_command()
    environment = _checked_environment(engine)
    machine = open_machine()
    program = ProgramAt(where.root, where.full_stack)
    here = look_here(program, machine.trust, environment=environment)
    _check_subject(here.subject, where)
    lock = SubjectLock(here.subject)
    lock.take(progress=_say)
    place = Place(here.subject, where.full_stack, where.root, engine, lock)
    # (2) to (6) for every candidate; a run of ours that was cut off is finished or gone on with
    unfinished = look_for_run(machine, here.subject, _say)
    candidates = choose(machine, here, unfinished)
    # (7)
    _say("previewing the whole stack again")
    prepared = prepare(program, machine.trust, here=here, environment=environment)
    check_hooks(prepared.raw)
    try:
        found = document_of(prepared, proposer=_NOBODY, window=(0, 1), salt=ZERO)
    except EmptyPlan:
        if unfinished is None:
            _say("nothing to change, so no mandate is needed; any operation would be refused")
        else:
            resume_run(machine, unfinished, place, _say)  # all is done: the watcher says so
        return
    best, _ = closest(candidates.standing(found), found, resuming=unfinished is not None)
    assert best.document is not None  # noqa: S101  # it stands
    assert best.evidence is not None  # noqa: S101
    verify_effects(best.document, found, resuming=unfinished is not None)
    # (8), (9)
    if unfinished is None:
        before = resource_digests(prepared.raw.before["deployment"], prepared.inputs_of)
        base = Base(before, dict(here.toolchain.modules))
        folder = begin_run(machine, best.evidence, best.document, place=place, base=base, say=_say)
        to_do, indices = best.document, None
    else:
        folder = unfinished
        resume_run(machine, folder, place, _say)
        to_do, indices = found, positions(best.document, found)
    # (10)
    hooks.decide_with(
        OperationCheck(
            to_do,
            folder.journal,
            denials=Denials(machine, folder.record()),
            inputs_of=prepared.inputs_of,
            indices=indices,
        )
    )


def _checked_environment(engine: Engine) -> dict[str, str]:
    """(1) the engine's environment, and that this process reads the same trust and state."""
    from .prepare import engine_path

    check_environment(engine.environment)
    for name in _SAME_IN_BOTH:
        if os.environ.get(name) != engine.environment.get(name):
            raise Refused(
                1,
                f"`{name}` is not what it was when the engine was started",
                meaning="The program, or something before it, points the gate elsewhere.",
                next_step=f"do not set {name} inside the program",
            )
    if os.environ.get(NESTED_MARK):
        check_environment({NESTED_MARK: "1"})
    return engine_path(engine.executable, engine.environment)


def _check_subject(subject: Subject, where: Where) -> None:
    """(1) the stack that is running is the one the gate looks up."""
    told = (where.organisation, where.project, where.stack)
    if told != (subject.organisation, subject.project, subject.stack):
        raise Refused(
            1,
            "the running program and its Pulumi.yaml name different stacks",
            field="subject",
            expected="/".join(told),
            found=str(subject),
        )


def _leave(refusal: MandateError) -> NoReturn:
    """Tell the engine why, synchronously, and end the program.

    Not by an exception: the SDK would first register the stack's own resource, and a program may
    catch it. The exit code is the one by which language hosts know that the error was shown.
    """
    from pulumi.runtime.proto import engine_pb2
    from pulumi.runtime.settings import get_engine

    engine = get_engine()
    if engine is not None:
        with suppress(Exception):  # the refusal stands whether or not it can be shown
            engine.Log(
                engine_pb2.LogRequest(severity=engine_pb2.ERROR, message=refusal.diagnostics())
            )
    record_refusal(refusal)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_ALREADY_SHOWN)


def _refuse_with(refusal: MandateError) -> Any:
    def judge(call: HookCall) -> None:
        raise Refused(10, f"{call.moment} of {call.urn}: {refusal.happened}")

    return judge


def _show_standing(where: Where) -> None:
    """Best effort: a preview never needs a mandate, a chain, or this message."""
    from .standing import sentence_for

    try:
        _say(sentence_for(where.root, where.full_stack))
    except Exception as error:
        happened = getattr(error, "happened", type(error).__name__)
        _say(f"the mandate's standing cannot be told: {happened}")


def _say(line: str) -> None:
    print(f"mandate: {line}", flush=True)
