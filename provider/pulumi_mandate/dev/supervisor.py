"""`mandate dev`: chain, cloud and people on this machine, started, stopped, and kept in between.

```
python -m pulumi_mandate.dev.supervisor start|stop|status|advance SECONDS
```
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pulumi_mandate.errors import MandateError, UsageError
from pulumi_mandate.models import Subject

from .chain_service import ChainService
from .cloud import CloudState, cloud_environment, read_cloud
from .genesis import Ground, Progress, perform_genesis, standing_trust
from .home import DevHome
from .people import GAS_MONEY, PEOPLE, keys_of_people
from .subjects import DEMO

_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.05
# Children outlive us; where they do not, whoever started them has to reap them.
_CHAINS: dict[Path, ChainService] = {}
_CLOUDS: dict[Path, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Running:
    """A development chain with its cloud and people, up and sealed."""

    home: DevHome
    rpc: str
    chain_id: int
    cloud: str
    """Endpoint of the emulated cloud, KMS excepted."""
    kms: str
    """Endpoint of the emulated KMS, which no preview reaches."""
    trust_file: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What a shell needs: trust file, state folder, Pulumi backend, the emulated cloud."""
        home = self.home
        return {
            "MANDATE_DEV_HOME": str(home.root),
            "MANDATE_HOME": str(home.machine),
            "MANDATE_TRUST": str(self.trust_file),
            "PULUMI_BACKEND_URL": f"file://{home.backend}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(home.passphrase),
            **cloud_environment(self.cloud),
        }


def start(
    home: Path | None = None,
    *,
    progress: Progress = lambda _: None,
    subjects: Sequence[Subject] = (DEMO,),
) -> Running:
    """Start everything, or find it running; the first time, deploy the contracts.

    `subjects`: the stacks enrolled at genesis; a later one takes a vote. Raises `UsageError` where
    anvil, Pulumi or moto is missing, and whatever the parts raise.
    """
    found = DevHome.find(home)
    _check_tools()
    found.prepare()
    with _one_at_a_time(found):
        process = _start_cloud(found)
        progress("chain")
        chain = _CHAINS.setdefault(found.chain, ChainService(found.chain))
        rpc = chain.start()
        progress("cloud and KMS")
        cloud = _await_cloud(found, process)
        found.remember(
            {"cloud": urlsplit(cloud.endpoint).port or 0, "kms": urlsplit(cloud.kms).port or 0}
        )
        if standing_trust(found, rpc, cloud.kms) is None:
            progress("people")
            ground = Ground(
                found, rpc, _chain_id(chain), cloud.endpoint, cloud.kms, keys_of_people(found)
            )
            for person in PEOPLE:
                chain.credit(ground.keys[person.name].address, GAS_MONEY)
            _prepare_edge(found)
            perform_genesis(ground, subjects, progress)
        return Running(found, rpc, _chain_id(chain), cloud.endpoint, cloud.kms, found.trust)


def stop(home: Path | None = None) -> bool:
    """Stop the processes and keep the state. False where nothing ran."""
    found = DevHome.find(home)
    if not found.root.is_dir():
        return False
    chain = _CHAINS.pop(found.chain, ChainService(found.chain))
    cloud = read_cloud(found.cloud)
    ran = chain.facts() is not None or cloud is not None
    chain.stop()
    if cloud is not None:
        _end(cloud.pid, found)
    return ran


def status(home: Path | None = None) -> Running | None:
    """What runs; None where chain, cloud or contracts are missing."""
    found = DevHome.find(home)
    facts, cloud = ChainService(found.chain).facts(), read_cloud(found.cloud)
    if facts is None or cloud is None or not found.trust.exists():
        return None
    rpc, chain_id = str(facts["rpc"]), int(facts["chainId"])
    return Running(found, rpc, chain_id, cloud.endpoint, cloud.kms, found.trust)


def advance(seconds: int, home: Path | None = None) -> int:
    """Move the chain's clock forward; returns chain time. Raises `UsageError`, `ChainError`."""
    if seconds < 1:
        raise UsageError("time only moves forward: give at least one second")
    return ChainService(DevHome.find(home).chain).advance(seconds)


def _check_tools() -> None:
    from .anvil import find_anvil
    from .engine import check_tools

    find_anvil()
    check_tools(os.environ)
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("werkzeug") is None:
        raise UsageError(
            "moto is not installed",
            meaning="The development chain's executor key lives in an emulated KMS.",
            next_step="pip install 'pulumi-mandate[dev-server]'",
        )


@contextlib.contextmanager
def _one_at_a_time(home: DevHome) -> Iterator[None]:
    with (home.root / "start.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start_cloud(home: DevHome) -> subprocess.Popen[bytes] | None:
    """Begin to start the cloud on the port it had before; None where it runs."""
    if read_cloud(home.cloud) is not None:
        return None
    command = [sys.executable, "-m", "pulumi_mandate.dev.cloud", "--home", str(home.cloud)]
    command += ["--port", str(home.remembered("cloud") or 0)]
    command += ["--kms-port", str(home.remembered("kms") or 0)]
    with (home.root / "cloud.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is not for the cloud
        )
    _CLOUDS[home.cloud] = process
    return process


def _await_cloud(home: DevHome, process: subprocess.Popen[bytes] | None) -> CloudState:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        state = read_cloud(home.cloud)
        if state is not None:
            return state
        if process is None or process.poll() is not None:
            break
        time.sleep(_POLL_SECONDS)
    log = home.root / "cloud.log"
    words = log.read_text(errors="replace").strip().splitlines()[-3:] if log.exists() else []
    raise MandateError(
        "the emulated cloud did not start: " + (" / ".join(words) or "it said nothing"),
        next_step=f"read {log}",
    )


def _end(pid: int, home: DevHome) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while read_cloud(home.cloud) is not None:
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            break
        time.sleep(_POLL_SECONDS)
    if process := _CLOUDS.pop(home.cloud, None):
        process.wait()


def _chain_id(chain: ChainService) -> int:
    facts = chain.facts()
    if facts is None:
        raise MandateError("the chain stopped while it was being started")
    return int(facts["chainId"])


def _prepare_edge(home: DevHome) -> None:
    """Keys for edge bundles: the machine signs with one and trusts its public half."""
    from pulumi_mandate.edge import EdgeMachine, create_signing_key

    machine = EdgeMachine.from_environment({"MANDATE_HOME": str(home.machine)})
    machine.trusted.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = machine.signing_key() if machine.key.exists() else create_signing_key(machine.key)
    (machine.trusted / "machine.pem").write_bytes(key.public_pem())


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, do, print; an error becomes its exit code."""
    parser = ArgumentParser(prog="python -m pulumi_mandate.dev.supervisor")
    parser.add_argument("command", choices=["start", "stop", "status", "advance"])
    parser.add_argument("seconds", type=int, nargs="?", default=0)
    parser.add_argument("--home", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        print(json.dumps(_answer(chosen.command, chosen.seconds, chosen.home), indent=1))
    except MandateError as error:
        print(error.diagnostics(), file=sys.stderr)
        return error.exit_code
    return 0


def _answer(command: str, seconds: int, home: Path | None) -> dict[str, object]:
    if command == "stop":
        return {"stopped": stop(home)}
    if command == "advance":
        return {"chainTime": advance(seconds, home)}
    running = start(home, progress=_say) if command == "start" else status(home)
    if running is None:
        return {"running": False}
    return {
        "running": True,
        "rpc": running.rpc,
        "cloud": running.cloud,
        "kms": running.kms,
        "trust": str(running.trust_file),
        "environment": dict(running.environment),
    }


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
