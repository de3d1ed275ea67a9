"""A stage for attacks: one governed stack a worker, put back exactly as it was after each attack.

To govern a stack and have a plan approved takes ten seconds, to put one back a tenth of a second;
so fifty attacks can each have a file, the real engine and the real chain. A scene is everything
below one folder (program, state backend, home, trust, store, what the provider wrote) and the
journal of the chain. An attack may spoil all of it. Where the chain moved, it is started again from
its journal, which is exact to the block's hash.

`approved`: nothing deployed, one mandate approved. `deployed`: that is done, and a change of it is
approved.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import sqlite3
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.models import ZERO, Digest, MandateState, Plan
from pulumi_mandate.plan.document import Document
from tests.chain.lying import Lie, LyingEndpoint
from tests.plugins.gate_fixtures import TWO_NOTES, Governed, make_governed, write_trust

FOLDERS = ("program", "backend", "home", "notes", "trust")
WAIT_SECONDS = 5
GREETING = 'Note("greeting", pulumi.Config().require("greeting"))\n'
PROGRAM = TWO_NOTES + GREETING
CHANGED = PROGRAM.replace('"hello"', '"good day"')


@dataclass
class Attacked(Governed):
    """A stack with an approved mandate, and what an attack must leave as it is."""

    plan_hash: Digest = ZERO
    """The approved plan's."""
    done: tuple[str, ...] = ()
    """The provider's call log before the attack."""
    ran: int = 0
    """How many runs there were."""
    original: dict[str, str] = field(default_factory=dict)
    """The environment as the scene has it; `environment` is the attacker's to spoil."""

    def refused(self, step: int, *words: str, run: Callable[[], str] | None = None) -> str:
        """Run `pulumi up`, or `run`: the defender is told this, and nothing has happened.

        `words` are what he reads: the field, its values, what to do. Returns all he reads.
        """
        output = run() if run is not None else self.up(ok=False)
        assert f"refused at step {step}" in output, output
        for word in words:
            assert word in output, output
        self.untouched()
        return output

    def untouched(self) -> None:
        """Whole before part: asked of the provider, of this machine and of the chain."""
        assert tuple(self.calls()) == self.done
        assert len(self.runs()) == self.ran
        assert self.mandate(self.plan_hash).state is MandateState.APPROVED

    def document(self, of: Digest | None = None) -> Document:
        """The approved one, or another plan's, from the store."""
        found = self.machine.store.document_of(of or self.plan_hash)
        assert found is not None
        return Document.load(self.machine.store.get(found))

    def fields(self, of: Digest | None = None) -> Plan:
        """What was hashed and voted on."""
        return self.document(of).fields()

    @contextlib.contextmanager
    def second_endpoint(self, lie: Lie) -> Iterator[None]:
        """The machine asks the real chain and one that lies, as a trust file in production does."""
        path = Path(self.environment["MANDATE_TRUST"])
        trust = self.machine.trust
        with LyingEndpoint(trust.rpc[0], lie) as liar:
            write_trust(path, dataclasses.replace(trust, rpc=(*trust.rpc, liar.url)))
            yield

    def completes(self) -> None:
        """The honest command, once the attack is over."""
        self.environment = dict(self.original)
        self.up()
        assert self.result()["status"] == "completed"
        assert self.mandate(self.plan_hash).state is MandateState.UNCONFIRMED


@dataclass(frozen=True)
class Scene:
    """What is kept of a stage."""

    stack: Attacked
    """Never given to a test: `dataclasses.replace` makes it one of its own."""
    kept: Path
    head: str
    """Hash of the chain's newest block."""


