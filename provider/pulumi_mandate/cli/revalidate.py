"""`mandate revalidate`: are the pending proposals still what the program wants?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import EmptyPlan, Refused, UsageError
from ..models import to_hex
from ._command import Call, command
from ._output import Answer, Style, progress
from ._program import (
    ProgramChoice,
    build_plan,
    own_terms,
    program_options,
    selected_stack,
    window_options,
)
from .propose import summary_of, title_of

if TYPE_CHECKING:
    from ..gate.pending import Pending
    from ..plan.document import Document
    from ..plan.revalidation import Revalidation
    from ._session import Session

_SHOWN = 3
_SENTENCES = {
    "retain": "still exactly what the program wants; the votes stand",
    "replace": "the program wants something else",
    "clear": "nothing is left to do",
}


@dataclass(frozen=True, slots=True)
class _Row:
    pending: Pending
    found: Revalidation
    done: str = ""

    @property
    def stale(self) -> bool:
        return self.found.verdict.value != "retain" and not self.done

    def as_data(self) -> dict[str, Any]:
        return {
            "proposal": self.pending.proposal.number,
            "planHash": to_hex(self.pending.proposal.plan_hash or b""),
            "verdict": self.found.verdict.value,
            "differences": [
                {"field": d.field, "expected": d.expected, "found": d.found}
                for d in self.found.differences
            ],
            "done": self.done,
        }


@command(
    "revalidate",
    "Are pending proposals still what is wanted?",
    signs=True,
    examples=("mandate revalidate --as ana", "mandate revalidate --as ana --apply"),
)
@program_options
@window_options
@click.option(
    "--apply",
    "act",
    is_flag=True,
    help="Withdraw what is stale, and propose anew what is still wanted.",
)
def revalidate(  # noqa: PLR0913, PLR0917  # one argument per option
    call: Call, folder: Path, stack: str | None, window: int, salt: str | None, act: bool
) -> Answer:
    """Preview the program again and compare each pending proposal of its stack with it.

    Retain: the same plan, the votes stand. Replace: another plan. Clear: nothing left to do. Exits
    with 3 where something is stale and stays so; with --apply only your own proposals are touched.
    """
    session = call.session
    program = ProgramChoice(folder, selected_stack(ProgramChoice(folder, stack)))
    waiting = _pending(session, program)
    if not waiting:
        return Answer({"proposals": []}, "no proposal of this stack is pending")
    rows: list[_Row] = []
    # A plan is compared with a preview of its own: an update, of its part of the stack; a destroy.
    for mine in sorted({_preview_of(one.document) for one in waiting}):
        alike = [one for one in waiting if _preview_of(one.document) == mine]
        rows += _alike(call, program, alike, act=act, window=window, salt=salt)
    return _answer(rows, call.style)


def _pending(session: Session, program: ProgramChoice) -> list[Pending]:
    from ..gate.pending import pending_plans
    from ..gate.prepare import subject_of
    from ..gate.where import ProgramAt

    at = ProgramAt(program.folder.resolve(), str(program.stack))
    return pending_plans(session.machine, subject_of(at, session.trust))


def _preview_of(document: Document) -> tuple[str, tuple[str, ...]]:
    """Kind and flags of the command that a plan is of."""
    from ..gate.flags import flags_of

    return document.content["kind"], flags_of(document.content)


def _alike(  # noqa: PLR0913  # what the person typed, each by name
    call: Call,
    program: ProgramChoice,
    waiting: list[Pending],
    *,
    act: bool,
    window: int,
    salt: str | None,
) -> list[_Row]:
    from ..plan.revalidation import revalidate as judge

    kind, flags = _preview_of(waiting[0].document)
    program = replace(program, flags=flags)
    progress("previewing the program (" + " ".join([kind, *flags]) + ")")
    terms = own_terms(call.session, window=window, salt=salt)
    try:
        wanted = build_plan(call.session, program, replace(terms, again=True), kind=kind)
    except EmptyPlan:
        wanted = None
    rows = [_Row(one, judge(one.document, wanted)) for one in waiting]
    if not act:
        return rows
    fresh = None  # what is only compared says other things than what is voted on
    if wanted is not None and all(row.stale for row in rows):
        fresh = build_plan(call.session, program, terms, kind=kind)
    return _apply(call.session, rows, fresh, program)


def _apply(
    session: Session, rows: list[_Row], wanted: Document | None, program: ProgramChoice
) -> list[_Row]:
    """Withdraw first: two plans of one change must never stand side by side.

    `wanted` is to be proposed; None where nothing is, or where one that is retained says it.
    """
    from ..gate.proposal import require_proposable

    stale = [row for row in rows if row.stale]
    _require_own(session, stale)
    if stale and wanted is not None:
        require_proposable(wanted, session.machine)  # else nothing would be pending afterwards
    done = {row.pending.proposal.number: _withdraw(session, row) for row in stale}
    if stale and wanted is not None:
        numbers = ", ".join(str(number) for number in done)
        new = _propose(session, wanted, program, replacing=numbers)
        done = dict.fromkeys(done, f"withdrawn; replaced by proposal {new}")
    return [replace(row, done=done.get(row.pending.proposal.number, "")) for row in rows]


def _require_own(session: Session, rows: list[_Row]) -> None:
    mine = session.account.address.lower()
    for row in rows:
        proposer = row.pending.document.fields().proposer
        if proposer.lower() != mine:
            raise UsageError(
                f"proposal {row.pending.proposal.number} is {proposer}'s, so only he may withdraw "
                "it; nothing was withdrawn",
                next_step="ask for: mandate revalidate --apply, with that account",
            )


def _withdraw(session: Session, row: _Row) -> str:
    progress(f"withdrawing proposal {row.pending.proposal.number}")
    session.registry.withdraw(row.pending.document.fields(), session.account)
    return "withdrawn"


def _propose(session: Session, wanted: Document, program: ProgramChoice, *, replacing: str) -> int:
    from ..gate.proposal import open_proposal

    progress("sending the new proposal")
    title = f"{title_of(wanted, None)} (replaces proposal {replacing})"
    made = open_proposal(
        wanted,
        session.machine,
        session.account,
        folder=program.folder.resolve(),
        title=title,
        summary=summary_of(wanted),
    )
    return made.number


def _answer(rows: list[_Row], style: Style) -> Answer:
    lines = []
    for row in rows:
        verdict = row.found.verdict.value
        paint = style.good if verdict == "retain" else style.bad
        lines.append(
            f"proposal {row.pending.proposal.number}: {paint(verdict)}, {_SENTENCES[verdict]}"
            + (f"; {row.done}" if row.done else "")
        )
        shown = row.found.differences[:_SHOWN]
        lines += [f"    {d.field}: {d.expected} -> {d.found}" for d in shown]
        if len(row.found.differences) > _SHOWN:
            lines.append(f"    and {len(row.found.differences) - _SHOWN} more (each: --json)")
    stale = any(row.stale for row in rows)
    if stale:
        lines.append("next: mandate revalidate --apply")
    data = {"proposals": [row.as_data() for row in rows]}
    return Answer(data, "\n".join(lines), exit_code=Refused.exit_code if stale else 0)
