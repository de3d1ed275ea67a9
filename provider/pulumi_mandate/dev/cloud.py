"""The demo's cloud: one moto process on the loopback, run by `python -m pulumi_mandate.dev.cloud`.

```
python -m pulumi_mandate.dev.cloud --home DIR [--port N] [--kms-port N]
```

Serves until SIGTERM or SIGINT: KMS on one port, everything else on the other, because a preview may
look at the cloud and must not reach what signs. When it is ready it writes `DIR/cloud.json`:
`{"endpoint": "http://127.0.0.1:PORT", "kms": "http://127.0.0.1:OTHER", "pid": N}`; the file is gone
after an orderly stop. One process a home: a second one refuses.

What survives a restart, kill -9 included: secp256k1 KMS keys with their ids, aliases and states
(`DIR/kms/`), so the executor keeps its address. What does not: buckets, instances and everything
else, which live in memory. After a restart `pulumi refresh` reports them as gone.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import MandateError, UsageError
from .kms import EMULATOR_CREDENTIALS, KeyFolder, fix_digest, replace_file

HOST = "127.0.0.1"
REGION = "us-east-1"
STATE_FILE = "cloud.json"
_LOCK_PATIENCE = 1.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class CloudState:
    """A running cloud, as its state file tells it."""

    endpoint: str
    """Of everything but KMS."""
    kms: str
    pid: int


def read_cloud(home: Path) -> CloudState | None:
    """The cloud of `home`, or None where none is ready: no file, or its process is gone."""
    try:
        content = json.loads((home / STATE_FILE).read_text())
        state = CloudState(str(content["endpoint"]), str(content["kms"]), int(content["pid"]))
        with (home / "cloud.lock").open("rb") as lock:
            # the lock, not the pid, says that it lives: pids are used again
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return state
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None


def cloud_environment(endpoint: str, region: str = REGION) -> dict[str, str]:
    """Variables that lead AWS clients to the demo's cloud, with credentials that are worth nothing.

    AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE point at nothing, so that a developer's own
    profile cannot be used by accident. AWS_PROFILE has to be absent beside them: drop it.
    """
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": EMULATOR_CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": EMULATOR_CREDENTIALS["aws_secret_access_key"],
        "AWS_SESSION_TOKEN": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def serve(home: Path, port: int = 0, kms_port: int = 0) -> None:
    """Run until SIGTERM or SIGINT. Main thread only, because of the signals.

    Raises `UsageError` where the home is taken or the port is busy, `SignerError` where a kept key
    cannot be restored or moto cannot be made to sign digests.
    """
    os.umask(0o077)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(home):
        state_file = home / STATE_FILE
        state_file.unlink(missing_ok=True)  # of a process that was killed
        KeyFolder(home / "kms").attach()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with _door(port, _but_kms) as endpoint, _door(kms_port, _kms_only) as kms:
            try:
                fix_digest(kms)
                content = {"endpoint": endpoint, "kms": kms, "pid": os.getpid()}
                replace_file(state_file, json.dumps(content).encode())
                stop.wait()
            finally:
                state_file.unlink(missing_ok=True)


def _lock(home: Path) -> IO[bytes]:
    lock = (home / "cloud.lock").open("ab")
    deadline = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            # `read_cloud` holds it for a moment: only a lock that stays is another server's
            if time.monotonic() > deadline:
                lock.close()
                raise UsageError(
                    f"a cloud is already running in {home}", next_step="use it, or stop it first"
                ) from None
            time.sleep(0.02)


def _kms_only(service: str) -> bool:
    return service == "kms"


def _but_kms(service: str) -> bool:
    """Nor moto's own API: a reset would take the keys as well."""
    return service not in ("kms", "moto_api")


@contextmanager
def _door(port: int, serves: Callable[[str], bool]) -> Iterator[str]:
    """One port, open while the context lasts; its address."""
    server = _make_server(port, serves)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _make_server(port: int, serves: Callable[[str], bool]) -> Any:
    """What `ThreadedMotoServer` makes, but a busy port is an error instead of a silent wait, and a
    service that is not served here is denied."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.exceptions import Forbidden
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for every request

    def chosen(service: Any) -> Any:
        """moto's own name for what would answer, however it was asked for."""
        return create_backend_app(service) if serves(service) else Forbidden()

    app = DomainDispatcherApplication(chosen)
    try:
        return make_server(HOST, port, app, threaded=True, request_handler=MotoRequestHandler)
    except (OSError, SystemExit):  # werkzeug leaves the process over a busy port
        raise UsageError(
            f"port {port} on {HOST} is busy",
            meaning="Something else answers there; talking to it by mistake would be worse.",
            next_step="stop it, or choose another port",
        ) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, serve, and turn an error into its exit code."""
    parser = ArgumentParser(
        prog="python -m pulumi_mandate.dev.cloud", description="The demo's cloud."
    )
    parser.add_argument(
        "--home", type=Path, required=True, help="folder for the state file and keys"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--kms-port", type=int, default=0, help="the same for KMS alone")
    chosen = parser.parse_args(arguments)
    try:
        serve(chosen.home, chosen.port, chosen.kms_port)
    except MandateError as error:
        print(error.diagnostics(), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