class Stage:
    """The folder in which scenes are kept and played."""

    def __init__(
        self,
        root: Path,
        environment: dict[str, str],
        rules: Rules | None = None,
        write: Callable[[Attacked, str], None] = lambda stack, name: None,
    ) -> None:
        """`write` puts the program of a scene there, where it is not the usual one."""
        self._root, self._write = root, write
        self._service = ChainService(root / "chain")
        self._service.start()
        self._scenes: dict[str, Scene] = {}
        made = make_governed(root, environment, self._service, rules, two_machines=True)
        self._stack = Attacked(made.folder, made.environment, made.deployment, made.notes)

    def stop(self) -> None:
        self._service.stop()

    @contextlib.contextmanager
    def play(self, name: str) -> Iterator[Attacked]:
        """A scene to attack; the next one begins as if nothing had been."""
        if name not in self._scenes:
            self._make(name)
        scene = self._scenes[name]
        self._restore(scene)
        stack = self._copy(scene.stack)
        yield stack
        stack.clean_up()
        _end_watchers(stack)

    def _make(self, name: str) -> None:
        if name == "deployed":
            with self.play("approved") as stack:
                stack.completes()
                stack.program(CHANGED)
                self._keep(name, stack)
        else:
            stack = self._stack
            stack.program(PROGRAM)
            stack.pulumi("config", "set", "greeting", "welcome")
            self._keep(name, stack)

    def _keep(self, name: str, stack: Attacked) -> None:
        self._write(stack, name)
        plan = stack.approve()
        kept = self._root / "scenes" / name
        for folder in FOLDERS:
            shutil.copytree(self._root / folder, kept / folder, symlinks=True)
        with (
            contextlib.closing(sqlite3.connect(self._service.home / "journal.sqlite")) as journal,
            contextlib.closing(sqlite3.connect(kept / "journal.sqlite")) as copy,
        ):
            journal.backup(copy)
        found = dataclasses.replace(
            self._copy(stack), plan_hash=plan, done=tuple(stack.calls()), ran=len(stack.runs())
        )
        found.original = dict(stack.environment)
        self._scenes[name] = Scene(found, kept, self._head())

    def _restore(self, scene: Scene) -> None:
        for folder in FOLDERS:
            shutil.rmtree(self._root / folder)
            shutil.copytree(scene.kept / folder, self._root / folder, symlinks=True)
        if self._service.facts() is None or self._head() != scene.head:
            self._service.stop()
            for file in self._service.home.glob("journal.sqlite*"):
                file.unlink()
            shutil.copy(scene.kept / "journal.sqlite", self._service.home)
            self._service.start()

    def _head(self) -> str:
        return str(self._service.status()["hash"])

    def _copy(self, stack: Attacked) -> Attacked:
        return dataclasses.replace(stack, environment=dict(stack.environment), sessions=[])


def _end_watchers(stack: Attacked) -> None:
    """No watcher may write into the next attack's folders."""
    for run in stack.runs():
        deadline = time.monotonic() + WAIT_SECONDS
        while run.result() is None and time.monotonic() < deadline:
            time.sleep(0.05)
    for pid in stack.watchers(at_least=0):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def stage(
    tmp_path_factory: pytest.TempPathFactory, pulumi_env_at: Callable[[Path], dict[str, str]]
) -> Iterator[Stage]:
    """One a worker."""
    root = tmp_path_factory.mktemp("stage")
    found = Stage(root, pulumi_env_at(root))
    yield found
    found.stop()


@pytest.fixture
def approved(stage: Stage) -> Iterator[Attacked]:
    """Three notes in a program, approved by vote, none of them there yet."""
    with stage.play("approved") as stack:
        yield stack


@pytest.fixture
def deployed(stage: Stage) -> Iterator[Attacked]:
    """The three notes are there; a program that changes the first of them is approved."""
    with stage.play("deployed") as stack:
        yield stack


@pytest.fixture
def own_environment(approved: Attacked, tmp_path: Path) -> Path:
    """A copy of the virtual environment in which the approved program runs; its `site-packages`.

    The files are links to the real ones: replace them, never write into them (`replace`).
    """
    here = Path(sys.prefix)
    made = tmp_path / "environment"
    site = Path(sysconfig.get_path("purelib")).relative_to(here)
    (made / site).parent.mkdir(parents=True)
    for folder in ("bin", site):
        shutil.copytree(here / folder, made / folder, symlinks=True, copy_function=_link)
    shutil.copy(here / "pyvenv.cfg", made)
    path = approved.environment["PATH"].replace(str(here / "bin"), str(made / "bin"))
    approved.environment |= {"VIRTUAL_ENV": str(made), "PATH": path}
    return made / site


def replace(file: Path, text: str) -> None:
    """Other content under the same name; whoever shares the file keeps the old."""
    file.unlink(missing_ok=True)
    file.write_text(text)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target, follow_symlinks=False)
