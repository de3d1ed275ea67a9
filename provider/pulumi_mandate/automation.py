"""The Automation API under the gate: `up`, `destroy` and `refresh` of one of its stacks.

An inline program is a function of a running process, and nobody can vote on a process. So the
function must be one that the checkout has: in a module of the stack's work directory, which voters
hash, with an entry beside it that calls it. What runs is then that directory, as plain `pulumi up`
would run it, through the very same gate; a function that is only in memory is refused.

```python
# shop.py                              # __main__.py: what `entry(deploy)` gives
def deploy():                          from shop import deploy
    pulumi_mandate.govern()            deploy()
    ...

stack = auto.select_stack("dev", project_name="shop", program=deploy,
                          opts=auto.LocalWorkspaceOptions(work_dir="infra"))
await automation.up_async(stack)       # or automation.up(stack)
```

`mandate preview`, `propose` and everything else work in that directory as for any program; the
Automation API's own `stack.up()` of an inline program is refused by `govern()`.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .errors import EngineError, MandateError, PartlyApplied, Refused, UsageError
from .gate.command import Outcome, run_command
from .gate.engine import SAME_IN_BOTH
from .gate.flags import bound_flags
from .gate.where import ProgramAt

if TYPE_CHECKING:
    from pulumi.automation import OutputMap, Stack

ENTRY = "__main__.py"
_STEP = 1


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a command that ended well."""

    sentence: str
    run: Mapping[str, Any] | None
    """The run's result, as `mandate up --json` gives it; None where nothing was to be done."""
    outputs: OutputMap = field(repr=False)
    """The stack's outputs afterwards, secrets in the clear."""


def up(  # noqa: PLR0913  # the flags that a plan may bind, as the Automation API names them
    stack: Stack,
    *,
    message: str | None = None,
    target: Sequence[str] = (),
    exclude: Sequence[str] = (),
    replace: Sequence[str] = (),
    target_dependents: bool = False,
    exclude_dependents: bool = False,
) -> Done:
    """Update a stack, if and only if the mandate stands.

    The flags are part of the plan: one that was proposed with them runs with exactly them.

    Raises `Refused` without a mandate, and for a program that voters cannot have read; the other
    `MandateError`s as `mandate up` exits with.
    """
    options = [
        *(("target", urn) for urn in target),
        *(("exclude", urn) for urn in exclude),
        *(("replace", urn) for urn in replace),
        ("target-dependents", str(target_dependents).lower()),
        ("exclude-dependents", str(exclude_dependents).lower()),
    ]
    return _run(stack, "up", message, bound_flags(options))


def destroy(
    stack: Stack,
    *,
    message: str | None = None,
    target: Sequence[str] = (),
    exclude: Sequence[str] = (),
    target_dependents: bool = False,
) -> Done:
    """Delete a stack's resources, or a part of them, if and only if the mandate for that stands.

    Raises as `up`.
    """
    options = [
        *(("target", urn) for urn in target),
        *(("exclude", urn) for urn in exclude),
        ("target-dependents", str(target_dependents).lower()),
    ]
    return _run(stack, "destroy", message, bound_flags(options))


def refresh(stack: Stack, *, message: str | None = None) -> Done:
    """Take over what a refresh finds, if and only if its mandate stands. Raises as `up`."""
    return _run(stack, "refresh", message)


async def up_async(stack: Stack, **options: Any) -> Done:
    """`up`, in a thread of its own: the event loop goes on."""
    return await asyncio.to_thread(up, stack, **options)


def entry(program: Callable[[], Any]) -> str:
    """The text of the file beside an inline program's module that runs it, for plain `pulumi up`.

    Raises `Refused` for a function that no file can name.
    """
    _, name = _named(program)
    return f"from {program.__module__} import {name}\n\n{name}()\n"


def _run(stack: Stack, kind: str, message: str | None, flags: tuple[str, ...] = ()) -> Done:
    folder = Path(stack.workspace.work_dir).resolve()
    if stack.workspace.program is not None:
        check_inline(stack.workspace.program, folder)
    outcome = run_command(
        ProgramAt(folder, stack.name, flags=flags),
        kind=kind,
        message=message,
        environment=_environment(stack),
        say=_say,
    )
    _raise_unless_done(outcome)
    return Done(outcome.sentence, outcome.facts.get("run"), stack.outputs())


def check_inline(program: Callable[[], Any], folder: Path) -> None:
    """The function is the one that the folder's entry runs. Raises `Refused`."""
    file, _ = _named(program)
    place = folder.joinpath(*program.__module__.split("."))
    if file not in (place.with_suffix(".py"), place / "__init__.py"):
        raise _refused(
            "is not in the stack's work directory",
            found=str(file),
            next_step=f"give the work directory that has it: work_dir={str(file.parent)!r}",
        )
    wanted = entry(program)
    try:
        found = (folder / ENTRY).read_text(encoding="utf-8")
    except OSError:
        found = ""
    if found != wanted:
        raise Refused(
            _STEP,
            f"{folder / ENTRY} does not run the inline program",
            field="program",
            expected=wanted,
            found=found[:200] or "no such file",
            meaning="Voters read the files of the folder, so the folder itself must run it.",
            next_step="write it: Path(work_dir, '__main__.py').write_text("
            "pulumi_mandate.automation.entry(program)); then: mandate propose",
        )


def _named(program: Callable[[], Any]) -> tuple[Path, str]:
    """The file and the name of a function that a file can import. Raises `Refused`."""
    if not isinstance(program, FunctionType):
        raise _refused("is no function", found=type(program).__name__)
    name = program.__qualname__
    if not name.isidentifier():
        raise _refused("is a lambda or is defined inside another function or class", found=name)
    if inspect.iscoroutinefunction(program):
        raise _refused("is a coroutine function, which an entry cannot call", found=name)
    module = sys.modules.get(program.__module__)
    source = getattr(module, "__file__", None)
    if program.__module__ == "__main__" or module is None or source is None:
        raise _refused("is defined in the script that is running", found=program.__module__)
    if vars(module).get(name) is not program:
        raise _refused("is not what its module has under that name", found=name)
    return Path(source).resolve(), name


def _environment(stack: Stack) -> dict[str, str]:
    """The engine's, as the Automation API would start it."""
    workspace = stack.workspace
    own = dict(workspace.env_vars or {})
    for name in sorted(SAME_IN_BOTH & own.keys()):
        raise UsageError(
            f"{name} is set for one stack only",
            meaning="This process and the gate must read the same trust and the same runs.",
            next_step=f"set {name} for the whole process",
        )
    if workspace.pulumi_home:
        own["PULUMI_HOME"] = workspace.pulumi_home
    return dict(os.environ) | own


def _raise_unless_done(outcome: Outcome) -> None:
    if outcome.exit_code == 0:
        return
    if outcome.exit_code == Refused.exit_code:
        raise Refused(10, outcome.sentence)
    kinds = (PartlyApplied, EngineError)
    kind = next((one for one in kinds if one.exit_code == outcome.exit_code), MandateError)
    raise kind(outcome.sentence)


def _refused(what: str, *, found: str, next_step: str = "") -> Refused:
    return Refused(
        _STEP,
        f"the inline program {what}",
        field="program",
        expected="a function of a module in the stack's work directory",
        found=found,
        meaning="Voters read files; this function may be another one in the next process.",
        next_step=next_step or "put it at the top level of a module beside Pulumi.yaml",
    )


def _say(line: str) -> None:
    print(f"mandate: {line}", file=sys.stderr, flush=True)
