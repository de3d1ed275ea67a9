"""`mandate resume`: finish what a killed process left behind."""

from __future__ import annotations

from typing import Any

import click

from ..errors import MandateError, PartlyApplied, Refused, UsageError
from ._command import Call, command
from ._output import Answer, progress
from ._runs import unfinished_runs


@command(
    "resume",
    "Finish what a killed process left behind.",
    examples=("mandate resume", "mandate resume --give-up", "mandate resume --json"),
)
@click.argument("run", required=False, metavar="[RUN-ID]")
@click.option("--give-up", is_flag=True, help="State a half-done run as failed; spends it.")
def resume(call: Call, run: str | None, give_up: bool) -> Answer:
    """Finish or repair interrupted runs of this machine.

    Looks at each run's journal, the stack's state and the chain, and states on chain what really
    happened. Where operations are still missing it says so and exits with 7: the same command
    goes on under the same mandate while its lease lasts. What is not healthy is rolled back first,
    if it may be.
    """
    from ..gate.closing import again_by, finish_alone
    from ..gate.judging import OPEN

    waiting = [
        folder
        for folder in unfinished_runs(call.session.machine)
        if run is None or folder.path.name == run.removeprefix("0x")
    ]
    if not waiting and (run is not None or give_up):
        raise _none(run)
    results = [
        finish_alone(folder, call.session.machine, give_up=give_up, progress=progress)
        for folder in waiting
    ]
    text = "\n".join(_sentence(result) for result in results) or "no run was interrupted"
    still_open = any(result["status"] == OPEN for result in results)
    if still_open:
        commands = {again_by(result) for result in results if result["status"] == OPEN}
        text += "".join(f"\nnext: {command}" for command in sorted(commands))
    return Answer({"runs": results}, text, exit_code=PartlyApplied.exit_code if still_open else 0)


def _none(run: str | None) -> MandateError:
    """Why what was asked for cannot be done."""
    from ..gate.folder import run_folders

    if run is None:
        return Refused(
            0, "no run was interrupted, so there is none to give up", next_step="mandate status"
        )
    for folder in run_folders():
        result = folder.result()
        if folder.path.name == run.removeprefix("0x") and result is not None:
            return Refused(
                0,
                f"the run is closed already: {result['status']}",
                next_step=f"mandate trace {result['planHash']}",
            )
    return UsageError(f"no interrupted run {run} on this machine", next_step="mandate resume")


def _sentence(result: dict[str, Any]) -> str:
    lines = [f"run {result['runId'][:10]}… of plan {result['planHash'][:10]}…: {result['status']}"]
    lines += [f"    {reason}" for reason in result.get("reasons", [])]
    if result["status"] == "failed" and "next" in result:
        lines.append(f"    next: {result['next']}")
    return "\n".join(lines)
