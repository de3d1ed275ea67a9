"""Decide whether one approved plan may run now. No I/O: the caller fetched everything.

The order of a run. Each check below carries its number; any doubt refuses, with that number.

(1)  the outer command and its environment are understood, the subject's lock is ours  [run, outer]
(2)  the mandate and the subject's config, grants at a final block, denials at the latest one
(3)  approved, inside its window, nothing else runs on the subject
(4)  the stored bytes hash to the document that the approved plan hash binds
(5)  judged under the subject's rules: tier, constraints and checks follow from them
(6)  the program and the toolchain here are the ones approved
(7)  the whole stack, previewed again, wants exactly the approved effects
(8)  the executor's key signs the order, `begin` spends the mandate                     [run]
(9)  `begin` is final                                                                    [run]
(10) each operation is an approved one, once; denials are read again
[operations]
(11) what the rules ask afterwards says that it is healthy                               [closing]
(12) where it does not: the former program, if it wants exactly the approved inverse
                                                                               [rollback, undoing]
(13) receipt, `complete` or `fail`                                              [closing, watcher]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulumi_mandate.errors import Refused
from pulumi_mandate.models import (
    ZERO,
    Address,
    ExecutionOrder,
    MandateState,
    keccak,
    plan_hash,
    to_hex,
)
from pulumi_mandate.plan.compare import differences
from pulumi_mandate.plan.document import Document

from .facts import Evidence

Check = Callable[[Evidence, Document], None]
_DRAWN_AGAIN = (
    " It looks like a name that a provider draws anew in every preview, in a way that nobody here "
    "can compute again."
)
_NAME_IT = (
    "name the resource in the program, or let the engine draw names: pulumi config set --path "
    "pulumi:autonaming.pattern '${name}-${hex(7)}'; then mandate propose"
)


def verify(evidence: Evidence, checks: Sequence[Check] | None = None) -> Document:
    """Steps (2) to (6). Returns the approved document; raises `Refused` with the step's number."""
    chosen = CHECKS if checks is None else checks
    if not chosen:  # silence is refusal
        raise Refused(2, "no check was configured, so nothing can be allowed")
    document = _load(evidence)
    for check in chosen:
        check(evidence, document)
    return document


def _load(evidence: Evidence) -> Document:
    # (4) first, because every other check reads the document: hash the bytes, then parse them.
    found = keccak(evidence.stored)
    if found != evidence.document_digest:
        raise Refused(
            4,
            "the plan store gave other bytes than the ones approved",
            field="document",
            expected=to_hex(evidence.document_digest),
            found=to_hex(found),
            meaning="The store is damaged, or somebody swapped the document.",
            next_step="put the original back: mandate propose --plan FILE --resend",
        )
    return Document.load(evidence.stored)


def check_subject(evidence: Evidence, document: Document) -> None:
    """(2) the subject is governed, and the plan is about it."""
    if evidence.config_version == 0:
        raise Refused(
            2,
            "this stack has no config in the registry, so nobody has said who may change it",
            field="subject",
            expected="a subject config",
            found=to_hex(evidence.subject),
            next_step="mandate doctor",
        )
    planned = document.fields().subject
    if planned != evidence.subject:
        raise Refused(
            2,
            "the mandate is for another stack",
            field="subject",
            expected=to_hex(planned),
            found=to_hex(evidence.subject),
            next_step="mandate propose",
        )
    backend = keccak(document.subject.backend.encode())
    key = document.content["secretKeyId"]
    for field, expected, found in (
        ("backend", to_hex(evidence.backend), to_hex(backend)),
        ("secretKeyId", to_hex(evidence.secret_key_id), key),
    ):
        if expected != found:
            raise Refused(
                2,
                f"the plan's {field} is not the one in the subject's config",
                field=field,
                expected=expected,
                found=found,
                next_step="use the stack's own, then: mandate propose",
            )


def check_parties(evidence: Evidence, document: Document) -> None:
    """(2) proposer, executor and runner are three parties, and both keys are enrolled."""
    if not evidence.executor_active:
        raise executor_not_enrolled(evidence.executor)
    if not evidence.runner_enrolled:
        raise Refused(
            2,
            f"the runner {evidence.runner} is not enrolled for this stack",
            next_step="ask for the runner to be enrolled by a plan for the subject's config",
        )
    proposer = document.fields().proposer
    for one, other, name in (
        (evidence.executor, proposer, "proposer and executor"),
        (evidence.executor, evidence.runner, "runner and executor"),
    ):
        if one.lower() == other.lower():
            raise Refused(
                2,
                f"{name} are the same key {one}",
                meaning="Nobody may approve or run alone what he signs for.",
                next_step="use separate keys",
            )


