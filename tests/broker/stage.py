"""A broker on loopback with everything real but the cloud: TLS, SoftHSM, chain and contracts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pulumi_mandate.broker.certificates import issue, request_for
from pulumi_mandate.broker.events import Events
from pulumi_mandate.broker.identity import TYPE, Identity, running_with
from pulumi_mandate.broker.service import Broker, listen
from pulumi_mandate.broker.settings import Settings, load_settings
from pulumi_mandate.gate.machine import Machine, open_machine
from pulumi_mandate.governance import Registry
from pulumi_mandate.governance.council import Council
from pulumi_mandate.models import ExecutionOrder, OutcomeKind, Subject, to_hex
from pulumi_mandate.plan.document import Document
from pulumi_mandate.signing import ExecutorKey, open_signer
from pulumi_mandate.svid import BrokerAt, BrokerCaller, Files, SpiffeId, server_context
from tests.chain.genesis import DAY, Deployment
from tests.gate import cases
from tests.governance.cases import an_outcome, approve, begin, council_says, hash_of, signed
from tests.plugins.gate_fixtures import complete, write_trust

DOMAIN = "acme.example"
CONTROLLER, SHELL, OTHER, STRANGER, BROKER = (
    SpiffeId(DOMAIN, f"/{name}") for name in ("controller", "shell", "other", "stranger", "broker")
)
SUBJECT, ELSEWHERE = cases.SUBJECT, Subject("backend", "acme", "shop", "staging")
PLATFORM = Subject("backend", "acme", "platform", "broker")
"""The stack that says who the broker is."""
ACCOUNT = "123456789012"
WRITE, READ = (f"arn:aws:iam::{ACCOUNT}:role/mandate-{name}" for name in ("write", "read"))
CLUSTER_TOKEN = "the broker's own"
HOUR = timedelta(hours=1)
BUCKET = "pulumi-python:dynamic/mandate:S3Bucket"


@dataclass
class Authority:
    """An internal authority, and the files of who it issued to."""

    key: Any
    certificate: x509.Certificate
    folder: Path
    made: int = 0

    @property
    def path(self) -> Path:
        file = self.folder / "ca.pem"
        if not file.exists():
            file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def files(self, identity: SpiffeId, life: timedelta = HOUR, **when: Any) -> Files:
        """A key and a certificate for it, as `mandate certificates` makes them."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = issue(self.key, self.certificate, request_for(key), identity, life=life, **when)
        return self.written(key, leaf)

    def written(self, key: ec.EllipticCurvePrivateKey, leaf: x509.Certificate) -> Files:
        self.made += 1
        place = self.folder / str(self.made)
        encoded = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        place.with_suffix(".key").touch(mode=0o600)
        place.with_suffix(".key").write_bytes(encoded)
        place.with_suffix(".pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        return Files(self.path, place.with_suffix(".pem"), place.with_suffix(".key"))

    def client_file(self, identity: SpiffeId, port: int) -> Path:
        """Of a machine that asks the broker on this port, with a certificate of its own."""
        files = self.files(identity)
        path = self.folder / f"client-{self.made}.toml"
        path.touch(mode=0o600)
        path.write_text(
            f'version = 1\nurl = "https://127.0.0.1:{port}"\nbroker = "{BROKER}"\n'
            f'authority = "{files.authority}"\ncertificate = "{files.certificate}"\n'
            f'key = "{files.key}"\n'
        )
        return path


class Holding:
    """The endpoint's word about what is final can be held back: everything else is the chain's."""

    number: int | None = None

    def __call__(self, method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if self.number is None or method != "eth_getBlockByNumber" or params[0] != "finalized":
            return answer
        return {**answer, "result": {**answer["result"], "number": hex(self.number)}}


@dataclass
class Stage:
    """A deployment with one approved plan, and a broker that reads its chain."""

    deployment: Deployment
    machine: Machine
    """The broker's."""
    authority: Authority
    settings: Settings
    holding: Holding
    port: int = 0
    document: Document = field(default=None)  # type: ignore[assignment]
    seen: dict[str, Any] = field(default_factory=dict)
    """What callers were given on the way here."""
    roles: dict[str, Any] = field(default_factory=dict)
    """The roles that these were calls of STS for, as moto kept them when each was made."""
    refused: dict[str, str] = field(default_factory=dict)
    """What was said to orders that did not fit, before the one that did."""

    def at(self, files: Files) -> BrokerAt:
        return BrokerAt("127.0.0.1", self.port, BROKER, files)

    def caller(self, identity: SpiffeId) -> BrokerCaller:
        return BrokerCaller(self.at(self.authority.files(identity)))

    def client_file(self, identity: SpiffeId) -> Path:
        return self.authority.client_file(identity, self.port)

    def executor(self, identity: SpiffeId = CONTROLLER) -> ExecutorKey:
        """The order key, as a machine without a right on it has it."""
        address = self.deployment.people["executor"].address
        return ExecutorKey(open_signer(f"broker://{self.client_file(identity)}", address))

    def credentials(
        self, identity: SpiffeId = CONTROLLER, service: str = "aws", subject: Subject = SUBJECT
    ) -> dict[str, Any]:
        return self.caller(identity).ask("/v1/credentials", asking(service, subject))

    def order(self, **changes: Any) -> ExecutionOrder:
        now = self.deployment.client.now()
        made = ExecutionOrder(
            plan_hash=hash_of(self.deployment, self.document.fields()),
            run_id=cases.RUN,
            runner=self.deployment.people["runner"].address,
            lease_until=now + 3600,
            key_epoch=1,
            deadline=now + 600,
        )
        return replace(made, **changes)

    def begin(self, order: ExecutionOrder, signature: bytes) -> None:
        people, fields = self.deployment.people, self.document.fields()
        Registry(self.deployment.client).begin(fields, order, signature, people["runner"])

    def events(self) -> list[str]:
        return self.settings.log.read_text().splitlines()


def asking(service: str, subject: Subject = SUBJECT) -> dict[str, Any]:
    names = ("backend", "organisation", "project", "stack")
    return {"service": service, "subject": {name: getattr(subject, name) for name in names}}


def settings_text(stage_folder: Path, authority: Authority, runner: str, other: str) -> str:
    files = authority.files(BROKER)
    return f"""
version = 1
trust = "{stage_folder / "trust.toml"}"
log = "{stage_folder / "log" / "events.jsonl"}"

[tls]
id = "{BROKER}"
listen = "127.0.0.1:0"
authority = "{files.authority}"
certificate = "{files.certificate}"
key = "{files.key}"

[identity]
backend = "{PLATFORM.backend}"
name = "{PLATFORM}"

[runners."{CONTROLLER}"]
address = "{runner}"
kind = "controller"

[runners."{SHELL}"]
address = "{runner}"
kind = "shell"

[runners."{OTHER}"]
address = "{other}"
kind = "controller"

[[subjects]]
backend = "{SUBJECT.backend}"
name = "{SUBJECT}"
runners = ["{CONTROLLER}", "{SHELL}"]

[subjects.aws]
region = "eu-central-1"
write_role = "{WRITE}"
read_role = "{READ}"

[subjects.kubernetes]
server = "CLUSTER"
authority = "FOLDER/cluster.pem"
token = "FOLDER/cluster-token"
namespace = "shop"
write_account = "mandate-write"
read_account = "mandate-read"

[[subjects]]
backend = "{PLATFORM.backend}"
name = "{PLATFORM}"
runners = ["{CONTROLLER}"]

[[subjects]]
backend = "{ELSEWHERE.backend}"
name = "{ELSEWHERE}"
runners = ["{OTHER}"]

[subjects.aws]
region = "eu-central-1"
write_role = "{WRITE}"
"""


def bucket(name: str = "logs", **changes: Any) -> dict[str, Any]:
    """An operation that makes a bucket."""
    made = {"type": BUCKET, "urn": cases.urn(name, BUCKET), "after": {"inputs": {"bucket": name}}}
    return cases.operation(name, **(made | changes))


def says(who: Identity, **changes: Any) -> dict[str, Any]:
    """An operation that says who the broker is."""
    inputs = {"identity": "0" * 32, **asdict(who)}
    made = {"type": TYPE, "urn": cases.urn("broker", TYPE), "after": {"inputs": inputs}}
    return cases.operation("broker", **(made | changes))


def documented(
    deployment: Deployment, *operations: dict[str, Any], now: int = 0, **changes: Any
) -> Document:
    now = now or deployment.client.now()
    return cases.document(
        *(operations or (bucket(),)),
        **changes,
        proposer=deployment.people["proposer"].address,
        window={"notBefore": now, "expiresAt": now + 60 * DAY},
    )


def carried_out(
    stage: Stage, *operations: dict[str, Any], cosigned: bool = True, subject: Subject = PLATFORM
) -> Document:
    """A plan that was voted on, cosigned, begun and completed, its document in the store."""
    deployment, store = stage.deployment, stage.machine.store
    plan = documented(deployment, *operations, subject=asdict(subject))
    fields = plan.fields()
    store.link(hash_of(deployment, fields), store.put(plan.data))
    approve(deployment, fields)
    if cosigned:
        council_says(deployment, Council(deployment.client).cosigning(hash_of(deployment, fields)))
    order = begin(deployment, fields)
    outcome = an_outcome(order, OutcomeKind.COMPLETED)
    Registry(deployment.client).close(
        order.plan_hash, outcome, signed(deployment, outcome), deployment.people["runner"]
    )
    return plan


def make_stage(
    folder: Path,
    deployment: Deployment,
    authority: Authority,
    places: tuple[str, str],
    holding: Holding,
) -> Stage:
    """The broker was voted on; one plan of tier high, approved, its document in the broker's store.

    `places` are the URLs of the chain and of the cluster, whose root lies in `folder`.
    """
    rpc, cluster = places
    (folder / "cluster-token").write_text(CLUSTER_TOKEN)
    home = folder / "broker"
    home.mkdir(mode=0o700)
    trust = complete(deployment, home, {"PULUMI_BACKEND_URL": "file:///nowhere"})
    write_trust(home / "trust.toml", replace(trust, rpc=(rpc,)))
    config = home / "broker.toml"
    config.touch(mode=0o600)
    runner, other = (deployment.people[name].address for name in ("runner", "stranger"))
    text = settings_text(home, authority, runner, other)
    config.write_text(text.replace("CLUSTER", cluster).replace("FOLDER", str(folder)))
    settings = load_settings(config)
    stage = Stage(deployment, open_machine(settings.trust), authority, settings, holding)
    carried_out(stage, says(running_with(settings, server_context(settings.files))))
    stage.document = documented(deployment)
    store = stage.machine.store
    store.link(hash_of(deployment, stage.document.fields()), store.put(stage.document.data))
    approve(deployment, stage.document.fields())
    return stage


@contextmanager
def open_door(stage: Stage) -> Iterator[None]:
    """The broker answers on a free port of loopback, in a thread of its own."""
    events = Events(stage.settings.log)
    broker = Broker(stage.settings, stage.machine, events)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def inside(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    try:
        runner, stage.port = inside(listen(broker, stage.settings))
        try:
            yield
        finally:
            inside(runner.cleanup())
            inside(asyncio.sleep(0))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        events.close()


def hex_of(stage: Stage) -> str:
    return to_hex(hash_of(stage.deployment, stage.document.fields()))


def new_authority(key: Any, certificate: x509.Certificate, folder: Path) -> Authority:
    folder.mkdir(mode=0o700, exist_ok=True)
    return Authority(key, certificate, folder)
