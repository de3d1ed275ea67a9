"""Steps (8) and (9): spend the mandate, and wait until that is final. Then watch over the run.

The order is on disk before it is sent, and the watcher lives before `begin` can be mined, so there
is no moment in which a run exists that nobody will finish.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pulumi_mandate.chain import BlockRef
from pulumi_mandate.errors import ChainError, Refused, SignerError
from pulumi_mandate.models import (
    Digest,
    ExecutionOrder,
    MandateState,
    Renewal,
    Subject,
    to_hex,
)
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.program import program_digest
from pulumi_mandate.plan.toolchain import Toolchain, installed_packages, toolchain

from .ancestor import Engine
from .facts import Evidence
from .folder import RunFolder, RunRecord, SubjectLock, run_folder
from .machine import Machine
from .verify import verify_order
from .watcher import start_watcher

LEASE_SECONDS = 3600
"""How long a run may go forward before it must renew; the tier's own limit may be shorter."""
DEADLINE_SECONDS = 600
"""How long a signed order may wait for its block."""
DENIAL_AGE_SECONDS = 5.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run happens on this machine."""

    subject: Subject
    stack: str
    workdir: Path
    engine: Engine
    lock: SubjectLock
    kind: str = "up"
    """Which command runs: the kind of plan that may allow it."""
    imports: Path | None = None
    """Of an import: the file that says what."""
    flags: tuple[str, ...] = ()
    """Those typed that the plan must bind."""
    hooked: bool = True
    """Whether the program asks about each operation; else `wrapped` is the gate, once."""
    inside: bool = True
    """Whether this process is the update's program; else it is what becomes the engine."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a run starts from, as far as finishing it needs."""

    before: dict[str, str]
    """Resource key to digest, before anything was done."""
    modules: dict[str, str]
    """Which package owns which module."""


def begin_run(  # noqa: PLR0913  # a run is spent with all of these, and none has a default
    machine: Machine,
    evidence: Evidence,
    document: Document,
    *,
    place: Place,
    base: Base,
    say: Say,
) -> RunFolder:
    """(8) sign, record, watch, begin; (9) wait. Returns the run's folder.

    Raises `SignerError`, `ContractRefused`, `ChainError`, `Refused`.
    """
    # (8): the executor signs only what fits the mandate that was verified.
    executor, runner = machine.executor(), machine.runner()
    now = machine.client.now()
    epoch = machine.key_epoch()
    order = ExecutionOrder(
        plan_hash=evidence.approved,
        run_id=Digest(secrets.token_bytes(32)),
        runner=runner.address,
        lease_until=now + min(LEASE_SECONDS, _longest_lease(machine, evidence)),
        key_epoch=epoch,
        deadline=now + DEADLINE_SECONDS,
    )
    verify_order(evidence, order, epoch)
    signature = executor.sign_order(machine.domain, order)
    record = _record(machine, document, place, base, (order, signature))
    folder = run_folder(order.run_id)
    folder.write_record(record)
    _hand_over(folder, place)
    say(f"the executor {executor.address} signed; begin is sent by {runner.address}")
    mined = machine.registry.begin(document.fields(), order, signature, runner)
    folder.write_record(replace(record, transaction=to_hex(mined.transaction)))
    # (9): nothing happens on the strength of a block that may vanish.
    _wait_final(machine, mined.block, say)
    check_begun(machine, folder.record())
    return folder


def resume_run(machine: Machine, folder: RunFolder, place: Place, say: Say) -> None:
    """Go on with a run that stopped half-way: same run id, same lease, a new engine and watcher."""
    record = replace(
        folder.record(), engine_pid=place.engine.pid, engine_started=place.engine.started
    )
    # "Open" was the last engine's end: the next result is this one's.
    (folder.path / "result.json").unlink(missing_ok=True)
    folder.write_record(record)
    _hand_over(folder, place)
    say(f"resuming run {to_hex(record.run_id)[:10]}…")
    check_begun(machine, record)


def _hand_over(folder: RunFolder, place: Place) -> None:
    """From here the watcher alone holds the lock: it ends with the engine, this program may not."""
    start_watcher(folder, place.engine.environment, [place.lock.descriptor])
    place.lock.release()


def check_begun(machine: Machine, record: RunRecord) -> None:
    """(9) at a final block the registry has this very run. Raises `Refused`."""
    found = machine.registry.mandate(record.plan_hash, machine.client.final_block())
    if found.state is not MandateState.RUNNING or found.run_id != record.run_id:
        raise Refused(
            9,
            "the run is not the one that is final on chain",
            field="run",
            expected=to_hex(record.run_id),
            found=f"{found.state.name.lower()} {to_hex(found.run_id)}",
            next_step="mandate status",
        )


def check_program_still(workdir: Path, stack: str, approved: Digest) -> None:
    """(9) the program's files are the approved ones, minutes after they were first digested.

    Raises `Refused`, and `UsageError` for a tree that cannot be digested any more.
    """
    found = program_digest(workdir, stack).digest
    if found != approved:
        raise Refused(
            9,
            "the program's files changed after the mandate was verified",
            field="program",
            expected=to_hex(approved),
            found=to_hex(found),
            meaning=_CHANGED_MEANWHILE,
            next_step="leave the folder alone while an update runs; mandate propose",
        )


