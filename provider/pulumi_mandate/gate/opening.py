"""A real update, from the first line of its program to the judge of its operations: steps (1) to
(9).

Everything here may refuse, and until `begin` is sent nothing anywhere has been changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pulumi_mandate.errors import EmptyPlan, Refused
from pulumi_mandate.models import ZERO, Address, Subject, to_hex
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.raw import RawPreview

from .ancestor import read_outer_command
from .engine import NOTHING_AHEAD, Ask, Look, check_engine
from .engine_hooks import Judge, refuse_everything
from .evidence import Candidate, closest
from .folder import RunFolder, SubjectLock, run_begun_for
from .joining import join_run, judge_of
from .journal import REFUSED, Entry
from .machine import Machine, open_machine
from .prepare import (
    Before,
    Prepared,
    check_hooks,
    document_of,
    look_here,
    preview_of,
    subject_of,
)
from .run import (
    Base,
    Place,
    begin_run,
    check_packages_still,
    check_program_still,
    resume_run,
)
from .search import choose, look_for_run
from .state import resource_digests
from .verify import verify_effects
from .watcher import end_with
from .where import ProgramAt, Where

_NOBODY = Address("0x" + "00" * 20)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Admission:
    """What may run: steps (1) to (7) hold."""

    candidate: Candidate
    """The mandate."""
    found: Document
    """What the program wants now: the approved document, or while resuming the rest of it."""
    prepared: Prepared


def open_gate(where: Where, say: Say, look: Look = NOTHING_AHEAD) -> Judge:
    """Find the mandate, spend it, and give back who decides about each operation.

    Under `mandate up` the mandate is spent already, and the program joins that run.

    Raises `MandateError`.
    """
    machine, place, environment, begun = _enter(where, look.ask)
    end_with(place.engine.pid, place.engine.started)
    if begun is not None:
        return join_run(machine, place, environment, begun, look)
    place.lock.take(progress=say)
    with previewing(machine, place, environment, say) as preview:
        # A run of ours that was cut off is finished first, or gone on with.
        unfinished = look_for_run(machine, place.subject, say)
        admission = admit(machine, place, environment, unfinished, preview, say, look)
    if admission is None:
        if unfinished is None:
            say("nothing to change, so no mandate is needed; any operation would be refused")
        else:
            resume_run(machine, unfinished, place, say)  # all is done: the watcher says so
        return refuse_everything
    return spend(machine, place, admission, unfinished, say)


def _enter(where: Where, ask: Ask) -> tuple[Machine, Place, dict[str, str], RunFolder | None]:
    """(1) the command, the environment, the trust file and the subject; and the run that was begun
    for this engine, whose subject `join_run` compares with what the engine says.
    """
    command, engine = read_outer_command()
    environment = check_engine(engine)
    machine = open_machine()
    begun = run_begun_for(engine)
    if begun is None:
        program = ProgramAt(where.root, where.full_stack)
        subject = subject_of(program, machine.trust, environment, ask)
    else:
        subject = begun.record().subject
    check_subject(subject, where)
    lock = SubjectLock(subject)
    place = Place(
        subject, where.full_stack, where.root, engine, lock, command.kind, flags=command.flags
    )
    return machine, place, environment, begun


@contextmanager
def previewing(
    machine: Machine,
    place: Place,
    environment: dict[str, str],
    say: Say,
    before: Before | None = None,
) -> Iterator[Future[RawPreview]]:
    """The whole stack, previewed in another process while this one hashes and asks the chain.

    The place's lock is held, so that no other run of this machine changes the state meanwhile.
    Finishing a run that was cut off changes it neither: that is stated on chain and in its folder.
    """
    say("previewing the whole stack again")
    program = _program(place)
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(preview_of, program, environment, place.kind, machine.trust, before)


def _program(place: Place) -> ProgramAt:
    return ProgramAt(place.workdir, place.stack, place.imports, place.flags)


def admit(  # noqa: PLR0913, PLR0917  # where, what was found, and what is being made
    machine: Machine,
    place: Place,
    environment: dict[str, str],
    unfinished: RunFolder | None,
    preview: Future[RawPreview],
    say: Say,
    look: Look = NOTHING_AHEAD,
) -> Admission | None:
    """(2) to (7). None where there is nothing to do."""
    here = look_here(
        _program(place),
        machine.trust,
        rules=machine.rules_of,
        environment=environment,
        subject=place.subject,
        look=look,
    )
    candidates = choose(machine, here, unfinished)
    machine.load_signing()
    prepared = Prepared.of(preview.result(), here)
    if place.inside:
        # Before "nothing to change": that too is said of a configuration.
        check_config(prepared.raw.config, prepared.raw.steps.get("config") or {})
    if place.hooked:
        check_hooks(prepared.raw)
    try:
        found = document_of(prepared, proposer=_NOBODY, window=(0, 1), salt=ZERO, again=True)
    except EmptyPlan:
        return None
    resuming = unfinished is not None
    best, _ = closest(candidates.standing(found), found, resuming=resuming)
    assert best.document is not None  # noqa: S101  # it stands
    say(f"the mandate {to_hex(best.plan_hash)[:10]}… stands")
    verify_effects(best.document, found, resuming=resuming)
    return Admission(best, found, prepared)


def spend(
    machine: Machine,
    place: Place,
    admission: Admission,
    unfinished: RunFolder | None,
    say: Say,
) -> Judge:
    """(8) and (9), and the judge for (10)."""
    candidate = admission.candidate
    assert candidate.document is not None  # noqa: S101  # it stands
    folder = start_run(machine, place, admission, unfinished, say)
    rest = admission.found if unfinished is not None else None
    values_of = admission.prepared.values_of
    return judge_of(machine, place, folder, candidate.document, rest, values_of)


def start_run(
    machine: Machine,
    place: Place,
    admission: Admission,
    unfinished: RunFolder | None,
    say: Say,
) -> RunFolder:
    """(8) and (9): a run under the mandate, begun or gone on with. Raises `MandateError`."""
    prepared, candidate = admission.prepared, admission.candidate
    assert candidate.document is not None  # noqa: S101  # it stands
    assert candidate.evidence is not None  # noqa: S101
    if unfinished is None:
        before = resource_digests(prepared.raw.before["deployment"], prepared.values_of)
        base = Base(before, dict(prepared.here.toolchain.modules))
        folder = begin_run(
            machine, candidate.evidence, candidate.document, place=place, base=base, say=say
        )
    else:
        folder = unfinished
        resume_run(machine, folder, place, say)
    _check_still(place, admission, folder)
    return folder


def _check_still(place: Place, admission: Admission, folder: RunFolder) -> None:
    """(9) what was digested before the wait for finality is what the program goes on to load.

    A run that began and may not go on is over: the journal's word makes the watcher fail it.
    """
    assert admission.candidate.document is not None  # noqa: S101  # it stands
    try:
        # The slow one first: the program is read as late as can be.
        if place.inside or not place.hooked:  # else the program looks at what it runs on itself
            check_packages_still(admission.prepared.here.toolchain)
        approved = admission.candidate.document.fields().program
        check_program_still(place.workdir, place.stack, approved)
    except Refused as refusal:
        entry = Entry(REFUSED, "begin", "", -1, refusal.happened, Refused.__name__)
        folder.journal.append(entry)
        raise


def check_config(previewed: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    """(7) the configuration that this update was started with is the one that was previewed.

    The engine read the stack's file when it was started, and a person or a lock may have kept it
    waiting since; the preview read the file again. `previewed` is the answer of `pulumi config
    --show-secrets --json`: its `value` is, character for character, what the engine gives a
    program, defaults of the project included. `shown` is the preview's own copy, in which secrets
    are masked. Raises `Refused`, which names a key and no value.
    """
    from pulumi.runtime import config

    running = config.CONFIG.get()
    for key in sorted(running.keys() | previewed.keys()):
        if key not in previewed:
            found = "only the running update has it"
        elif key not in running:
            found = "the running update lacks it"
        elif running[key] != previewed[key]["value"]:
            found = "another value"
        elif config.is_config_secret(key) is not bool(previewed[key]["secret"]):
            found = "a secret in one, and none in the other"
        elif not previewed[key]["secret"] and shown.get(key) != running[key]:
            found = "another value in the preview itself"
        else:
            continue
        raise Refused(
            7,
            f"the update was started with another configuration than the stack has now: `{key}`",
            field="config",
            expected="what the stack's file says now",
            found=found,
            meaning="The file changed after the engine had read it. Nothing was changed.",
            next_step="run the same command again",
        )


def check_subject(subject: Subject, where: Where) -> None:
    """(1) the stack that is running is the one the gate looks up. Raises `Refused`."""
    told = (where.organisation, where.project, where.stack)
    if told != (subject.organisation, subject.project, subject.stack):
        raise Refused(
            1,
            "the running program and its Pulumi.yaml name different stacks",
            field="subject",
            expected="/".join(told),
            found=str(subject),
        )
