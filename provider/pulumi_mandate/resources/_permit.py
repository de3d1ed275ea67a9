"""The gate inside a provider: may this very operation be done now, and in whose name?

A provider is a process of the engine's. It finds the engine above itself, the run that this engine
was begun for, asks the chain whether that run still stands, and takes the grant that the run's
hooks left for this operation (`gate.grants`). Without hooks, in another stack's run or a dead one,
with other values or a second time there is no grant, and nothing is sent to the cloud.

Who starts the engine says whether its stack is governed at all, by `MANDATE_UNSAFE_UNGOVERNED=yes`
in its environment: a program cannot set that, because its providers inherit the engine's. It stops
nobody who holds the credentials and starts engines; docs/reference/what-is-bound.md says so.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.gate.environment import UNGOVERNED
from pulumi_mandate.models import Digest, MandateState

if TYPE_CHECKING:
    from pulumi_mandate.edge import Binding
    from pulumi_mandate.gate.ancestor import Engine
    from pulumi_mandate.gate.folder import RunFolder
    from pulumi_mandate.gate.wire import Moment

STEP = 10
_KEY_DOMAIN = b"mandate/operation/v1"


@dataclass(frozen=True, slots=True)
class Permit:
    """That an operation may be done: once, now, in the name of one mandate."""

    key: str = ""
    """64 hex digits that name this operation of this run: the idempotency token for the cloud. A
    resumed run has the same, another run another. Empty where the stack is not governed."""
    binding: Binding | None = None
    """The mandate; None where the stack is not governed."""
    seconds: float = 0
    """The time-out that was voted on with this operation; 0 where none was."""


def permit_for(moment: Moment, id_: str, props: Mapping[str, Any]) -> Permit:
    """Take the permit for one call of the engine's, or refuse.

    `id_` is empty before a create; `props` are the new inputs, or before a delete the state, as the
    engine gave them. Raises `Refused`, and `ChainError` where the chain cannot be asked.
    """
    if os.environ.get(UNGOVERNED) == "yes":
        print(f"{moment} without a mandate: {UNGOVERNED} is set", file=sys.stderr)
        return Permit()
    from pulumi_mandate.edge import Binding
    from pulumi_mandate.gate.grants import Grants

    try:
        engine = _engine()
        folder = _run_of(engine)
        # A provider that outlives its engine would go on, and try again what nobody waits for.
        _end_with(engine.pid, engine.started)
        record = folder.record()
        trust_file = _trust_file(record.trust)
        undo = folder.is_undo
        chain_id, registry = _standing(trust_file, record.plan_hash, record.run_id, undo=undo)
        grant = Grants(folder.path).take(moment, id_, props)
    except MandateError:
        raise
    except Exception as failure:  # whatever goes wrong, the operation does not happen
        name = type(failure).__name__
        raise Refused(STEP, f"whether this {moment} is allowed cannot be told ({name})") from None
    parts = [record.plan_hash, record.run_id, f"{grant.index}".encode(), grant.urn.encode()]
    parts += [b"undo"] * undo  # its operations are counted anew
    key = hashlib.sha256(_KEY_DOMAIN + b"".join(hashlib.sha256(one).digest() for one in parts))
    binding = Binding(record.plan_hash, record.run_id, chain_id, registry)
    return Permit(key.hexdigest(), binding, grant.seconds)


def _engine() -> Engine:
    from pulumi_mandate.gate.ancestor import find_engine

    return find_engine()


@functools.lru_cache(maxsize=1)
def _end_with(pid: int, started: int) -> None:
    """Once a process."""
    from pulumi_mandate.gate.watcher import end_with

    end_with(pid, started)


def _run_of(engine: Engine) -> RunFolder:
    """The run that was begun, or resumed, for this very engine, and is not closed."""
    from pulumi_mandate.gate.folder import engine_folders

    for folder in reversed(list(engine_folders())):
        record = folder.record()
        if (record.engine_pid, record.engine_started) != (engine.pid, engine.started):
            continue
        if folder.result() is not None:
            raise Refused(STEP, "the run of this engine was closed already, so nothing is changed")
        return folder
    raise Refused(
        STEP,
        "no governed run has begun for this engine, so this provider changes nothing: is "
        "`pulumi_mandate.govern()` the first line of the program, and was the plan approved? "
        "Nothing was sent to the cloud",
    )


def _trust_file(recorded: str) -> Path:
    """The trust file that the engine was started with, which the run must have used as well."""
    from pulumi_mandate.chain.trust import trust_path

    here = trust_path().resolve()
    if here != Path(recorded):
        raise Refused(STEP, "the run was begun under another trust file than this engine's")
    return here


@functools.lru_cache(maxsize=8)
def _standing(
    trust_file: Path, plan_hash: Digest, run_id: Digest, *, undo: bool = False
) -> tuple[int, str]:
    """The chain says that this run is going on: (chain id, registry). Only a yes is remembered.

    A run that is stopping does nothing more, but its way back (`undo`) may, unless the guardian
    forbade even that.

    Asked once a process: the hooks ask again before each operation, and without their grant
    nothing happens here.
    """
    from pulumi_mandate.chain.client import ChainClient
    from pulumi_mandate.chain.trust import load_trust
    from pulumi_mandate.governance.registry import Registry

    trust = load_trust(trust_file)
    found = Registry(ChainClient(trust)).mandate(plan_hash)
    stopping = undo and found.state is MandateState.STOPPING and not found.hard
    if not (found.state is MandateState.RUNNING or stopping) or found.run_id != run_id:
        raise Refused(STEP, f"this run is not going on: its mandate is {found.state.name.lower()}")
    return trust.chain_id, trust.registry
