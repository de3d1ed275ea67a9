"""The findings of `mandate doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ChainError, EngineError, MandateError, UsageError
from ..models import ZERO, Address

if TYPE_CHECKING:
    from ..gate.machine import Machine
    from ._session import Session

PYTHON_FLOOR = (3, 11)
PULUMI_FLOOR = (3, 259, 0)
"""The oldest engine that the gate's tests have run on; `tools/pulumi_cli.py` builds the same."""

_FROM_MAKE = (
    "`make toolchain` in a checkout of pulumi-mandate, or https://www.pulumi.com/docs/install"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a machine has or lacks."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    exit_code: int = 0
    """What a command that needs this thing would exit with. 0: it works without."""


def examine(session: Session) -> Iterator[Finding]:
    """Every finding, in the order in which a newcomer would repair them. Changes nothing."""
    yield _python()
    yield _pulumi()
    yield _launcher("pulumi-language-python", "language host", "runs Python programs")
    yield _launcher("pulumi-resource-pulumi-python", "dynamic launcher", "runs our resources")
    trusted = _attempt("trust file", lambda: _trust(session))
    yield trusted
    if not trusted.ok:
        yield from _development_tools()
        return
    reached = _attempt("chain", lambda: _chain(session))
    yield reached
    if reached.ok:
        yield _attempt("registry", lambda: _sealed(session))
        yield _attempt("contracts", lambda: _contracts(session))
        yield _attempt("roles", lambda: _roles(session))
        yield _emergency(session)
    yield from _keys(session, reached=reached.ok)
    yield _attempt("plan store", lambda: _store(session))
    yield _attempt("previews", lambda: _previews(session))
    yield _attempt("runs", lambda: _runs(session.machine if reached.ok else None))
    if session.trust.development:
        yield from _development_tools()


def _attempt(name: str, look: Callable[[], str]) -> Finding:
    """A layer's own error is the best description of what is wrong with it."""
    try:
        return Finding(name, True, look())
    except MandateError as error:
        detail = f"{error.happened}; {error.meaning}" if error.meaning else error.happened
        return Finding(name, False, detail, error.next_step, error.exit_code)


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    floor = ".".join(str(part) for part in PYTHON_FLOOR)
    good = sys.version_info >= PYTHON_FLOOR
    return Finding(
        "python", good, found, "" if good else f"install Python {floor} or newer", 0 if good else 2
    )


def _pulumi() -> Finding:
    path = shutil.which("pulumi")
    if path is None:
        return Finding("pulumi", False, "no `pulumi` on PATH", _FROM_MAKE, EngineError.exit_code)
    try:
        printed = subprocess.run(
            [path, "version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return Finding("pulumi", False, f"{path} does not run", _FROM_MAKE, EngineError.exit_code)
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", printed)
    version = tuple(int(part) for part in match.groups()) if match else (0, 0, 0)
    if version < PULUMI_FLOOR:
        wanted = ".".join(map(str, PULUMI_FLOOR))
        detail = f"{printed.strip() or 'an unknown version'}, older than {wanted}"
        return Finding("pulumi", False, detail, _FROM_MAKE, EngineError.exit_code)
    return Finding("pulumi", True, f"{printed.strip()} at {path}")


def _launcher(program: str, name: str, purpose: str) -> Finding:
    path = shutil.which(program)
    if path is None:
        return Finding(
            name, False, f"no `{program}` on PATH; it {purpose}", _FROM_MAKE, EngineError.exit_code
        )
    return Finding(name, True, path)


def _trust(session: Session) -> str:
    kind = "development " if session.trust.development else ""
    return f"{kind}chain {session.trust.chain_id}, {len(session.trust.accounts)} accounts"


def _chain(session: Session) -> str:
    # `client` compares the chain's id and looks for code at every address of the trust file.
    final = session.client.final_block()
    return f"id {session.trust.chain_id}, final block {final.number}"


def _sealed(session: Session) -> str:
    if not session.client.call("registry", "isSealed"):
        raise ChainError(
            "the registry is not sealed",
            meaning="Its deployer still holds every right; nothing can be approved yet.",
            next_step="finish the deployment: stacks/governance",
        )
    return f"sealed, at {session.trust.registry}"


def _contracts(session: Session) -> str:
    from ..audit.release import check_code, own_release

    release = own_release()
    replaced = "".join(f", another {word}" for word in check_code(session.client, release))
    return f"release {release.version} at every address{replaced}"


def _roles(session: Session) -> str:
    from ..audit.roles import check_roles

    return f"{check_roles(session.client)} holdings, as wired; every role event replayed"


def _emergency(session: Session) -> Finding:
    """What an emergency owes. Runs go on without the path, so it never decides the exit code."""
    from ._emergency import told

    name = "emergency path"
    try:
        data, lines = told(session)
    except MandateError as error:
        return Finding(name, False, error.happened, error.next_step, error.exit_code)
    if lines:
        detail = "; ".join(line.partition("\n")[0] for line in lines)
        return Finding(name, not data["overdue"], detail, "mandate emergency show")
    return Finding(name, True, "on, and nothing is owed")


def _keys(session: Session, *, reached: bool) -> Iterator[Finding]:
    yield _attempt("executor key", lambda: _executor(session, reached=reached))
    yield _attempt("runner key", lambda: _opened(session, "runner"))


def _opened(session: Session, name: str) -> str:
    from ..signing import open_signer

    key = getattr(session.trust, name)
    if key is None:
        raise UsageError(
            f"the trust file names no {name}",
            meaning="A machine that only proposes and votes needs none.",
            next_step=f"mandate keys enrol URI --name {name}",
        )
    return str(open_signer(key.uri, key.address).address)


def _executor(session: Session, *, reached: bool) -> str:
    from ..gate.verify import executor_not_enrolled

    address = Address(_opened(session, "executor"))
    if not reached:
        return f"{address}, not compared with the chain"
    if not session.registry.executor(address).active:
        raise executor_not_enrolled(address)
    return f"{address}, enrolled"


def _store(session: Session) -> str:
    session.store.document_of(ZERO)  # reading anything shows that it can be read
    return session.trust.store_uri


def _previews(session: Session) -> str:
    from ..gate.previewer import probe

    found, wanted = probe(session.trust), session.trust.previewer
    if wanted is not None and wanted.required and not found.closed:
        raise UsageError(
            f"previews cannot be isolated: {found.missing}",
            meaning="The trust file requires it, so every preview is refused here.",
            next_step="docs/reference/previewer.md",
        )
    return found.sentence()


def _runs(machine: Machine | None) -> str:
    from ._runs import unfinished_runs

    waiting = unfinished_runs(machine)
    if waiting:
        raise UsageError(
            f"{len(waiting)} interrupted run(s)",
            meaning="A subject with an interrupted run accepts no other.",
            next_step="mandate resume",
        )
    return "none interrupted"


def _development_tools() -> Iterator[Finding]:
    """What `mandate dev` needs and nothing else does."""
    yield _attempt("anvil (dev)", _anvil)
    yield _attempt("moto (dev)", _moto)


def _anvil() -> str:
    from ..dev.anvil import find_anvil

    return os.fspath(find_anvil())


def _moto() -> str:
    from importlib.util import find_spec

    if find_spec("moto") is None:
        raise UsageError(
            "moto is not installed", next_step="pip install 'pulumi-mandate[dev-server]'"
        )
    return "installed"
