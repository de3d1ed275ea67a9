"""A governed stack: real engine, real chain, real contracts, keys in keystores, a provider that
notes.

`governed` gives one. Its program is files on disk; its provider writes one file per resource and
one line per call, so that a test can ask the world, not the engine, whether anything was changed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eth_keyfile import create_keyfile_json

from pulumi_mandate.chain.previewing import Previewer
from pulumi_mandate.chain.trust import Key, Trust, render_trust
from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.gate.folder import RunFolder, run_folders
from pulumi_mandate.gate.machine import Machine, open_machine
from pulumi_mandate.gate.observing import seen_state
from pulumi_mandate.gate.prepare import prepare_plan
from pulumi_mandate.gate.proposal import open_proposal
from pulumi_mandate.gate.source import keep_source, last_completed
from pulumi_mandate.gate.where import ProgramAt
from pulumi_mandate.governance import Governor, Registry, Support
from pulumi_mandate.governance.registry import Mandate
from pulumi_mandate.models import Digest, Subject, Tier, plan_hash, to_hex
from pulumi_mandate.plan.commitment import SubjectKey
from pulumi_mandate.plan.document import Document
from tests.chain.genesis import DAY, Deployment, Person, Terms, deploy
from tests.plugins.engine_fixtures import EngineStack

SUBJECT = Subject("test-backend", "organization", "shop", "test")
COMMITMENT_KEY = "ab" * 32
PASSPHRASE = "correct horse"
WATCHER_SECONDS = 60
FAST_SCRYPT = 2
WAIT_SECONDS = 90

PROVIDER = '''
"""Writes one file per resource into a folder, and one line per call beside it."""

import os
from pathlib import Path

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult


class NoteProvider(ResourceProvider):
    serialize_as_secret_always = False

    def _log(self, folder, line):
        with open(Path(folder, "calls.log"), "a") as log:
            log.write(line + "\\n")

    def create(self, inputs):
        folder, name = inputs["folder"], inputs["name"]
        if Path(folder, "fail-" + name).exists():
            raise RuntimeError("the cloud is down")
        Path(folder, name).write_text(str(inputs["text"]))
        self._log(folder, "create " + name)
        while Path(folder, "hang-" + name).exists():
            import time
            time.sleep(0.05)
        return CreateResult(name, {**inputs, "size": len(str(inputs["text"]))})

    def diff(self, id, olds, news):
        changed = any(olds.get(key) != news.get(key) for key in ("text", "folder", "name"))
        replaced = ["name"] if olds.get("name") != news.get("name") else []
        return DiffResult(changed, replaces=replaced)

    def update(self, id, olds, news):
        if Path(news["folder"], "fail-update-" + news["name"]).exists():
            raise RuntimeError("the cloud is down")
        Path(news["folder"], news["name"]).write_text(str(news["text"]))
        self._log(news["folder"], "update " + news["name"])
        while Path(news["folder"], "hang-update-" + news["name"]).exists():
            import time
            time.sleep(0.05)
        return UpdateResult({**news, "size": len(str(news["text"]))})

    def delete(self, id, props):
        Path(props["folder"], props["name"]).unlink(missing_ok=True)
        self._log(props["folder"], "delete " + props["name"])


class Note(Resource):
    size: pulumi.Output[int]

    def __init__(self, name, text, opts=None, file=None):
        folder = pulumi.Config().require("folder")
        props = {"name": file or name, "text": text, "folder": folder, "size": None}
        super().__init__(NoteProvider(), name, props, opts)
'''

TWO_NOTES = """
import pulumi_mandate

pulumi_mandate.govern()

import pulumi
from notes import Note

