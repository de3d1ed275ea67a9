"""Start an anvil that is ours, alone, and dead as soon as we are.

anvil gives whoever reaches its port every power there is (impersonation, balances, time), so it
listens on a random loopback port that only `front_door` talks to, holds no unlocked account, mines
only when told, and never writes a state file: its own is lost or torn by `kill -9`, so durability
lives in `journal`. The port comes from the child's own output, never from a guess: with a taken
port anvil exits, and a client that guessed would talk to a stranger's node.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pulumi_mandate.errors import ChainError, UsageError

STATES_IN_MEMORY = 64
"""Given a number, anvil keeps so many states in memory and none on disk (else 0.4 MB a block)."""
START_SECONDS = 30.0
STOP_SECONDS = 5.0
_LISTENING = re.compile(rb"^Listening on (127\.0\.0\.1):(\d+)")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Genesis:
    """What decides the first block's hash, and with the journal every later one."""

    chain_id: int
    timestamp: int
    """Seconds since the epoch."""
    hardfork: str = "prague"


def find_anvil() -> Path:
    """`$MANDATE_ANVIL`, `anvil` on PATH, or the one npm put below `contracts/`.

    Raises `UsageError` where there is none.
    """
    named = os.environ.get("MANDATE_ANVIL")
    if named:
        if not os.access(named, os.X_OK):
            raise UsageError(
                f"$MANDATE_ANVIL names {named}, which is not an executable file",
                next_step="point it at an anvil binary, or unset it",
            )
        return Path(named)
    found = shutil.which("anvil")
    if found:
        return Path(found)
    for candidate in _npm_candidates():
        if os.access(candidate, os.X_OK):
            return candidate
    raise UsageError(
        "no anvil found: the development chain needs one",
        meaning="anvil is the EVM behind `mandate dev`; a real chain needs none",
        next_step="`npm ci --ignore-scripts` in contracts/, or set $MANDATE_ANVIL",
    )


def _npm_candidates() -> Iterator[Path]:
    checkout = Path(__file__).resolve().parents[3]
    packages = checkout / "contracts" / "node_modules" / "@foundry-rs"
    if packages.is_dir():
        yield from sorted(packages.glob("anvil-*/bin/anvil"))


class Anvil:
    """One running anvil. `url` is its private address; do not hand it out."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self.url = url

    @classmethod
    def start(cls, genesis: Genesis, workdir: Path) -> Anvil:
        """Start, and wait until it listens. Raises `ChainError` with anvil's own words."""
        command = [
            str(find_anvil()),
            *("--host", "127.0.0.1"),
            *("--port", "0"),
            *("--chain-id", str(genesis.chain_id)),
            *("--timestamp", str(genesis.timestamp)),
            *("--hardfork", genesis.hardfork),
            *("--accounts", "0"),
            *("--order", "fifo"),
            *("--slots-in-an-epoch", "1"),
            *("--prune-history", str(STATES_IN_MEMORY)),
            "--no-mining",
            "--no-cors",
        ]
        process = subprocess.Popen(
            command,
            cwd=workdir,
            # A bare environment: ANVIL_IP_ADDR and its kin must not open another door.
            env={"HOME": str(workdir), "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  # started before any other thread
        )
        return cls(process, _await_url(process))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End it. Nothing is saved: the journal already holds everything."""
        if self.alive:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        if self.alive:
            self._process.kill()
        self._process.wait()


def _die_with(parent: int) -> Callable[[], None] | None:
    """Make the kernel end the child when `parent` dies, even by SIGKILL (Linux only)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died between fork and here
            os._exit(1)

    return in_child


def _await_url(process: subprocess.Popen[bytes]) -> str:
    """Read the child's output up to its address, then keep draining it: a full pipe stops anvil."""
    said: list[bytes] = []
    url: list[str] = []
    ready = threading.Event()

    def drain() -> None:
        assert process.stdout is not None  # noqa: S101  # we asked for a pipe
        with process.stdout as output:
            for line in output:
                match = _LISTENING.match(line)
                if match and not url:
                    url.append(f"http://{match[1].decode()}:{match[2].decode()}")
                    ready.set()
                elif not url:
                    said.append(line)
        ready.set()

    threading.Thread(target=drain, name="anvil-output", daemon=True).start()
    ready.wait(START_SECONDS)
    if url:
        return url[0]
    process.kill()
    process.wait()
    words = b"".join(said[-5:]).decode(errors="replace").strip()
    raise ChainError(
        f"anvil did not start: {words or 'it said nothing'}",
        next_step="`mandate doctor` shows which anvil is used",
    )
