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
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from pulumi_mandate.errors import MandateError, Refused

from .ahead import asked_in_a_program
from .ancestor import find_engine
from .call_stacks import send_own_frames_only
from .descendant import end_engines_below
from .engine_hooks import EngineHooks
from .environment import NESTED_MARK
from .folder import mandate_home
from .outer import inline_program
from .refusals import record_refusal
from .where import Where
from .wire import HookCall

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
    dry = False  # until the engine says so, this counts as a real update
    try:
        dry = pulumi.runtime.is_dry_run()
        # Names in both: a preview fails where a hook that the state names is unknown.
        hooks.register(monitor)
        place = _place(pulumi)
        if place is not None:
            send_own_frames_only(monitor, place.root)
        if not dry:
            if place is None:
                raise inline_program()
            look = asked_in_a_program(place.root)
            from .opening import open_gate

            hooks.decide_with(open_gate(place, _say, look))
    except Exception as failure:
        if dry:
            raise
        # A defect of ours refuses like any other doubt: no `except` of the program may survive it.
        refusal = failure if isinstance(failure, MandateError) else _defect(failure)
        hooks.decide_with(_refuse_with(refusal))
        _leave(refusal)
    # The mark silences a message and nothing else, so a program gains nothing by setting it.
    if dry and place is not None and not os.environ.get(NESTED_MARK):
        _show_standing(place)


def _place(pulumi: Any) -> Where | None:
    """Of an inline program of the Automation API, which has no folder, None."""
    from pulumi.runtime.settings import get_root_directory

    root: str | None = get_root_directory()
    if root is None:
        return None
    return Where(
        root=Path(root).resolve(),
        organisation=pulumi.get_organization(),
        project=pulumi.get_project(),
        stack=pulumi.get_stack(),
    )


def _leave(refusal: MandateError) -> NoReturn:
    """Tell the engine why, synchronously, and end the program.

    Not by an exception: the SDK would first register the stack's own resource, and a program may
    catch it. The exit code is the one by which language hosts know that the error was shown.
    """
    from pulumi.runtime.proto import engine_pb2
    from pulumi.runtime.settings import get_engine

    try:
        engine = get_engine()
        if engine is not None:
            with suppress(Exception):  # the refusal stands whether or not it can be shown
                engine.Log(
                    engine_pb2.LogRequest(severity=engine_pb2.ERROR, message=refusal.diagnostics())
                )
        record_refusal(refusal)
        if not _is_below_an_engine():  # an inline program: the engine is below
            print(refusal.diagnostics(), file=sys.stderr)
            if not end_engines_below():
                print("the stack may be locked still; next: pulumi cancel", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(_ALREADY_SHOWN)


def _is_below_an_engine() -> bool:
    with suppress(MandateError):
        return find_engine().pid > 0
    return False


def _defect(failure: Exception) -> MandateError:
    """The trace goes to a private file: its last line may quote a value that others may not see."""
    log = Path("gate-failure.log")
    with suppress(Exception):  # a person without a home folder is refused as well
        log = mandate_home() / log
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            traceback.print_exception(failure, file=file)
    return MandateError(
        f"the gate itself failed ({type(failure).__name__}), so the update is refused",
        meaning="This is a defect. Nothing was changed after it.",
        next_step=f"report it with {log}, which only you can read",
    )


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
