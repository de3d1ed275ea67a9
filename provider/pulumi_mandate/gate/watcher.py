"""Waits, detached, until the engine is gone, then says on chain what became of the run.

`python -m pulumi_mandate.gate.watcher RUN_DIR`, started by the gate in a session of its own:
`atexit` does not run when an update fails or is interrupted, this process does. It inherits the
subject's lock and keeps it to the end. Killed, it leaves an open run, which `mandate resume` or the
next `pulumi up` finishes.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_mandate.errors import ChainError, EngineError, MandateError, SignerError

from .ancestor import is_alive
from .environment import NESTED_MARK
from .folder import RunFolder, RunRecord

if TYPE_CHECKING:
    from pulumi_mandate.models import Address

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Pauses while the chain does not answer; the last one is used until `PATIENCE_SECONDS`."""
PATIENCE_SECONDS = 900.0
SHORT_PATIENCE_SECONDS = 60.0
"""For a key or an engine that does not answer: the next run of the stack waits meanwhile."""
_REAPED_SECONDS = 0.02
_FOR_THE_END = ("pulumi_mandate.gate.closing", "eth_abi")


def start_watcher(folder: RunFolder, environment: dict[str, str], keep: Sequence[int]) -> int:
    """Start the detached process; returns its pid. `keep` are descriptors it inherits (the lock).

    Raises `OSError` where no process can be started: the caller has not sent `begin` yet.
    """
    folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = os.open(folder.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        child = subprocess.Popen(
            # -P: a module in the program's folder must not take the place of one of ours.
            [sys.executable, "-P", "-m", "pulumi_mandate.gate.watcher", str(folder.path)],
            env={k: v for k, v in environment.items() if k != NESTED_MARK},
            stdin=subprocess.DEVNULL,
            # Not the program's pipes: the engine would wait for whoever holds them.
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[descriptor for descriptor in keep if descriptor >= 0],
        )
    finally:
        os.close(log)
    # Its end is nobody's business here; without this, Python warns about a child left behind.
    child.returncode = 0
    return child.pid


def wait_for_end(pid: int, started: int) -> None:
    """Return when this very process is gone."""
    if not is_alive(pid, started):
        return
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            # The pid may have been used again between the look and the open.
            if is_alive(pid, started):
                select.select([descriptor], [], [])
        finally:
            os.close(descriptor)
    while is_alive(pid, started):  # a zombie's descriptor is readable before it is reaped
        time.sleep(_REAPED_SECONDS)


def end_with(pid: int, started: int) -> None:
    """This process ends when its engine does, however that ends.

    A program whose engine was killed waits for ever, and a provider goes on with what it was doing.
    """

    def wait() -> None:
        wait_for_end(pid, started)
        os._exit(1)

    threading.Thread(target=wait, name="mandate-engine", daemon=True).start()


def watch(
    folder: RunFolder,
    finish: Callable[[RunFolder], dict[str, Any]],
    *,
    say: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any] | None:
    """Wait for the engine, then finish; again and again while chain, key or engine is away.

    Returns the result, or None where it gave up: the run stays open and can be finished later.
    """
    record: RunRecord = folder.record()
    wait_for_end(record.engine_pid, record.engine_started)
    say("the engine has ended")
    waited = 0.0
    tries = 0
    while True:
        try:
            result = finish(folder)
        except MandateError as error:
            say(error.diagnostics())
            if waited >= _patience(error):
                return None
            seconds = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
            pause(seconds)
            waited += seconds
            tries += 1
        else:
            say(f"the run is {result['status']}")
            return result


def _patience(error: MandateError) -> float:
    """For how many seconds an error may go away by itself."""
    if isinstance(error, ChainError):
        return PATIENCE_SECONDS
    return SHORT_PATIENCE_SECONDS if isinstance(error, SignerError | EngineError) else 0.0


class Ending:
    """How the watcher finishes its run: with what it saw when the engine ended."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._program: str | None = None
        self._looked = False

    def __call__(self, folder: RunFolder) -> dict[str, Any]:
        from .closing import finish_run, program_of
        from .machine import open_machine

        record = folder.record()
        # Once: while the chain is away, people may edit the program again.
        self._program = program_of(record) if self._program is None else self._program
        machine = open_machine(Path(record.trust))

        def may_come(record: RunRecord) -> bool:
            # The program may outlive its engine by a moment, so the first look is never the last.
            first, self._looked = not self._looked, True
            if record.transaction or machine.client.now() > record.order.deadline:
                return False
            return first or is_pending(machine.trust.rpc, record.order.runner)

        return finish_run(
            folder,
            machine,
            begin_may_come=may_come,
            program_seen=self._program,
            progress=self._say,
        )


def is_pending(urls: Sequence[str], account: Address) -> bool:
    """Whether any endpoint holds a transaction of the account that is not mined yet.

    Raises `ChainError` where one does not answer.
    """
    from pulumi_mandate.chain.rpc import Endpoint, RpcError

    def count(endpoint: Endpoint, where: str) -> int:
        return int(endpoint.call("eth_getTransactionCount", account, where), 16)

    try:
        return any(
            count(endpoint, "pending") > count(endpoint, "latest")
            for endpoint in map(Endpoint, urls)
        )
    except (RpcError, TypeError, ValueError) as error:
        raise ChainError("an endpoint does not say what waits to be mined") from error


def _get_ready(folder: RunFolder) -> None:
    """Load what finishing needs while the engine works: afterwards somebody waits for it."""
    with suppress(Exception):  # whatever it is, it is said when it is needed
        for name in _FOR_THE_END:
            import_module(name)
        from .machine import open_machine

        open_machine(Path(folder.record().trust)).load_signing()


def main(argv: Sequence[str]) -> int:
    """Exit code 0 where the run has a result, 1 where it is left open."""
    from .preview import remove_left_behind

    folder = RunFolder(Path(argv[1]))

    def say(line: str) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        print(f"{moment} {line}", flush=True)

    _get_ready(folder)
    try:
        return 0 if watch(folder, Ending(say), say=say) is not None else 1
    except Exception as error:
        # Only the class: whatever it says may quote a value.
        say(f"stopped by {type(error).__name__}; `mandate resume` finishes this run")
        return 1
    finally:
        remove_left_behind()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
