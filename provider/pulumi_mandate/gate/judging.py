"""What became of a run: the state, the plan and the journal together. Pure.

A run is complete when the state shows every approved operation, and nothing changed that no hook
was asked about. A refusal, or a change nobody asked for, fails it. A run that merely stopped
half-way (a provider's error, a crash) is open.
An operation that a hook goes before was done only where the journal says that it was asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pulumi_mandate.errors import Refused
from pulumi_mandate.models import Digest, digest
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.inverse import touched_by
from pulumi_mandate.plan.receipt import DONE, NOT_DONE, UNDONE, OperationResult, Receipt

from .engine_hooks import carries
from .folder import RunRecord
from .journal import ALLOWED, REFUSED, Entry
from .operations import HOOKLESS, STEPS_OF, resolved_unknowns
from .standing import WITHOUT_PROGRAM
from .state import (
    ValuesOf,
    changed_urns,
    lost_hooks,
    other_options,
    post_state,
    reached,
    resource_digests,
)

JSON = Any

COMPLETED = "completed"
FAILED = "failed"
OPEN = "open"

_DEFAULT_PROVIDER = "::default"


@dataclass(frozen=True, slots=True)
class Ending:
    """What the state, the plan and the journal say together."""

    status: str
    """`completed`, `failed` or `open`."""
    receipt: Receipt
    reasons: tuple[str, ...]
    """Why it is not complete; of a complete run, what nobody could vouch for."""


def judge_run(  # noqa: PLR0913  # these are the six things that decide
    record: RunRecord,
    document: Document,
    entries: Sequence[Entry],
    deployment: JSON,
    values_of: ValuesOf,
    *,
    give_up: bool,
    succeeded: Callable[[], bool] = lambda: False,
) -> Ending:
    """Decide what became of a run. Pure: the caller read everything.

    `give_up` fails a run that is only half done (its lease is over, or somebody said so).
    `succeeded` says whether the engine itself ended well; asked only where nothing else can tell.
    """
    changed = changed_urns(record.before, resource_digests(deployment, values_of))
    done = _done(document, entries, reached(document, deployment, values_of), changed, succeeded)
    missing = [
        f"{operation['op']} of {operation['urn']} was not done"
        for operation, is_done in zip(document.operations, done, strict=True)
        if not is_done
    ]
    unasked = sorted(changed - _accounted(document, entries) - _former(document, deployment))
    refused = [e for e in entries if e.verdict == REFUSED and e.error == Refused.__name__]
    reasons = [f"{urn} changed and no check was asked" for urn in unasked]
    reasons += [f"refused: {entry.reason}" for entry in refused]
    stripped = lost_hooks(document, deployment, done)
    reasons += [f"{urn} no longer carries the hooks that were approved" for urn in stripped]
    given = other_options(document, deployment, values_of, done)
    reasons += [f"{urn} was given another {name} than was approved" for urn, name in given]
    status = OPEN if missing else COMPLETED
    if reasons or (missing and give_up):
        status = FAILED
    touched = changed | touched_by(document.operations)
    receipt = Receipt(
        plan_hash=record.plan_hash,
        run_id=record.run_id,
        results=_results(document, entries, done),
        post_state=post_state(deployment, touched, values_of),
    )
    return Ending(status, receipt, tuple(reasons + missing))


def judge_undone(  # noqa: PLR0913, PLR0917  # the five things that decide, and what was undone
    record: RunRecord,
    document: Document,
    entries: Sequence[Entry],
    deployment: JSON,
    values_of: ValuesOf,
    undone: Collection[str],
) -> Receipt:
    """The receipt of a run that had done everything, after its way back: `undone` are the URNs of
    operations whose inverse was done. Pure."""
    results = _results(document, entries, [True] * len(document.operations))
    changed = changed_urns(record.before, resource_digests(deployment, values_of))
    touched = changed | touched_by(document.operations)
    return Receipt(
        plan_hash=record.plan_hash,
        run_id=record.run_id,
        results=tuple(replace(one, outcome=UNDONE) if one.urn in undone else one
                      for one in results),
        post_state=post_state(deployment, touched, values_of),
    )  # fmt: skip


def _accounted(document: Document, entries: Sequence[Entry]) -> set[str]:
    """URNs that may have changed: a hook allowed it, or the plan has it and no hook exists."""
    asked = {entry.urn for entry in entries if entry.verdict == ALLOWED}
    hookless = {one["urn"] for one in document.operations if _is_hookless(document, one)}
    return asked | hookless


def _former(document: Document, deployment: JSON) -> set[str]:
    """Names that the plan takes from resources, and that are gone: the new ones are judged."""
    there = {resource["urn"] for resource in deployment.get("resources") or []}
    named = {one["urn"] for one in document.operations}
    return set(touched_by(document.operations)) - named - there


def _done(
    document: Document,
    entries: Sequence[Entry],
    shown: Sequence[bool],
    changed: set[str],
    succeeded: Callable[[], bool],
) -> list[bool]:
    """Which operations were done: the state shows it, and it did not show it before anyway.

    Entries of earlier attempts count: the rest of a create that was cut off comes back as an
    update, or not at all. An update that waits for an unknown fits its old values as well, and the
    engine asks nothing where the unknown became what it was: there the engine's word is needed.
    """
    asked = {(entry.urn, entry.moment) for entry in entries if entry.verdict == ALLOWED}

    def is_done(operation: JSON) -> bool:
        urn, op = operation["urn"], operation["op"]
        was_asked = _is_hookless(document, operation) or any(
            (urn, moment) in asked for moment in STEPS_OF if op in STEPS_OF[moment]
        )
        after = operation["after"]
        if op == "update" and next(resolved_unknowns(after, after), None) is not None:
            return (was_asked and urn in changed) or succeeded()
        return was_asked

    pairs = zip(document.operations, shown, strict=True)
    return [is_shown and is_done(operation) for operation, is_shown in pairs]


def _is_hookless(document: Document, operation: JSON) -> bool:
    """Whether the engine asks nobody: the plan alone covers this operation."""
    op, options = operation["op"], operation["options"]
    if op in HOOKLESS or _is_default_provider(operation["urn"]):
        return True
    if document.content["kind"] in WITHOUT_PROGRAM:
        return True
    # A program in Python has every hook by step (7); one in YAML has none. The engine takes a
    # delete's hooks from the state, which may be older than `govern()`.
    moment = next(moment for moment, ops in STEPS_OF.items() if op in ops)
    return not carries(moment, options["before" if moment == "delete" else "after"])


def _is_default_provider(urn: str) -> bool:
    """The engine makes these by itself, after the plan was compared, and asks no hook."""
    return "::pulumi:providers:" in urn and _DEFAULT_PROVIDER in urn


def _results(
    document: Document, entries: Sequence[Entry], done: Sequence[bool]
) -> tuple[OperationResult, ...]:
    resolved: dict[int, tuple[tuple[str, Digest], ...]] = {}
    for entry in entries:
        if entry.verdict == ALLOWED:  # the last one counts: a resumed run asks again
            resolved[entry.index] = tuple((path, digest(value)) for path, value in entry.resolved)
    return tuple(
        OperationResult(
            index=index,
            urn=operation["urn"],
            op=operation["op"],
            leaf=document.leaves[index],
            resolved=resolved.get(index, ()),
            outcome=DONE if done[index] else NOT_DONE,
        )
        for index, operation in enumerate(document.operations)
    )