first = Note("first", "hello")
second = Note("second", first.size.apply(lambda size: f"{size} letters"))
pulumi.export("size", first.size)
"""


@dataclass
class Governed(EngineStack):
    """A stack whose changes need a mandate of the deployment's registry."""

    deployment: Deployment = field(repr=False)
    notes: Path = field(repr=False)
    """Where the provider writes."""
    sessions: list[int] = field(default_factory=list)
    """Of engines that a test started and may have killed."""

    # -- the world ----------------------------------------------------------------------------

    def calls(self) -> list[str]:
        """What the provider was really asked to do, in order."""
        log = self.notes / "calls.log"
        return log.read_text().splitlines() if log.exists() else []

    def files(self) -> dict[str, str]:
        return {
            path.name: path.read_text()
            for path in sorted(self.notes.iterdir())
            if path.name != "calls.log" and not path.name.startswith(("fail-", "hang-"))
        }

    # -- the people ---------------------------------------------------------------------------

    @property
    def machine(self) -> Machine:
        return open_machine(Path(self.environment["MANDATE_TRUST"]))

    @property
    def registry(self) -> Registry:
        return Registry(self.deployment.client)

    @property
    def people(self) -> Mapping[str, Person]:
        return self.deployment.people

    def plan(
        self, *, imports: Path | None = None, flags: tuple[str, ...] = (), **changes: Any
    ) -> Document:
        """What the program wants now, as its proposer would propose it."""
        now = self.deployment.client.now()
        arguments: dict[str, Any] = {
            "proposer": self.people["proposer"].address,
            "window": (now, now + 60 * DAY),
            "environment": self.environment,
            "rules": self.machine.rules_of,
        }
        machine, program = self.machine, ProgramAt(self.folder, "test", imports, flags)
        arguments["completed"] = partial(last_completed, machine.registry, machine.store)
        document = prepare_plan(program, machine.trust, **(arguments | changes))
        keep_source(document, machine.store, self.folder)  # a test may edit the program before it
        return document

    def observed(self, document: Document) -> str:
        """The digest that an observer finds after the run, as a result states it."""
        machine, program = self.machine, ProgramAt(self.folder, "test")
        found = seen_state(
            document, program, machine.trust, machine.rules_of, environment=self.environment
        )
        return to_hex(found)

    def propose(self, document: Document | None = None, proposer: Person | None = None) -> Digest:
        wanted = document or self.plan()
        account = proposer or self.people["proposer"]
        open_proposal(
            wanted,
            self.machine,
            account,
            folder=self.folder,
            title="A change",
            summary="Read the plan.",
        )
        return plan_hash(self.deployment.domain, wanted.fields())

    def approve(self, document: Document | None = None, proposer: Person | None = None) -> Digest:
        """Propose, vote, wait, queue, wait, execute."""
        return self.approve_all([document or self.plan()], proposer)[0]

    def approve_all(
        self, documents: Sequence[Document], proposer: Person | None = None
    ) -> list[Digest]:
        """The same for several plans at once: one after the other, the first would expire."""
        governor, terms = Governor(self.deployment.client), self.deployment.terms
        hashes = [self.propose(document, proposer) for document in documents]
        found = [governor.find(one) for one in hashes]
        numbers = [proposal.number for proposal in found if proposal is not None]
        stranger = self.people["stranger"]
        self.deployment.advance(terms.voting_delay + 1)
        for number in numbers:
            for name in ("ana", "ben"):
                governor.vote(number, Support.FOR, self.people[name])
        self.deployment.advance(max(terms.voting_period_of(one.tier) for one in documents) + 1)
        for number in numbers:
            governor.queue(number, stranger)
        delays = {Tier.MEDIUM: terms.medium_delay, Tier.HIGH: terms.high_delay}
        self.deployment.advance(max(delays[document.tier] for document in documents) + 1)
        for number in numbers:
            governor.execute(number, stranger)
        return hashes

    def mandate(self, found: Digest) -> Mandate:
        return self.registry.mandate(found)

    # -- the runs -----------------------------------------------------------------------------

    def runs(self) -> list[RunFolder]:
        return list(run_folders(Path(self.environment["MANDATE_HOME"])))

    def result(self, run: int = -1, *, status: str = "") -> dict[str, Any]:
        """What the watcher made of a run; waits for it (for this status, where one is named)."""
        deadline = time.monotonic() + WATCHER_SECONDS
        folder = self.runs()[run]
        while True:
            found = folder.result()
            if found is not None and status in ("", found["status"]):
                return found
            log = folder.log.read_text() if folder.log.exists() else "no log"
            assert time.monotonic() < deadline, f"no result: {found}\n{log}"
            time.sleep(0.05)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """An engine command that the test will interrupt."""
        engine = subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.sessions.append(engine.pid)
        return engine

    def watchers(self, *, at_least: int = 1) -> list[int]:
        """Pids of the watchers of this stack's runs, and of no others."""
        mine = [os.fsencode(folder.path) for folder in self.runs()]
        found = []
        for entry in os.scandir("/proc"):
            with suppress(OSError, ValueError):
                words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
                if b"pulumi_mandate.gate.watcher" in words and any(one in words for one in mine):
                    found.append(int(entry.name))
        assert len(found) >= at_least
        return found

    def clean_up(self) -> None:
        """End what a killed engine leaves behind: its plugins wait for ever."""
        for entry in os.scandir("/proc") if self.sessions else ():
            with suppress(OSError, ValueError, IndexError):
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) in self.sessions:
                    os.kill(int(entry.name), signal.SIGKILL)


