"""A program under `mandate up`: its run began before its engine was started, and it joins that run.

The process that became this engine took steps (1) to (9) (`wrapped`). The program previews nothing
again. It takes every step anew that needs no preview: the chain's word and the document, (2) to
(6), with what is installed *here*; the configuration that this very engine was given, against the
approved one (7); and the run, final on chain (9). Step (10) is the same as ever: each operation is
an approved one, once, whatever was previewed.

The former program of a run that is rolled back (12) joins in the same way. What it may do is the
way back that `undoing` compared, and it compares it once more with the plan that is undone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import Refused
from pulumi_mandate.models import Subject, to_hex
from pulumi_mandate.plan.build import config_part
from pulumi_mandate.plan.commitment import SubjectKey
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.raw import subject_key
from pulumi_mandate.plan.values import Reader

from .ancestor import Engine
from .engine import NOTHING_AHEAD, Look
from .engine_hooks import Judge
from .folder import RunFolder, RunRecord
from .grants import Grants
from .machine import Machine
from .operations import OperationCheck
from .prepare import Here, look_here
from .rollback import UndoDenials, former_of, require_undo, require_undoable, verify_undo
from .run import Denials, Place, check_begun, check_program_still, first
from .search import choose, positions
from .state import ValuesOf
from .verify import verify_effects
from .where import ProgramAt

JSON = Any


def join_run(
    machine: Machine,
    place: Place,
    environment: dict[str, str],
    folder: RunFolder,
    look: Look = NOTHING_AHEAD,
) -> Judge:
    """Who decides about each operation of the run. Raises `MandateError`."""
    record = folder.record()
    _check_place(record, place, machine)
    _join_once(folder, place.engine)
    here = look_here(
        ProgramAt(place.workdir, place.stack, flags=place.flags),
        machine.trust,
        rules=machine.rules_of,
        environment=environment,
        look=look,
    )
    _check_subject(record, here.subject)
    verified = _verified_undo if folder.is_undo else _verified
    document = verified(machine, here, folder)
    if document.content["kind"] != place.kind:
        raise Refused(
            1,
            "the run was begun for another command",
            field="kind",
            expected=str(document.content["kind"]),
            found=place.kind,
        )
    key = check_running_config(document, _running_config())
    if not folder.is_undo:  # there it has asked already, of a run that may be stopping
        check_begun(machine, record)

    def values_of(urn: str, values: JSON, part: str = "inputs") -> JSON:
        return Reader(key, urn, here.toolchain.modules, deployed=True).part(part, values)

    rest = folder.rest()
    if rest is not None:
        verify_effects(document, rest, resuming=True)
    return judge_of(machine, place, folder, document, rest, values_of)


def _verified(machine: Machine, here: Here, folder: RunFolder) -> Document:
    """(2) to (6) the plan that this run is to do. Raises `MandateError`."""
    (candidate,) = choose(machine, here, folder).found
    if candidate.document is None:
        raise candidate.refusal or Refused(4, "the run's document cannot be verified")
    return candidate.document


def _verified_undo(machine: Machine, here: Here, folder: RunFolder) -> Document:
    """(12) what leads back from the plan of this run, by the program that completed before.

    Raises `MandateError`.
    """
    record, found = folder.record(), folder.undo_document()
    approved = verify_undo(machine, here, record)
    former = require_undoable(approved, former_of(machine, record.subject))
    for program in (found.fields().program, here.program.digest):
        if program != former.document.fields().program:
            raise Refused(
                12,
                "this is not the program that completed before",
                field="program",
                expected=to_hex(former.document.fields().program),
                found=to_hex(program),
            )
    require_undo(approved, found)
    return found


def judge_of(  # noqa: PLR0913, PLR0917  # a run, where it happens, and what may be done in it
    machine: Machine,
    place: Place,
    folder: RunFolder,
    document: Document,
    rest: Document | None,
    values_of: ValuesOf,
) -> Judge:
    """(10) each operation of the approved document, or of the `rest` of it, once."""
    grants = Grants(folder.path)
    grants.renew()
    approved = document.fields().program
    return OperationCheck(
        document if rest is None else rest,
        folder.journal,
        denials=first(
            # The providers load their modules now, and the program has loaded its own.
            lambda: check_program_still(place.workdir, place.stack, approved),
            (UndoDenials if folder.is_undo else Denials)(machine, folder.record()),
        ),
        inputs_of=values_of,
        indices=None if rest is None else positions(document, rest),
        grants=grants,
    )


def _check_place(record: RunRecord, place: Place, machine: Machine) -> None:
    """(1) the run was begun from this folder, under this trust file."""
    _require_same("folder", *_resolved(record.workdir, place.workdir))
    _require_same("trust", *_resolved(record.trust, machine.path))


def _check_subject(record: RunRecord, found: Subject) -> None:
    """(1) the run is this stack's, on the backend that the engine itself names."""
    _require_same("subject", str(record.subject), str(found))


def _require_same(field: str, expected: str, found: str) -> None:
    if expected != found:
        raise Refused(
            1,
            f"the run that this engine began has another {field}",
            field=field,
            expected=expected,
            found=found,
            next_step="mandate status",
        )


def _resolved(*paths: str | Path) -> tuple[str, str]:
    one, other = (str(Path(path).resolve()) for path in paths)
    return one, other


def _join_once(folder: RunFolder, engine: Engine) -> None:
    """(1) one program of an engine decides about a run, and no second one beside it."""
    mark = folder.path / f"joined-{engine.pid}-{engine.started}"
    try:
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise Refused(1, "another program of this engine has joined the run already") from None


def _running_config() -> dict[str, dict[str, JSON]]:
    """What the engine gave this program, as `pulumi config --show-secrets --json` would say it."""
    from pulumi.runtime import config

    return {
        name: {"value": value, "secret": config.is_config_secret(name)}
        for name, value in config.CONFIG.get().items()
    }


def check_running_config(
    document: Document, running: Mapping[str, Mapping[str, JSON]]
) -> SubjectKey:
    """(7) the configuration that this update was started with is the approved one.

    Returns the stack's commitment key. Raises `Refused`, which names a key and no value, and
    `UsageError` where the stack has no commitment key.
    """
    key = subject_key(running)
    approved, found = document.content["config"], config_part(running, key)
    for name in sorted(approved.keys() | found.keys()):
        if name in approved and name in found and approved[name] == found[name]:
            continue
        raise Refused(
            7,
            f"the update was started with another configuration than was approved: `{name}`",
            field="config",
            expected="what was approved" if name in approved else "nothing",
            found="another value" if name in found else "nothing",
            meaning="The stack's file changed after the preview that was compared.",
            next_step="mandate status; then mandate propose",
        )
    return key
