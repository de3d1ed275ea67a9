"""The embedded chain as a process: `python -m pulumi_mandate.dev.chain_service --home DIR`.

DIR (mode 0700) holds `journal.sqlite`, `chain.json` {rpc, control, pid, chainId}, `control-token`
and `chain.lock`. The process holds the lock for its whole life, so a second one for the same folder
cannot write the same journal; the kernel frees it whatever kills us. `chain.json` appears when the
chain answers and is only a hint afterwards: the lock says whether somebody is there.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

from pulumi_mandate.dev.anvil import Genesis
from pulumi_mandate.dev.journal import Journal
from pulumi_mandate.dev.miner import Miner
from pulumi_mandate.errors import ChainError, MandateError, UsageError

CHAIN_ID = 31337
_READY_SECONDS = 120.0
_STOP_SECONDS = 15.0
_LOCK_SECONDS = 1.0
_POLL_SECONDS = 0.02


class ChainService:
    """One folder's chain, seen from outside: start, stop, turn its clock, hand out gas money."""

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        """`port` None: the one this folder had before, or a free one."""
        self.home = home
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it, or find it running; return the RPC URL. It outlives this process.

        Raises `ChainError` with the service's last words where it does not come up.
        """
        _private_folder(self.home)
        running = self._settled()
        if running is not None:
            return str(running["rpc"])
        with (self.home / "chain.log").open("ab") as log:
            command = [sys.executable, "-m", "pulumi_mandate.dev.chain_service"]
            command += ["--home", str(self.home)]
            if self._port is not None:
                command += ["--port", str(self._port)]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is not for the chain
            )
        facts = self._await_ready(self._process)
        if facts["pid"] != self._process.pid:
            self._reap()  # another one was faster, and ours found the folder taken
        return str(facts["rpc"])

    def stop(self) -> None:
        """End it in good order; nothing happens where none runs."""
        facts = self._settled()
        if facts is not None:
            self._end(int(facts["pid"]))
        self._reap()

    def _end(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while _locked(self.home):
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)  # the journal does not mind
                break
            time.sleep(_POLL_SECONDS)

    def _reap(self) -> None:
        """Take the exit status of our own child, which has ended or is about to."""
        if self._process is None:
            return
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _settled(self) -> dict[str, Any] | None:
        """The facts of whoever holds the folder, once it is ready; None where nobody does."""
        deadline = time.monotonic() + _READY_SECONDS
        while _locked(self.home) and time.monotonic() < deadline:
            facts = self.facts()
            if facts is not None:
                return facts
            time.sleep(_POLL_SECONDS)
        return None

    def facts(self) -> dict[str, Any] | None:
        """`chain.json` of the running service; None where none runs or it is not ready."""
        if not _locked(self.home):
            return None
        try:
            facts: dict[str, Any] = json.loads((self.home / "chain.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return facts if str(facts["pid"]) == _holder(self.home) else None

    def status(self) -> dict[str, Any]:
        """Number, hash and timestamp of the head, and chain time. Raises `ChainError`."""
        return self._control("GET", "status", None)

    def advance(self, seconds: int) -> int:
        """Move chain time forward for good; returns the new chain time. Raises `ChainError`."""
        return int(self._control("POST", "advance", {"seconds": seconds})["now"])

    def credit(self, address: str, wei: int) -> None:
        """Give an address its gas money: sets the balance. Raises `ChainError`."""
        self._control("POST", "credit", {"address": address, "wei": str(wei)})

    def _await_ready(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            facts = self.facts()
            if facts is not None:
                return facts
            # Ours may have ended because another one was faster: then that one counts.
            if process.poll() is not None and not _locked(self.home):
                break
            time.sleep(_POLL_SECONDS)
        log = self.home / "chain.log"
        words = log.read_text(errors="replace").strip().splitlines()[-3:] if log.exists() else []
        raise ChainError(
            "the development chain did not start: " + (" / ".join(words) or "it said nothing"),
            next_step=f"read {log}",
        )

    def _control(self, method: str, what: str, body: dict[str, Any] | None) -> dict[str, Any]:
        facts = self.facts()
        if facts is None:
            raise ChainError(
                f"no development chain runs in {self.home}", next_step="`mandate dev start`"
            )
        host, port = str(facts["control"]).removeprefix("http://").split("/")[0].split(":")
        token = (self.home / "control-token").read_text().strip()
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            connection.request(
                method,
                f"/control/{what}",
                json.dumps(body) if body is not None else None,
                {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
            response = connection.getresponse()
            data = response.read()
        except OSError as error:
            raise ChainError(
                f"the development chain did not answer: {error}", next_step="`mandate dev start`"
            ) from error
        finally:
            connection.close()
        if response.status != 200:
            raise ChainError(f"the development chain refused: {data.decode().strip()}")
        answer: dict[str, Any] = json.loads(data)
        return answer


def _private_folder(home: Path) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)


def _locked(home: Path) -> bool:
    """Whether a service holds this folder."""
    try:
        with (home / "chain.lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _holder(home: Path) -> str:
    return (home / "chain.lock").read_text().strip()


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by the owner only."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


async def serve(home: Path, port: int | None) -> None:
    """Run until SIGTERM or SIGINT. Raises `MandateError` where it cannot."""
    from aiohttp import web

    from pulumi_mandate.dev.front_door import build_app

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    journal = Journal(home / "journal.sqlite", Genesis(CHAIN_ID, int(time.time())))
    miner = Miner(journal, home)
    token = secrets.token_urlsafe(32)
    runner: Any = None
    try:
        await miner.start()
        runner = web.AppRunner(build_app(miner, token), access_log=None)
        await runner.setup()
        bound = await _bind(runner, journal, port)
        _write_private(home / "control-token", token)
        rpc = f"http://127.0.0.1:{bound}"
        facts = {
            "rpc": rpc,
            "control": f"{rpc}/control",
            "pid": os.getpid(),
            "chainId": journal.genesis.chain_id,
        }
        _write_private(home / "chain.json", json.dumps(facts) + "\n")
        await stop.wait()
    finally:
        (home / "chain.json").unlink(missing_ok=True)
        if runner is not None:
            await runner.cleanup()
        await miner.stop()
        journal.close()


async def _bind(runner: Any, journal: Journal, asked: int | None) -> int:
    """Bind the asked or remembered port; trust files name it, so it must not wander."""
    from aiohttp import web

    port = asked or int(journal.fact("port") or 0)
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        raise ChainError(
            f"port {port} is taken by another process",
            meaning="trust files name this port, so the chain does not move by itself",
            next_step="end that process, or start with another --port and renew the trust file",
        ) from error
    bound = int(runner.addresses[0][1])
    journal.remember("port", str(bound))
    return bound


def _hold(lock: IO[str], home: Path) -> None:
    """Take the folder for the life of this process, and say who has it."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as error:
            # A client that asks "is somebody there?" holds it for an instant, so ask again.
            if time.monotonic() > deadline:
                raise UsageError(f"a chain already runs in {home}") from error
            time.sleep(_POLL_SECONDS)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def main(arguments: list[str] | None = None) -> int:
    """Entry point of the service process; returns the exit code."""
    parser = argparse.ArgumentParser(prog="chain_service", description="the development chain")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int)
    options = parser.parse_args(arguments)
    _private_folder(options.home)
    try:
        with (options.home / "chain.lock").open("a+") as lock:
            _hold(lock, options.home)
            asyncio.run(serve(options.home, options.port))
    except MandateError as error:
        print(error.diagnostics(), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