def wait_until(what: Callable[[], object]) -> None:
    """Until it is true; a test that waits too long fails."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def rules(request: pytest.FixtureRequest) -> Rules | None:
    """What the subject's config on chain names: `parametrize` it indirectly for other rules."""
    found: Rules | None = getattr(request, "param", None)
    return found


@pytest.fixture
def previewer() -> Previewer | None:
    """What the trust file says of previews: nothing, unless a module says otherwise."""
    return None


@pytest.fixture
def governed(
    tmp_path: Path,
    pulumi_env: Mapping[str, str],
    chain_service: Any,
    rules: Rules | None,
    previewer: Previewer | None,
) -> Iterator[Governed]:
    """Two notes, nothing deployed yet, nobody has proposed anything."""
    stack = make_governed(tmp_path, dict(pulumi_env), chain_service, rules, previewer)
    yield stack
    stack.clean_up()
    for folder_of_run in stack.runs():  # no watcher may outlive its chain
        deadline = time.monotonic() + 5
        while folder_of_run.result() is None and time.monotonic() < deadline:
            time.sleep(0.05)


def make_governed(
    root: Path,
    environment: dict[str, str],
    chain_service: Any,
    rules: Rules | None = None,
    previewer: Previewer | None = None,
    *,
    two_machines: bool = False,
) -> Governed:
    """Contracts, trust file, keys, program and stack below `root`; the shipped rules by default."""
    chosen = rules or Rules.load()
    terms = Terms(
        rules=chosen.digest,
        subject=SUBJECT,
        two_machines=two_machines,
        secret_key_id=SubjectKey.from_hex(COMMITMENT_KEY).id,
    )
    deployment = deploy(chain_service, terms)
    trust = root / "trust" / "trust.toml"
    trust.parent.mkdir(mode=0o700)
    whole = complete(deployment, trust.parent, environment)
    write_trust(trust, dataclasses.replace(whole, previewer=previewer))
    folder, notes = root / "program", root / "notes"
    folder.mkdir()
    notes.mkdir()
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "notes.py").write_text(PROVIDER)
    variables = environment | {"MANDATE_TRUST": str(trust)}
    stack = Governed(folder, variables, deployment, notes)
    stack.machine.store.put(chosen.data)
    stack.program(TWO_NOTES)
    stack.pulumi("stack", "init", "test")
    stack.pulumi("config", "set", "folder", str(notes))
    stack.pulumi("config", "set", "--secret", "mandate:commitmentKey", COMMITMENT_KEY)
    return stack


def complete(deployment: Deployment, folder: Path, environment: dict[str, str]) -> Trust:
    """The deployment's trust with store, keys and backend."""
    return dataclasses.replace(
        deployment.trust,
        store_uri=f"file://{folder / 'store'}",
        executor=key_in(folder, deployment.people["executor"]),
        runner=key_in(folder, deployment.people["runner"]),
        backend_ids={environment["PULUMI_BACKEND_URL"]: SUBJECT.backend},
    )


def key_in(folder: Path, person: Person) -> Key:
    """Somebody's key as a keystore in a folder, beside its passphrase."""
    passphrase, file = folder / "passphrase", folder / f"{person.name}.json"
    content = create_keyfile_json(
        bytes(person.local.key), PASSPHRASE.encode(), kdf="scrypt", iterations=FAST_SCRYPT
    )
    for path, text in ((passphrase, PASSPHRASE), (file, json.dumps(content))):
        path.touch(mode=0o600)
        path.write_text(text)
    return Key(f"keystore://{file}?passphrase-file={passphrase}", person.address)


def write_trust(path: Path, trust: Trust) -> None:
    path.touch(mode=0o600)
    path.write_text(render_trust(trust))