def check_packages_still(before: Toolchain) -> None:
    """(9) the installed packages are those of step (6). Takes a second or more.

    Raises `Refused`, and `UsageError` for a package that cannot be digested any more.
    """
    approved = before.content["packages"]
    found = toolchain("", installed_packages()).content["packages"]
    if found != approved:
        differing = sorted(
            one["name"] for one in found + approved if (one in found) != (one in approved)
        )
        raise Refused(
            9,
            f"an installed package changed after the mandate was verified: {differing[0]}",
            field="toolchain.packages",
            expected="as it was",
            found="changed",
            meaning=_CHANGED_MEANWHILE,
            next_step="install nothing while an update runs; mandate propose",
        )


_CHANGED_MEANWHILE = (
    "The run has begun and ends here, as failed: what would run now is not what was approved."
)


def first(check: Callable[[], None], then: Callable[[], None]) -> Callable[[], None]:
    """`then`, and before it `check` until that has held once."""
    held = False

    def both() -> None:
        nonlocal held
        if not held:
            check()
            held = True
        then()

    return both


class Denials:
    """(10) whether the run may still go forward; asked at most every `max_age` seconds.

    Read at the newest block of every endpoint, and one endpoint's no is enough. A chain that does
    not answer says nothing, and nothing is not yes.
    """

    def __init__(
        self,
        machine: Machine,
        record: RunRecord,
        *,
        max_age: float = DENIAL_AGE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._machine, self._record = machine, record
        self._max_age, self._clock = max_age, clock
        self._read_at = float("-inf")

    def __call__(self) -> None:
        """Raises `Refused` for a denial, `ChainError` where the chain cannot be asked."""
        if self._clock() - self._read_at <= self._max_age:
            return
        asked = self._clock()
        self._read()
        self._read_at = asked

    def _read(self) -> None:
        machine, record = self._machine, self._record
        denied = machine.registry.denial(record.plan_hash)
        if denied is not None:
            raise _stopped(f"the mandate is {denied.name.lower()} now")
        found = machine.registry.mandate(record.plan_hash)
        if found.state is not MandateState.RUNNING or found.run_id != record.run_id:
            raise _stopped(f"the mandate is {found.state.name.lower()} now, in another run")
        now = machine.client.now()
        if now >= min(found.expires_at, found.lease_until):
            raise _stopped("the lease of the run, or the mandate's window, is over")
        renew_if_due(machine, record, found.lease_until, now)
        require_key(machine, record)


def require_key(machine: Machine, record: RunRecord) -> None:
    """(10) by every endpoint, the executor's key is the one that ordered the run.

    Raises `Refused`, `ChainError`.
    """
    each = machine.client.call_each("executor_registry", "executor", record.executor)
    if any(not active or epoch != record.order.key_epoch for active, epoch in each):
        raise _stopped("the executor's key was revoked or rotated")


def renew_if_due(machine: Machine, record: RunRecord, lease_until: int, now: int) -> None:
    """Extend a lease of which less than a third is left. Not renewed is no denial: the run goes on
    until its lease ends."""
    length = record.order.lease_until - (record.order.deadline - DEADLINE_SECONDS)
    if lease_until - now < length // 3:
        with suppress(Refused, SignerError):
            renew_lease(machine, record, length)


def renew_lease(machine: Machine, record: RunRecord, seconds: int) -> None:
    """Extend the lease by a signed renewal. Raises `ContractRefused`, `SignerError`."""
    now = machine.client.now()
    renewal = Renewal(
        run_id=record.run_id,
        lease_until=now + seconds,
        key_epoch=record.order.key_epoch,
        deadline=now + DEADLINE_SECONDS,
    )
    signature = machine.executor().sign_renewal(machine.domain, renewal)
    machine.registry.renew(record.plan_hash, renewal, signature, machine.runner())


def _stopped(happened: str) -> Refused:
    return Refused(
        10,
        happened,
        meaning="No operation goes forward any more; what was done stays done.",
        next_step="mandate status",
    )


def _wait_final(machine: Machine, block: BlockRef, say: Say) -> None:
    last = -1

    def progress(final: int, wanted: int) -> None:
        nonlocal last
        if final != last and final < wanted:
            say(f"waiting until begin is final: block {final} of {wanted}")
            last = final

    machine.client.wait_final(block, progress)


def _longest_lease(machine: Machine, evidence: Evidence) -> int:
    longest = machine.registry.terms(evidence.tier).max_lease
    if longest <= 0:
        raise ChainError(f"the registry has no terms for tier {evidence.tier.name.lower()}")
    return longest


def _record(
    machine: Machine,
    document: Document,
    place: Place,
    base: Base,
    signed: tuple[ExecutionOrder, bytes],
) -> RunRecord:
    return RunRecord(
        order=signed[0],
        signature=signed[1],
        executor=machine.executor().address,
        subject=place.subject,
        document=document.digest,
        workdir=str(place.workdir),
        stack=place.stack,
        engine_pid=place.engine.pid,
        engine_started=place.engine.started,
        trust=str(machine.path),
        before=base.before,
        modules=base.modules,
    )