def executor_not_enrolled(executor: Address) -> Refused:
    """(2) what the gate and `mandate doctor` say of a key that works and may not order anything."""
    return Refused(
        2,
        f"the executor's key {executor} is not enrolled, or was revoked",
        meaning="The key itself works; the registry takes no orders from it.",
        next_step="have it enrolled by a vote, or name another in the trust file",
    )


def check_state(evidence: Evidence, document: Document) -> None:
    """(3) granted at a final block, denied nowhere."""
    wanted = MandateState.RUNNING if evidence.resuming else MandateState.APPROVED
    for state, where in ((evidence.denied, "now"), (evidence.granted, "at the last final block")):
        if state is not wanted:
            raise Refused(
                3,
                f"the mandate is {state.name.lower()} {where}",
                field="state",
                expected=wanted.name.lower(),
                found=state.name.lower(),
                meaning=_MEANING.get(state, ""),
                next_step=_NEXT.get(state, "mandate propose"),
            )
    if evidence.resuming and evidence.resumed_run != evidence.chain_run:
        raise Refused(
            3,
            "another run spent this mandate",
            field="run",
            expected=to_hex(evidence.chain_run),
            found=to_hex(evidence.resumed_run),
            next_step="mandate propose",
        )


_MEANING = {
    MandateState.NONE: "Nobody has approved this plan yet, or the approval is not final.",
    MandateState.RUNNING: "It is being run already; a mandate runs once.",
    MandateState.UNCONFIRMED: "It was run to its end; a mandate runs once.",
    MandateState.CONFIRMED: "It was run to its end; a mandate runs once.",
    MandateState.FAILED: "Its run failed; a mandate runs once.",
    MandateState.ABANDONED: "Its run was abandoned; a mandate runs once.",
    MandateState.REVOKED: "The guardian burned it.",
    MandateState.STOPPING: "The guardian stopped its run.",
    MandateState.WITHDRAWN: "Its proposer withdrew it.",
    MandateState.EXPIRED: "Its time is over.",
}
_NEXT = {
    MandateState.NONE: "mandate status",
    MandateState.RUNNING: "mandate status",
    MandateState.STOPPING: "mandate resume --give-up",
}


def check_window(evidence: Evidence, document: Document) -> None:
    """(3) not before its time, not after it; while resuming, not after the lease."""
    fields = document.fields()
    ends = min(fields.expires_at, evidence.expires_at)
    if evidence.now < fields.not_before:
        raise Refused(
            3,
            "the mandate's window has not begun",
            field="window",
            expected=f"from {fields.not_before}",
            found=str(evidence.now),
            next_step="wait, then run the same command again",
        )
    if evidence.latest >= ends:
        raise Refused(
            3,
            "the mandate's window is over",
            field="window",
            expected=f"until {ends}",
            found=str(evidence.latest),
            next_step="mandate propose",
        )
    if evidence.resuming and evidence.latest >= evidence.lease_until:
        raise Refused(
            3,
            "the lease of the run is over",
            field="lease",
            expected=f"until {evidence.lease_until}",
            found=str(evidence.latest),
            next_step="mandate resume --give-up, then mandate propose",
        )


def check_alone(evidence: Evidence, document: Document) -> None:
    """(3) nothing else runs on the subject."""
    mine = evidence.approved if evidence.resuming else ZERO
    if evidence.running != mine:
        raise Refused(
            3,
            "another plan runs on this stack",
            field="running",
            expected=to_hex(mine),
            found=to_hex(evidence.running),
            next_step="mandate status",
        )


def check_binding(evidence: Evidence, document: Document) -> None:
    """(4) the document is the one that the approved hash stands for, on this chain and registry."""
    found = plan_hash(evidence.domain, document.fields())
    if found != evidence.approved:
        raise Refused(
            4,
            "the document does not hash to the approved plan",
            field="plan hash",
            expected=to_hex(evidence.approved),
            found=to_hex(found),
            meaning="Chain, registry, or one of the plan's fields is not what was voted on.",
            next_step="mandate verify " + to_hex(evidence.approved),
        )


def check_rules(evidence: Evidence, document: Document) -> None:
    """(5) judged under the rules on chain, and judged here again."""
    planned = document.fields().rules
    for digest, whose in ((evidence.rules, "the registry"), (evidence.rules_here, "this machine")):
        if planned != digest:
            raise Refused(
                5,
                f"the plan was judged under other rules than those of {whose}",
                field="rules",
                expected=to_hex(planned),
                found=to_hex(digest),
                next_step="mandate propose",
            )


def check_tier(evidence: Evidence, document: Document) -> None:
    """(5) tier, constraints and checks follow from the rules; that tier's electorate agreed."""
    if evidence.misjudged:
        raise Refused(
            5,
            f"the plan is judged otherwise here: {evidence.misjudged}",
            meaning="What voters read about it does not follow from the subject's rules.",
            next_step="mandate propose",
        )
    planned = document.fields().tier
    if evidence.tier is not planned:
        raise Refused(
            5,
            "the plan was approved at another tier than it needs",
            field="tier",
            expected=evidence.tier.name.lower(),
            found=planned.name.lower(),
            next_step="mandate propose",
        )


def check_program(evidence: Evidence, document: Document) -> None:
    """(6) what would run here is what was hashed."""
    if evidence.program != document.fields().program:
        raise Refused(
            6,
            "the program is not the one that was voted on",
            field="program",
            expected=to_hex(document.fields().program),
            found=to_hex(evidence.program),
            meaning="A file of the source tree changed after the proposal.",
            next_step="check out the approved source, or: mandate propose",
        )


def check_toolchain(evidence: Evidence, document: Document) -> None:
    """(6) engine, packages and bound environment are the ones approved."""
    if evidence.toolchain != document.fields().toolchain:
        name, expected, found = _first_part(
            document.content["toolchain"], evidence.toolchain_content
        )
        raise Refused(
            6,
            "the toolchain is not the one that was voted on",
            field=name,
            expected=expected,
            found=found,
            meaning="The engine, an installed package or an endpoint differs.",
            next_step="mandate preview --against " + to_hex(evidence.approved),
        )


def _first_part(approved: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[str, str, str]:
    """Name and both values of the first part of a toolchain that differs."""
    for part in sorted(approved.keys() | here.keys()):
        one, other = approved.get(part), here.get(part)
        if one == other:
            continue
        if part != "packages" or not isinstance(one, list) or not isinstance(other, list):
            return f"toolchain.{part}", str(one), str(other)
        ours = {package["name"]: package for package in one}
        theirs = {package["name"]: package for package in other}
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name) != theirs.get(name):
                return f"toolchain.{name}", _package(ours.get(name)), _package(theirs.get(name))
    return "toolchain", "another order", "this one"


def _package(package: Mapping[str, Any] | None) -> str:
    return f"{package['version']} {package['digest']}".strip() if package else "absent"


MANDATE_CHECKS: tuple[Check, ...] = (
    check_subject,
    check_parties,
    check_state,
    check_window,
    check_alone,
    check_binding,
    check_rules,
    check_tier,
)
"""Steps (2) to (5): what can be checked by whoever has no copy of the program, as the broker."""
CHECKS: tuple[Check, ...] = (*MANDATE_CHECKS, check_program, check_toolchain)
"""Steps (2) to (6), in the order in which a person wants to hear about them."""
UNDO_CHECKS: tuple[Check, ...] = (
    check_subject,
    check_parties,
    check_alone,
    check_binding,
    check_rules,
    check_tier,
    check_toolchain,
)
"""(12) what must still hold where a run is rolled back: another program, and a run that may be
stopping (`rollback.require_lawful` judges that)."""


def verify_effects(approved: Document, found: Document, *, resuming: bool = False) -> None:
    """(7) the stack, previewed again here, wants what was approved, or lawfully the rest of it."""
    found_differences = differences(approved, found, resuming=resuming)
    if not found_differences:
        return
    first = found_differences[0]
    more = len(found_differences) - 1
    raise Refused(
        7,
        "the program wants something else than what was approved"
        + (f" (and {more} more differences)" if more else ""),
        field=first.field,
        expected=str(first.expected),
        found=str(first.found),
        meaning="Nothing was changed." + (_DRAWN_AGAIN if first.drawn_again else ""),
        next_step=_NAME_IT if first.drawn_again else "mandate propose",
    )


def verify_order(evidence: Evidence, order: ExecutionOrder, key_epoch: int) -> None:
    """(8) the order to be signed spends this mandate, for this runner, under the current key."""
    expected = (evidence.approved, evidence.runner.lower(), key_epoch)
    found = (order.plan_hash, order.runner.lower(), order.key_epoch)
    if expected != found or order.run_id == ZERO:
        raise Refused(8, "the execution order does not fit the mandate")
